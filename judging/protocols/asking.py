"""From what a protocol shows to requests, and from completions back to one a ruling."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from arena.engines import Completion, Engine, Message, Request

Shown = tuple[Message, ...] | str  # a conversation, or a raw text to go on with
PLACES = ("first answer", "second answer")  # in the roles of what was shown apart


class Apart(NamedTuple):
    """Two prompts, where a judge is asked about each answer by itself."""

    first: Shown
    second: Shown


def requests_for(key: str, shown: Shown | Apart, sampling: Mapping[str, object]) -> tuple[Request, ...]:
    """One request, under ``key``; or two, under the key with /1 and /2."""
    if isinstance(shown, Apart):
        numbered = enumerate(shown, start=1)
        return tuple(_request(f"{key}/{number}", each, sampling) for number, each in numbered)
    return (_request(key, shown, sampling),)


def as_json(shown: Shown | Apart) -> str:
    """What was shown, as a JSON list of messages; a raw text is one with the role "prompt".

    Images are named by their SHA-256, in `images` of a message that shows any.
    """
    if isinstance(shown, Apart):
        named = zip(PLACES, shown, strict=True)
        rows = [{**row, "role": f"{row['role']}, {name}"} for name, each in named for row in _rows(each)]
    else:
        rows = _rows(shown)
    return json.dumps(rows, ensure_ascii=False)


def both_texts(text: str) -> tuple[str, str] | None:
    """The two texts that ``complete`` has put into one; None for any other text."""
    try:
        texts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(texts, list) and len(texts) == 2 and all(isinstance(each, str) for each in texts):
        return texts[0], texts[1]
    return None


def complete(engine: Engine, asked: Iterable[tuple[str, tuple[Request, ...]]]) -> Generator[Completion]:
    """One completion for each key with its requests; the text of two is a JSON list of both texts."""
    owners: dict[str, tuple[str, tuple[Request, ...]]] = {}
    halves: dict[str, Completion] = {}

    def source() -> Iterator[Request]:
        for key, requests in asked:
            for request in requests:
                owners[request.key] = key, requests
                yield request

    for completion in engine.stream(source()):
        key, requests = owners.pop(completion.key)
        if len(requests) == 1:
            yield completion
            continue
        halves[completion.key] = completion
        if all(request.key in halves for request in requests):
            yield _join(key, *(halves.pop(request.key) for request in requests))


def _request(key: str, shown: Shown, sampling: Mapping[str, object]) -> Request:
    if isinstance(shown, str):
        return Request(key, (), sampling, prompt=shown)
    return Request(key, shown, sampling)


def _rows(shown: Shown) -> list[dict[str, Any]]:
    if isinstance(shown, str):
        return [{"role": "prompt", "content": shown}]
    return [_row(message) for message in shown]


def _row(message: Message) -> dict[str, Any]:
    named = {"images": list(message.images)} if message.images else {}
    return {"role": message.role, "content": message.content} | named


def _join(key: str, first: Completion, second: Completion) -> Completion:
    cut = "length" in (first.finish_reason, second.finish_reason)
    error = first.error or second.error
    return replace(
        first,
        key=key,
        text=None if error else json.dumps([first.text, second.text], ensure_ascii=False),
        finish_reason="length" if cut else first.finish_reason,
        tokens_in=_sum(first.tokens_in, second.tokens_in),
        tokens_out=_sum(first.tokens_out, second.tokens_out),
        seconds=first.seconds + second.seconds,
        error=error,
        logprobs=None,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
