"""Log probabilities of tokens, as chat completions and raw completions send them. Pure."""

import math
from collections.abc import Iterable

from arena.engines.base import Alternative, TokenLogprob, storable


class _Malformed(Exception):
    pass


def read_logprobs(data: object) -> tuple[TokenLogprob, ...] | None:
    """The `logprobs` of a choice, in either format; None where there are none or they are malformed."""
    try:
        if isinstance(data, dict) and isinstance(data.get("content"), list):
            return tuple(_read_entry(entry) for entry in data["content"])
        if isinstance(data, dict) and isinstance(data.get("tokens"), list):
            return tuple(_read_columns(data))
    except _Malformed:
        pass
    return None


def _read_entry(entry: object) -> TokenLogprob:
    """One token of a chat completion: {"token": ..., "logprob": ..., "top_logprobs": [{...}, ...]}."""
    if not isinstance(entry, dict):
        raise _Malformed
    others = entry.get("top_logprobs") or []
    if not isinstance(others, list) or not all(isinstance(other, dict) for other in others):
        raise _Malformed
    pairs = ((other.get("token"), other.get("logprob")) for other in others)
    return _token(entry.get("token"), entry.get("logprob"), pairs)


def _read_columns(data: dict) -> Iterable[TokenLogprob]:
    """The tokens of a raw completion, whose figures stand in three lists of one length."""
    tokens, logprobs, tops = data["tokens"], data.get("token_logprobs"), data.get("top_logprobs")
    tops = [None] * len(tokens) if tops is None else tops
    if not (isinstance(logprobs, list) and isinstance(tops, list)):
        raise _Malformed
    if not len(tokens) == len(logprobs) == len(tops):
        raise _Malformed
    for token, logprob, top in zip(tokens, logprobs, tops, strict=True):
        if not isinstance(top, dict | None):
            raise _Malformed
        yield _token(token, logprob, (top or {}).items())


def _token(token: object, logprob: object, others: Iterable[tuple[object, object]]) -> TokenLogprob:
    top = sorted((_pair(*other) for other in others), key=lambda other: -other.logprob)
    return TokenLogprob(*_pair(token, logprob), tuple(top))


def _pair(token: object, logprob: object) -> Alternative:
    if not isinstance(token, str) or isinstance(logprob, bool) or not isinstance(logprob, int | float):
        raise _Malformed
    try:
        value = float(logprob)
    except OverflowError as error:
        raise _Malformed from error
    if not math.isfinite(value):
        raise _Malformed
    return Alternative(storable(token), value)
