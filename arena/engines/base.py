"""What every engine takes and gives: many requests in, each completion out as it ends."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; `role` is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """One conversation to complete.

    `key` is the caller's name for it and comes back with the completion. `sampling` holds settings such as
    temperature, top_p, max_tokens, seed or stop; an engine passes them on as they are.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineError:
    """Why a request has no text.

    `code` is one word for programs, `message` a sentence for people. `retry_after` is the number of seconds
    that the server asked to wait, if it did. `final` says that the same request would fail again later.
    """

    code: str
    message: str
    retry_after: float | None
    final: bool


@dataclass(frozen=True)
class Completion:
    """What came of one request: a text, or an error.

    `model` and `fingerprint` are what the server says it ran, `tokens_in` and `tokens_out` what it counted
    (None where it says nothing). `seconds` is the wall time of the whole request, waits between attempts
    included.
    """

    key: str
    text: str | None
    finish_reason: str | None
    model: str | None
    fingerprint: str | None
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    error: EngineError | None


class Engine(Protocol):
    """A source of completions.

    `stream` gives exactly one completion per request, in any order, and never raises for the failure of one
    request. Closing the iterator early ends all work that is under way.
    """

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]: ...


def storable(text: str) -> str:
    """`text` as PostgreSQL can keep it: NUL and lone surrogates become U+FFFD, the replacement character."""
    return UNSTORABLE.sub("\ufffd", text)
