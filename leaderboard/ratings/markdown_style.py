"""How an answer looks: its length and the Markdown in it, counted fast and without parsing."""

import re
from typing import NamedTuple

# Of one line each, so that no pattern can run away on a long answer.
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)[^\n]*$", re.MULTILINE)
_HEADER = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+\*\*|\b__(?=\S)[^_\n]+__\b")
FEATURES = ("length", "headers", "lists", "bold", "code")


class Style(NamedTuple):
    """Of one answer: characters, headers, list items, bold spans, and fenced blocks of code."""

    length: int
    headers: int
    lists: int
    bold: int
    code: int


def measure_style(text: str) -> Style:
    """Count what is outside fenced code; a fence that is never closed reaches to the end, as in CommonMark.

    Length is in characters of the whole text, which needs no tokenizer and is in proportion to one's count.
    """
    prose, blocks = _outside_fences(text)
    headers, lists, bold = (len(pattern.findall(prose)) for pattern in (_HEADER, _ITEM, _BOLD))
    return Style(len(text), headers, lists, bold, blocks)


def _outside_fences(text: str) -> tuple[str, int]:
    if "```" not in text and "~~~" not in text:
        return text, 0
    prose, blocks, start, fence = [], 0, 0, ""
    for found in _FENCE.finditer(text):
        mark = found[1]
        if not fence:
            prose.append(text[start : found.start()])
            fence, blocks = mark, blocks + 1
        elif mark[0] == fence[0] and len(mark) >= len(fence) and found[0].strip() == mark:
            fence, start = "", found.end()
    if not fence:
        prose.append(text[start:])
    return "".join(prose), blocks
