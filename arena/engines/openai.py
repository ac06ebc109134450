"""Any OpenAI-compatible server (vLLM, Ollama, a provider) over HTTP: POST {base_url}/chat/completions."""

import asyncio
import json
import random
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import SimpleQueue

import httpx

from arena.engines.base import Completion, EngineError, Request
from arena.engines.replies import Refused, Reply, read_detail, read_error, read_reply, read_wait, refuse

CONNECT_SECONDS = 10.0
LONGEST_WAIT = 60.0  # seconds between two attempts
DETAIL_BYTES = 16 * 1024  # of the body that comes with an error
DETAIL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class OpenAIEngine:
    """A client of one model on one server.

    - `base_url`: address with the version, such as http://localhost:8000/v1; `api_key` may be empty.
    - `concurrency`: most requests under way at once.
    - `deadline`: seconds that one request may take, with all its attempts and the waits between them.
    - `attempt_seconds`: seconds of one attempt; None leaves it the whole deadline.
    - `attempts`: most attempts at one request. 429, 5xx, timeouts and broken connections are tried again
      after `backoff` * 2**n seconds (at most 60) less a random part of up to a half, or when Retry-After
      says. No wait over 60 s or beyond the deadline: the request ends, and `retry_after` says how long.
    - `max_response_bytes`: a larger response is dropped while it streams.
    - `sampling`: settings of every request; a request's own go before.

    NUL and lone surrogates, which PostgreSQL cannot keep, come out of texts as U+FFFD. `reasoning_content` is
    not part of a text; an empty string is a text. Error codes: `unauthorized`, `not_found`, `bad_request`,
    `too_large`, and `bad_response` for a redirect or compressed data, are final; `rate_limited`,
    `server_error`, `timeout`, `unreachable`, `empty` (a response of no bytes) and any other `bad_response`
    may pass later.
    The key is in no message, log line or repr. Raises ValueError for settings that cannot work.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    concurrency: int = 8
    deadline: float = 300.0
    attempt_seconds: float | None = None
    attempts: int = 4
    backoff: float = 0.5
    max_response_bytes: int = 8 * 1024 * 1024
    sampling: Mapping[str, object] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.base_url)
            url.host.encode("idna")
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ValueError("The base URL is not an address.") from error
        if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65536:
            raise ValueError("The base URL must begin with http:// or https:// and name a host (and port).")
        if url.userinfo or url.query or url.fragment:
            raise ValueError("The base URL may hold no user, query or fragment; a key belongs in api_key.")
        if not re.fullmatch(r"[!-~]*", self.api_key):
            raise ValueError("The API key may hold only printable ASCII characters, without spaces.")
        if self.concurrency < 1 or self.attempts < 1 or self.deadline <= 0:
            raise ValueError("Concurrency, attempts and deadline must be above zero.")

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete `requests`, each completion as it ends.

        Requests are pulled lazily, in the caller's thread, at most twice `concurrency` ahead. Closing the
        iterator cancels what is under way and returns when nothing of it is left.
        """
        source = iter(requests)
        waiting = 0
        with _Loop(self) as loop:
            while True:
                for request in islice(source, 2 * self.concurrency - waiting):
                    loop.submit(request)
                    waiting += 1
                if not waiting:
                    return
                completion = loop.next_completion()
                waiting -= 1
                yield completion

    async def complete(self, client: httpx.AsyncClient, request: Request) -> Completion:
        """One request to its end: a text, or the error of its last attempt."""
        begun = time.monotonic()
        outcome: Reply | EngineError
        try:
            content = self._body(request)
            async with asyncio.timeout(self.deadline):
                outcome = await self._try(client, content, begun + self.deadline)
        except TimeoutError as late:
            outcome = self._overdue(late).error
        except Refused as refused:
            outcome = refused.error
        reply = outcome if isinstance(outcome, Reply) else Reply()
        error = outcome if isinstance(outcome, EngineError) else None
        return Completion(request.key, *reply, seconds=time.monotonic() - begun, error=error)

    def client(self) -> httpx.AsyncClient:
        """A connection pool for this server: no redirects, no proxy from the environment."""
        headers = {"content-type": "application/json", "accept": "application/json", "user-agent": "arena"}
        # Without compression the cap on bytes is a cap on memory: there is no bomb to unpack.
        headers["accept-encoding"] = "identity"
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        return httpx.AsyncClient(
            headers=headers,
            trust_env=False,
            follow_redirects=False,
            # A read timeout is per read, so that a drip of bytes escapes it; the deadline holds instead.
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency),
        )

    @property
    def _host(self) -> str:
        return httpx.URL(self.base_url).netloc.decode("ascii")

    def _body(self, request: Request) -> bytes:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        fixed = {"model": self.model, "messages": messages, "stream": False}
        body = {**self.sampling, **request.sampling, **fixed}
        try:
            return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            message = "The request does not fit in JSON: look for lone surrogates or an odd sampling setting."
            raise refuse("bad_request", message, final=True) from error

    async def _try(self, client: httpx.AsyncClient, content: bytes, until: float) -> Reply:
        """The reply of the first attempt that succeeds before the monotonic time `until`."""
        attempt = 1
        while True:
            try:
                return await self._attempt(client, content)
            except Refused as refused:
                wait = self._wait(attempt, refused.error.retry_after)
                hopeless = wait > LONGEST_WAIT or time.monotonic() + wait >= until
                if not refused.again or attempt == self.attempts or hopeless:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    def _wait(self, attempt: int, retry_after: float | None) -> float:
        ceiling = min(LONGEST_WAIT, self.backoff * 2 ** min(attempt - 1, 30))
        return max(ceiling * (1 - self.rng.random() / 2), retry_after or 0.0)

    async def _attempt(self, client: httpx.AsyncClient, content: bytes) -> Reply:
        url = self.base_url.rstrip("/") + "/chat/completions"
        try:
            async with (
                asyncio.timeout(self.attempt_seconds),
                client.stream("POST", url, content=content) as response,
            ):
                if response.status_code != 200:
                    raise await self._refusal(response)
                body = await self._load(response, self.max_response_bytes)
        except (TimeoutError, httpx.TimeoutException) as late:
            raise self._overdue(late) from late
        except httpx.HTTPError as error:
            name = type(error).__name__
            message = f"The connection to {self._host} failed ({name}); check the address and that it runs."
            raise refuse("unreachable", message, again=True) from error
        return read_reply(body, self._host)

    async def _load(self, response: httpx.Response, limit: int) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            message = f"{self._host} compresses its responses without being asked; switch that off there."
            raise refuse("bad_response", message, final=True)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                hint = "lower max_tokens or raise the limit on responses."
                raise refuse("too_large", f"{self._host} sent more than {limit:,} bytes; {hint}", final=True)
        return bytes(body)

    async def _refusal(self, response: httpx.Response) -> Refused:
        try:
            async with asyncio.timeout(DETAIL_SECONDS):
                detail = read_detail(await self._load(response, DETAIL_BYTES), self.api_key)
        except (TimeoutError, httpx.HTTPError, Refused):
            detail = ""  # the status says enough
        refused = read_error(response.status_code, self._host, self.model, detail)
        seconds = read_wait(response.headers.get("retry-after"), response.headers.get("date"))
        return Refused(replace(refused.error, retry_after=seconds), again=refused.again)

    def _overdue(self, late: Exception) -> Refused:
        if isinstance(late, httpx.TimeoutException):
            message = f"{self._host} takes no connection in {CONNECT_SECONDS:g} s; check that it runs."
            return refuse("timeout", message, again=True)
        hint = "raise the deadline, lower max_tokens, or ask fewer at once."
        return refuse("timeout", f"{self._host} gave no complete answer in time; {hint}", again=True)


class _Loop:
    """An event loop in a thread of its own, which completes requests of one engine until the block ends."""

    def __init__(self, engine: OpenAIEngine) -> None:
        self.engine = engine
        self.ended: SimpleQueue[Future[Completion]] = SimpleQueue()
        self.started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread = threading.Thread(target=self._run, name="engine-openai", daemon=True)

    def __enter__(self) -> "_Loop":
        self.thread.start()
        self.loop, self.stop = self.started.result()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()

    def submit(self, request: Request) -> None:
        asyncio.run_coroutine_threadsafe(self._complete(request), self.loop).add_done_callback(self.ended.put)

    def next_completion(self) -> Completion:
        return self.ended.get().result()

    async def _complete(self, request: Request) -> Completion:
        async with self.gate:  # here, not at the door, so that the deadline begins when the request does
            return await self.engine.complete(self.client, request)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self.started.done():
                raise
            self.started.set_exception(error)

    async def _serve(self) -> None:
        self.gate = asyncio.Semaphore(self.engine.concurrency)
        stop = asyncio.Event()
        async with self.engine.client() as self.client:
            self.started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
