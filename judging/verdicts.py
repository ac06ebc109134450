"""Reading a judge's own text: which verdict it ends with, or none.

The form asked for is a last line ``Verdict: [[A]]``, ``[[B]]`` or ``[[tie]]``; A is the answer shown first.
"""

import re

from arena.outcomes import Verdict

MARKERS = {Verdict.FIRST: "[[A]]", Verdict.SECOND: "[[B]]", Verdict.TIE: "[[tie]]"}

_MEANING = {"a": Verdict.FIRST, "b": Verdict.SECOND, "tie": Verdict.TIE, "c": Verdict.TIE}
_PAD = r"[^\S\r\n]{0,8}[*_]{0,3}[^\S\r\n]{0,8}"
_MARKER = re.compile(rf"\[\[{_PAD}(a|b|c|tie){_PAD}\]\]", re.IGNORECASE)
_LABEL = re.compile(r"\bverdict[\s*_]{0,6}:", re.IGNORECASE)
_QUOTES = frozenset("\"'`“”‘’«»")


def read_last_verdict(text: str) -> Verdict | None:
    """The verdict that ``text`` ends with, or None (unscored).

    The last line that holds a complete marker decides, so verdicts weighed or quoted on earlier lines
    do not matter. Case, spaces and emphasis are ignored, and ``[[C]]`` reads as a tie, for models that
    know it from elsewhere. Within that line: what stands before ``Verdict:`` does not count where a
    marker follows it; a marker in quotation marks does not count beside one that is not; and two
    different verdicts (``[[A]] and [[B]]``) cancel each other.
    """
    for line in reversed(text.splitlines()):
        said = _asserted(line)
        if said:
            return said.pop() if len(said) == 1 else None
    return None


def _asserted(line: str) -> set[Verdict]:
    markers = list(_MARKER.finditer(line))
    if not markers:
        return set()
    label = _LABEL.search(line)
    if label:
        markers = [m for m in markers if m.start() >= label.end()] or markers
    markers = [m for m in markers if not _is_quoted(m)] or markers
    return {_MEANING[m.group(1).lower()] for m in markers}


def _is_quoted(marker: re.Match[str]) -> bool:
    line, start, end = marker.string, marker.start(), marker.end()
    return start > 0 and end < len(line) and line[start - 1] in _QUOTES and line[end] in _QUOTES
