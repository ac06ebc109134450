"""Reading a judge's own text: which verdict it ends with, or none.

The form asked for is a last line ``Verdict: [[A]]``, ``[[B]]`` or ``[[tie]]``; A is the answer shown first.
"""

import re
from typing import NamedTuple

from arena.outcomes import Verdict

MARKERS = {Verdict.FIRST: "[[A]]", Verdict.SECOND: "[[B]]", Verdict.TIE: "[[tie]]"}

LABELS = {"a": Verdict.FIRST, "b": Verdict.SECOND, "tie": Verdict.TIE, "c": Verdict.TIE}
PAD = r"[^\S\r\n]{0,8}[*_]{0,3}[^\S\r\n]{0,8}"
_MARKER = re.compile(rf"\[\[{PAD}(a|b|c|tie){PAD}\]\]", re.IGNORECASE)
_LABEL = re.compile(r"\bverdict[\s*_]{0,6}:", re.IGNORECASE)
_QUOTES = frozenset("\"'`“”‘’«»")


def compare_scores(first: float, second: float, tie_margin: float = 0.0) -> Verdict:
    """The larger score wins; those that differ by ``tie_margin`` or less are a tie."""
    # Rounded, because 7.1 - 7.0 is a little more than 0.1 in floating point.
    lead = round(first - second, 9)
    if abs(lead) <= tie_margin:
        return Verdict.TIE
    return Verdict.FIRST if lead > 0 else Verdict.SECOND


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
