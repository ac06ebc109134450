"""What several judges' texts have in common, and how it is read."""

import re
from collections.abc import Callable

from arena.outcomes import Verdict
from judging.recipes.contract import UNREAD, Reading

LETTERS = {"A": Verdict.FIRST, "B": Verdict.SECOND, "C": Verdict.TIE}
TEN = r"(?:10(?:\.0{1,3})?|[1-9](?:\.[0-9]{1,3})?)"  # a score from 1 to 10
_RATING = re.compile(rf"\[\[({TEN})\]\]")


def first_line(text: str) -> str:
    """The first line that is not empty, without spaces around it or an end mark after it."""
    return text.strip().partition("\n")[0].strip().removesuffix("</s>").rstrip()


def last_said(text: str, pattern: re.Pattern[str]) -> str | None:
    """Group 1 of the last match; None where its line holds two that differ, or no line holds any."""
    for line in reversed(text.splitlines()):
        said = set(pattern.findall(line))
        if said:
            return said.pop() if len(said) == 1 else None
    return None


def read_rating(text: str) -> Reading:
    """The last ``[[n]]``, from 1 to 10."""
    said = last_said(text, _RATING)
    return Reading(scores=(float(said),)) if said else UNREAD


def by_letter(find: Callable[[str], str | None]) -> Callable[[str], Reading]:
    """A reader from what finds A, B or C in a text."""

    def read(text: str) -> Reading:
        said = find(text)
        return Reading(LETTERS[said]) if said else UNREAD

    return read
