"""Reading a judge's own text: which verdict it ends with, or none.

The form asked for is a last line ``Verdict: [[A]]``, ``[[B]]`` or ``[[tie]]``; A is the answer shown first.
Of many answers it is ``Ranking: 2 > 1 = 3``, by the numbers that they are shown under.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from arena.outcomes import Verdict

MARKERS = {Verdict.FIRST: "[[A]]", Verdict.SECOND: "[[B]]", Verdict.TIE: "[[tie]]"}

LABELS = {"a": Verdict.FIRST, "b": Verdict.SECOND, "tie": Verdict.TIE, "c": Verdict.TIE}
PAD = r"[^\S\r\n]{0,8}[*_]{0,3}[^\S\r\n]{0,8}"
_MARKER = re.compile(rf"\[\[{PAD}(a|b|c|tie){PAD}\]\]", re.IGNORECASE)
_LABEL = re.compile(r"\bverdict[\s*_]{0,6}:", re.IGNORECASE)
# Only what begins like a ranking tries to be one; between label and number may stand brackets and emphasis.
_RANKING = re.compile(
    r"(?<![^\W_])ranking[\s*_]{0,6}:(?=[\s*_`\[(]{0,12}(?:answer[ ]?)?[0-9])", re.IGNORECASE
)
_PLACE = r"[\[(]{0,2}(?:answer[ ]?)?([1-9])[\])]{0,2}"
_PLACES = re.compile(rf"[\[(]{{0,2}}{_PLACE}(?: ?[>=] ?{_PLACE}){{1,8}}[\])]{{0,2}}[.!]?", re.IGNORECASE)
_QUOTES = frozenset("\"'`“”‘’«»")


def compare_scores(first: float, second: float, tie_margin: float = 0.0) -> Verdict:
    """The larger score wins; those that differ by ``tie_margin`` or less are a tie."""
    # Rounded, because 7.1 - 7.0 is a little more than 0.1 in floating point.
    lead = round(first - second, 9)
    if abs(lead) <= tie_margin:
        return Verdict.TIE
    return Verdict.FIRST if lead > 0 else Verdict.SECOND


def compare_among(
    scores: Sequence[float], pairs: Sequence[tuple[int, int]], tie_margin: float = 0.0
) -> list[Verdict | None]:
    """The verdict on each pair of places (from 0), by the scores of all; none of any without scores."""
    if not scores:
        return [None] * len(pairs)
    return [compare_scores(scores[first], scores[second], tie_margin) for first, second in pairs]


class Found(NamedTuple):
    """A verdict, and the index in the text at which its label begins."""

    verdict: Verdict
    place: int


def read_last_verdict(text: str) -> Verdict | None:
    """The verdict that ``text`` ends with, or None (unscored).

    The last line that holds a complete marker decides, so verdicts weighed or quoted on earlier lines
    do not matter. Case, spaces and emphasis are ignored, and ``[[C]]`` reads as a tie, for models that
    know it from elsewhere. Within that line: what stands before ``Verdict:`` does not count where a
    marker follows it; a marker in quotation marks does not count beside one that is not; and two
    different verdicts (``[[A]] and [[B]]``) cancel each other.
    """
    found = find_last_verdict(text)
    return found.verdict if found else None


def find_last_verdict(text: str) -> Found | None:
    """The same, with its place: that of the line's last marker."""
    end = len(text)
    for line in reversed(text.splitlines(keepends=True)):
        end -= len(line)
        if markers := _asserted(line):
            said = {LABELS[marker.group(1).lower()] for marker in markers}
            return Found(said.pop(), end + markers[-1].start(1)) if len(said) == 1 else None
    return None


def read_last_ranking(text: str, count: int) -> tuple[int, ...]:
    """What each of so many answers has below it in the ranking that ``text`` ends with; empty (unscored) if
    it cannot be read.

    The last line decides in which ``Ranking:`` stands before a number, so rankings weighed or quoted on
    earlier lines do not matter. After the label nothing may follow but each number once, with > and =
    between them; case, spaces, brackets and emphasis are ignored. A line with two such labels is unscored.
    """
    for line in reversed(text.splitlines()):
        labels = list(_RANKING.finditer(line))
        if labels:
            return _below(line[labels[0].end() :], count) if len(labels) == 1 else ()
    return ()


def _below(said: str, count: int) -> tuple[int, ...]:
    said = " ".join(re.sub(r"[*_`]", "", said).split())
    numbers = [int(digit) for digit in re.findall(r"[0-9]", said)]
    if not _PLACES.fullmatch(said) or sorted(numbers) != list(range(1, count + 1)):
        return ()
    below: dict[int, int] = {}
    left = count
    for equals in said.split(">"):
        tied = [int(digit) for digit in re.findall(r"[0-9]", equals)]
        left -= len(tied)
        below |= dict.fromkeys(tied, left)
    return tuple(below[number] for number in range(1, count + 1))


def _asserted(line: str) -> list[re.Match[str]]:
    markers = list(_MARKER.finditer(line))
    if not markers:
        return []
    label = _LABEL.search(line)
    if label:
        markers = [m for m in markers if m.start() >= label.end()] or markers
    return [m for m in markers if not _is_quoted(m)] or markers


def _is_quoted(marker: re.Match[str]) -> bool:
    line, start, end = marker.string, marker.start(), marker.end()
    return start > 0 and end < len(line) and line[start - 1] in _QUOTES and line[end] in _QUOTES
