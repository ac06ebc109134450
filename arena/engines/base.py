"""What every engine takes and gives: many requests in, each completion out as it ends."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

LOST = "connection_lost"  # the code of a connection that the server ended in mid-request: it may have died
GONE = frozenset({LOST, "unreachable"})  # codes that a server of our own that has died leaves
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; `role` is "system", "user" or "assistant".

    `images` names what follows the text, each by its SHA-256; the request holds the bytes.
    """

    role: str
    content: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attachment:
    """An image's bytes, and what they are."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Request:
    """One conversation to complete, or one raw text to go on with: `prompt`, and then no `messages`.

    `key` is the caller's name for it and comes back with the completion. `sampling` holds settings such as
    temperature, top_p, max_tokens, seed, stop or logprobs; an engine passes them on as they are. `images`
    holds the images that messages name, by their SHA-256. Raises ValueError for messages and a prompt at
    once, and for images with a prompt, in which they have no place.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, object] = field(default_factory=dict)
    prompt: str | None = None
    images: Mapping[str, Attachment] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.messages and self.prompt is not None:
            raise ValueError("A request holds messages or a prompt, not both.")
        if self.images and self.prompt is not None:
            raise ValueError("A raw text has no place for images; they need messages.")


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


class Alternative(NamedTuple):
    """A token that could have come, and the natural logarithm of its probability."""

    token: str
    logprob: float


class TokenLogprob(NamedTuple):
    """A token that came, its log probability, and the likeliest at its place, best first."""

    token: str
    logprob: float
    top: tuple[Alternative, ...]


@dataclass(frozen=True)
class Completion:
    """What came of one request: a text, or an error.

    `model` and `fingerprint` are what the server says it ran, `tokens_in` and `tokens_out` what it counted
    (None where it says nothing). `seconds` is the wall time of the whole request, waits between attempts
    included. `logprobs` has one entry a token of the text, where sampling asked for them and they came.
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
    logprobs: tuple[TokenLogprob, ...] | None = None


class Engine(Protocol):
    """A source of completions.

    `stream` gives exactly one completion per request, in any order, and never raises for the failure of one
    request. Closing the iterator early ends all work that is under way; an engine that was told to give up
    ends it by itself.

    The source may give more after StopIteration: it is asked again after each completion, so that the caller
    can append a conversation's next turn when the answer to the last one comes. The stream ends when every
    request has its completion and the source gives nothing.
    """

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]: ...


def storable(text: str) -> str:
    """`text` as PostgreSQL can keep it: NUL and lone surrogates become U+FFFD, the replacement character."""
    return UNSTORABLE.sub("\ufffd", text)
