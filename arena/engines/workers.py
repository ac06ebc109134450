"""An event loop in a thread of its own, so that plain code can have many requests under way at once."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from queue import Empty, SimpleQueue

from arena.engines.base import Completion, Request

Complete = Callable[[Request], Awaitable[Completion]]
Open = Callable[[], AbstractAsyncContextManager[Complete]]
LOOK = 0.5  # seconds between two looks at whether to wait any longer


class Workers:
    """At most `size` workers, which complete the requests that are added until the block ends.

    `open` gives what completes one request; it is opened before the first and closed after the last. The
    caller's thread and the loop's share two queues. A busy worker takes its next request by itself, and what
    ends in one turn of the loop is handed over at once, because waking the other thread costs as much as all
    the rest of the engine.
    """

    def __init__(self, name: str, size: int, open: Open) -> None:
        self.size = size
        self.open = open
        self.todo: deque[Request] = deque()
        self.batch: list[Completion | Exception] = []  # the loop's, until it is handed over
        self.ended: SimpleQueue[list[Completion | Exception]] = SimpleQueue()
        self.at_hand: deque[Completion | Exception] = deque()  # the caller's
        self.tasks: set[asyncio.Task[None]] = set()
        self.ringing = False  # whether `_start` is on its way to the loop
        self.started: Future[asyncio.Event] = Future()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> "Workers":
        self.thread.start()
        self.stop = self.started.result()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()

    def add(self, request: Request) -> None:
        # The order matters: a worker that ends looks at `todo` after it has left `tasks`, and `_start` after
        # it has reset `ringing`, so that one of the two threads always sees the other's step.
        self.todo.append(request)
        if len(self.tasks) < self.size and not self.ringing:
            self.ringing = True
            self.loop.call_soon_threadsafe(self._start)

    def next_completion(self, give_up: Callable[[], bool] = lambda: False) -> Completion | None:
        """The next that ends; None when ``give_up`` comes true before."""
        while not self.at_hand:
            if give_up():
                return None
            with suppress(Empty):
                self.at_hand.extend(self.ended.get(timeout=LOOK))
        ended = self.at_hand.popleft()
        if isinstance(ended, Exception):
            raise ended
        return ended

    def _start(self) -> None:
        self.ringing = False
        for _ in range(min(len(self.todo), self.size - len(self.tasks))):
            task = self.loop.create_task(self._work())
            self.tasks.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if self.todo:
            self._start()

    async def _work(self) -> None:
        while self.todo:
            request = self.todo.popleft()
            ended: Completion | Exception
            try:
                ended = await self.complete(request)
            except Exception as error:  # a fault of ours, for the caller to see
                ended = error
            if not self.batch:
                self.loop.call_soon(self._hand_over)
            self.batch.append(ended)

    def _hand_over(self) -> None:
        batch, self.batch = self.batch, []
        self.ended.put(batch)

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve())
        except BaseException as error:
            if self.started.done():
                raise
            self.started.set_exception(error)
        finally:
            # Not asyncio.run: it would wait for a name server that does not answer.
            self.loop.close()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with self.open() as self.complete:
            self.started.set_result(stop)
            await stop.wait()
            self.todo.clear()
            tasks = list(self.tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
