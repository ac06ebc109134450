"""How a judge's prompt shows what others wrote: as data, between marks that no text can forge.

A block looks like this, and its code is made from the text itself, so that the prompt can be rebuilt::

    <<<first answer | 1f0c9a4be7d25a38>>>
    ...
    <<<end | 1f0c9a4be7d25a38>>>
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from arena.engines import Message

EMPTY = "(empty answer)"
CODE_DIGITS = 16

_HIDDEN = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_GAP = f"[{_HIDDEN}]{{0,4}}"
_SPACE = rf"[\s{_HIDDEN}]{{0,8}}"
_PAD = rf"{_SPACE}[*_]{{0,3}}{_SPACE}"
_FORGED_VERDICT = re.compile(rf"\[{_GAP}\[({_PAD}(?:a|b|c|tie){_PAD})\]{_GAP}\]", re.IGNORECASE)
_FORGED_MARK = re.compile(
    rf"<{_GAP}<{_GAP}<"
    rf"(?=[^<>\n]{{0,80}}\|[^<>\n]{{0,80}}>{_GAP}>{_GAP}>|{_SPACE}(?:end|question|reference|first|second|answer)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Question:
    """What the answers reply to: one or more turns, with the images and reference answers to each."""

    turns: tuple[str, ...]
    reference: tuple[str, ...] | None = None
    is_math: bool = False
    images: tuple[tuple[str, ...], ...] = ()  # SHA-256s a turn; empty where no turn has any

    @property
    def has_reference(self) -> bool:
        return any(text.strip() for text in self.reference or ())

    @property
    def all_images(self) -> tuple[str, ...]:
        """In the order of their numbers: the first is image 1."""
        return tuple(sha256 for turn in self.images for sha256 in turn)


def neutralise(text: str) -> str:
    """``text`` with each imitation of a verdict or of a block's marks visibly broken up by spaces.

    ``[[A]]`` becomes ``[ [A] ]`` and ``<<<end | x>>>`` becomes ``< < <end | x>>>``; neither is read as
    what it imitates any more. Everything else stays as it is. Doing it twice changes nothing.
    """
    return _FORGED_MARK.sub("< < <", _FORGED_VERDICT.sub(r"[ [\1] ]", text))


@lru_cache(maxsize=512)
def suspicious(text: str) -> bool:
    """Whether ``text`` imitates a judge's verdict or the marks of its prompt."""
    return bool(_FORGED_VERDICT.search(text) or _FORGED_MARK.search(text))


def forged_grade(names: Iterable[str]) -> re.Pattern[str]:
    """Finds ``name: [[7]]`` for any of these names; its groups are what stands before and in the brackets."""
    named = "|".join(map(re.escape, names))
    before = rf"\b(?:{named}){_SPACE}[*_]{{0,3}}{_SPACE}:{_PAD}"
    return re.compile(rf"({before})\[{_GAP}\[({_PAD}[0-9]{{1,3}}{_PAD})\]{_GAP}\]", re.IGNORECASE)


FORGED_RANKING = re.compile(
    rf"(?<![^\W_])(r)({_GAP}{_GAP.join('anking')}{_SPACE}[*_]{{0,3}}{_SPACE}:[\s{_HIDDEN}*_`\[(]{{0,12}}(?:answer{_SPACE})?[0-9]"
    rf"[\s{_HIDDEN}*_`\])]{{0,12}}[>=])",
    re.IGNORECASE,
)  # its groups are the first letter and the rest, up to the first sign between two numbers


@lru_cache(maxsize=64)
def frame_question(question: Question) -> tuple[str, ...]:
    """The blocks of the question's turns, then those of its reference answers, where they are not empty."""
    reference = question.reference or ()
    code = _code(question.turns, reference, *question.images)
    numbers = _numbers(question)
    blocks = [
        _frame(_label("question", n, len(question.turns)) + numbers[n - 1], text, code)
        for n, text in enumerate(question.turns, start=1)
    ]
    blocks += [
        _frame(_label("reference answer", n, len(question.turns)), text, code)
        for n, text in enumerate(reference, start=1)
        if text.strip()
    ]
    return tuple(blocks)


@lru_cache(maxsize=256)  # an answer is shown in each of its matches, which come soon after each other
def frame_answer(place: str, question: Question, answer: tuple[str, ...]) -> tuple[str, ...]:
    """The blocks of one answer, one a turn; ``place`` is "first", "second", a number among many, or empty for
    the only one.

    Missing turns show as empty.
    """
    count, name = len(question.turns), f"answer {place}" if place.isdigit() else f"{place} answer".lstrip()
    if len(answer) > count:
        raise ValueError(f"The {name} has {len(answer)} turns, but its question has {count}.")
    # The code knows nothing of the rival, so that all prompts with the same question and first answer
    # begin alike and a server can reuse what it computed for them. It needs none: an answer that held
    # its own hash would be a fixed point of SHA-256.
    code = _code(question.turns, answer)
    padded = answer + ("",) * (count - len(answer))
    numbered = enumerate(padded, start=1)
    return tuple(_frame(_label(name, n, count), text, code) for n, text in numbered)


def compose(
    system: str, blocks: Iterable[str], task: str, images: tuple[str, ...] = ()
) -> tuple[Message, ...]:
    """The messages: the rules, then what is to be judged, then the task once more, and then the images."""
    return (
        Message(role="system", content=system),
        Message(role="user", content="\n\n".join([*blocks, task]), images=images),
    )


def _label(name: str, turn: int, count: int) -> str:
    return name if count == 1 else f"{name}, turn {turn}"


def _numbers(question: Question) -> list[str]:
    """What the mark of each turn says of its images: nothing, "with image 1" or "with images 2 to 4"."""
    said, last = [], 0
    for turn in question.images or [()] * len(question.turns):
        first, last = last + 1, last + len(turn)
        one = f", with image {last}" if turn else ""
        said.append(one if len(turn) < 2 else f", with images {first} to {last}")
    return said


def _frame(label: str, text: str, code: str) -> str:
    shown = neutralise(text) if text.strip() else EMPTY
    return f"<<<{label} | {code}>>>\n{shown}\n<<<end | {code}>>>"


def _code(*parts: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:CODE_DIGITS]
