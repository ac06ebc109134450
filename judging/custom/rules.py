"""Rules that find what a judge said in its text: a regular expression that RE2 runs, or a JSON path."""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

import jsonpath
import re2

from arena.engines import storable
from judging.recipes.filling import defuse

T = TypeVar("T")
LONGEST_RULE = 500  # characters
LOOKED_AT = 200_000  # last characters of a text that a pattern is looked for in
JSON_LOOKED_AT = 20_000
EFFORT = 100 * JSON_LOOKED_AT  # characters read in vain before a text is given up
GROUPS = ("verdict", "score")

_PATHS = jsonpath.JSONPathEnvironment(strict=True)
for _slow in ("match", "search"):  # they run Python's own regular expressions, which may take for ever
    del _PATHS.function_extensions[_slow]


class BadRule(ValueError):
    """What is wrong with a rule, in a sentence."""


class Caught(NamedTuple):
    """What a rule found, and where: from ``start`` to ``end`` in the text.

    ``place`` is where the value itself begins, None where a rule knows no place of its own.
    """

    value: str
    start: int
    end: int
    place: int | None = None


class Rule(Protocol):
    def catch(self, text: str) -> Caught | None:
        """What the text says by this rule; None where it says nothing."""

    def break_up(self, text: str) -> str:
        """An answer's text, with what the rule would find in it broken up by spaces."""


@dataclass(frozen=True)
class PatternRule:
    """The last match counts: its group ``verdict`` or ``score``, else its first."""

    pattern: str

    def __post_init__(self) -> None:
        _check_length(self.pattern)
        try:
            compiled = self._compiled
        except re2.error as error:
            said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
            raise BadRule(f"RE2 does not take this expression: {said}.") from error
        except UnicodeError as error:
            raise BadRule("The expression holds characters that are none.") from error
        if not compiled.groups:
            raise BadRule("The expression needs a group, in round brackets, around what it catches.")

    def catch(self, text: str) -> Caught | None:
        skipped = max(len(text) - LOOKED_AT, 0)
        last = _last(self._compiled.finditer(storable(text[skipped:])))
        if last is None or last.group(self._group) is None:
            return None
        place = skipped + last.start(self._group)
        return Caught(last.group(self._group), skipped + last.start(), skipped + last.end(), place)

    def break_up(self, text: str) -> str:
        pieces, at = [], 0
        text = storable(text)
        for found in self._compiled.finditer(text):
            pieces += [text[at : found.start()], self._split(found)]
            at = found.end()
        return "".join([*pieces, text[at:]])

    def _split(self, found: Any) -> str:
        """The match with a space where it is no match any more; as it is where a space changes nothing."""
        whole, start, end = found.group(), found.start(self._group), found.end(self._group)
        inside = [place - found.start() for place in (start, start - 1, end, end + 1) if start >= 0]
        for place in (1, *inside, len(whole) - 1):
            split = f"{whole[:place]} {whole[place:]}"
            if 0 < place < len(whole) and not self._compiled.search(split):
                return split
        return whole

    @cached_property
    def _compiled(self) -> Any:
        options = re2.Options()
        options.log_errors = False
        return re2.compile(self.pattern, options)

    @cached_property
    def _group(self) -> int:
        named = [self._compiled.groupindex[name] for name in GROUPS if name in self._compiled.groupindex]
        return named[0] if named else 1


@dataclass(frozen=True)
class PathRule:
    """A path (RFC 9535) into the last JSON value of the text, to one text, number or truth value."""

    path: str

    def __post_init__(self) -> None:
        _check_length(self.path)
        try:
            segments = self._compiled.segments
        except (jsonpath.JSONPathError, ValueError, RecursionError) as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise BadRule(f"This is no JSON path: {said}.") from error
        # One thing is looked for, and no text of a judge may make that take long.
        if any(len(segment.selectors) > 1 for segment in segments):
            raise BadRule("The path leads to one place: no [a, b].")
        if self.path.count("..") > 1 or self.path.count("?") > 1 or self.path.count("$") > 1:
            raise BadRule("The path has one $, and at most one .. and one filter.")

    def catch(self, text: str) -> Caught | None:
        found = last_json(text)
        if found is None:
            return None
        value, start, end = found
        try:
            nodes = list(islice(self._compiled.finditer(value), 2))
        except (jsonpath.JSONPathError, TypeError, ValueError, RecursionError):
            return None
        said = nodes[0].obj if len(nodes) == 1 else None
        if isinstance(said, str):
            return Caught(said, start, end)
        return Caught(json.dumps(said), start, end) if isinstance(said, bool | int | float) else None

    def break_up(self, text: str) -> str:
        return defuse(text, self._key) if self._key else text

    @cached_property
    def _compiled(self) -> Any:
        return _PATHS.compile(self.path)

    @cached_property
    def _key(self) -> re.Pattern[str] | None:
        """The last name of the path as JSON writes it before a value."""
        selectors = [each for segment in self._compiled.segments for each in segment.selectors]
        names = [re.escape(each.name) for each in selectors if isinstance(getattr(each, "name", None), str)]
        return re.compile(rf'"{names[-1]}"\s{{0,8}}:', re.IGNORECASE) if names else None


def last_json(text: str) -> tuple[Any, int, int] | None:
    """The last JSON object or list in a text, or the whole text where that is JSON; with its place.

    A value that has a name twice, or numbers that JSON does not know, is none.
    """
    skipped = max(len(text) - JSON_LOOKED_AT, 0)
    looked_at = text[skipped:]
    try:
        whole = looked_at.strip()
        start = skipped + len(looked_at) - len(looked_at.lstrip())
        return _DECODER.decode(whole), start, start + len(whole)
    except (ValueError, RecursionError):
        pass
    try:
        last = _last(_json_values(looked_at))
    except (ValueError, RecursionError):
        return None
    return (last[0], skipped + last[1], skipped + last[2]) if last else None


def _last(found: Iterable[T]) -> T | None:
    ends = deque(found, maxlen=1)
    return ends[0] if ends else None


def _json_values(text: str) -> Iterator[tuple[Any, int, int]]:
    at, effort = 0, 0
    while found := _OPENING.search(text, at):
        start = found.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except ValueError as error:
            at = start + 1
            effort += getattr(error, "pos", len(text)) - start
            if effort > EFFORT:
                raise
        else:
            yield value, start, at


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_such(number: str) -> float:
    raise ValueError(f"{number} is no number")


def _check_length(rule: str) -> None:
    if not rule.strip():
        raise BadRule("Say how the judge's text is read.")
    if len(rule) > LONGEST_RULE:
        raise BadRule(f"A rule has at most {LONGEST_RULE} characters.")


_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder(object_pairs_hook=_only_once, parse_constant=_no_such)
