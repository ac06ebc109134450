import asyncio
from contextlib import asynccontextmanager

import pytest

from arena.engines import Completion, Request
from arena.engines.workers import Workers


def workers(complete, size=1):
    @asynccontextmanager
    async def opened():
        yield complete

    return Workers("engine-test", size, opened)


def done(request):
    return Completion(request.key, "", None, None, None, None, None, 0.0, None)


def test_a_request_that_comes_while_the_last_worker_ends_is_not_forgotten():
    async def complete(request):
        if request.key == "first":
            # Runs after the worker has found nothing more to do, and before it is counted as gone.
            asyncio.get_running_loop().call_soon(crew.add, Request("second", ()))
        return done(request)

    with workers(complete) as crew:
        crew.add(Request("first", ()))
        keys = [crew.ended.get(timeout=10)[0].key for _ in range(2)]
    assert keys == ["first", "second"]


def test_a_fault_of_ours_reaches_the_caller():
    async def complete(request):
        raise LookupError("a fault")

    with workers(complete) as crew:
        crew.add(Request("k", ()))
        with pytest.raises(LookupError, match="a fault"):
            crew.next_completion()
    assert not crew.thread.is_alive()


def test_a_fault_at_the_start_reaches_the_caller():
    @asynccontextmanager
    async def broken():
        raise LookupError("cannot open")
        yield

    with pytest.raises(LookupError, match="cannot open"), Workers("engine-test", 1, broken):
        pass


def test_no_more_than_its_size_at_once():
    busy = peak = 0

    async def complete(request):
        nonlocal busy, peak
        busy += 1
        peak = max(peak, busy)
        await asyncio.sleep(0.001)
        busy -= 1
        return done(request)

    with workers(complete, size=3) as crew:
        for number in range(50):
            crew.add(Request(str(number), ()))
        keys = {crew.next_completion().key for _ in range(50)}
    assert (len(keys), peak) == (50, 3)
