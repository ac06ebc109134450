"""The middleware that vLLM loads: what asks for the key passes, nothing else does."""

import asyncio

import pytest

from arena.engines.vllm.guard.arena_guard import OnlyKeyed


def passed(kind, path):
    """Whether the application behind the guard was reached, and what was sent instead."""
    reached, sent = [], []

    async def application(scope, receive, send):
        reached.append(scope["path"] if "path" in scope else scope["type"])

    async def send(message):
        sent.append(message)

    scope = {"type": kind} | ({"path": path} if path else {})
    asyncio.run(OnlyKeyed(application)(scope, None, send))
    return bool(reached), sent


@pytest.mark.parametrize(
    ("kind", "path"),
    [("http", "/health"), ("http", "/v1/completions"), ("websocket", "/v1/realtime"), ("lifespan", "")],
)
def test_the_keyed_addresses_pass(kind, path):
    assert passed(kind, path) == (True, [])


@pytest.mark.parametrize(
    "path", ["/invocations", "/tokenize", "/", "/v1", "/v10/x", "/health/", "//v1/models"]
)
def test_all_others_are_not_found(path):
    reached, sent = passed("http", path)
    assert not reached
    assert [message.get("status") for message in sent] == [404, None]


def test_other_sockets_are_closed():
    assert passed("websocket", "/x") == (False, [{"type": "websocket.close", "code": 1008}])
