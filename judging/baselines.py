"""Judges without a model: the floor that every judge must beat."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from arena.outcomes import Verdict
from judging.protocols.framing import Question
from judging.verdicts import MARKERS

Texts = tuple[str, ...]


@dataclass(frozen=True)
class Ruling:
    """A verdict and the text that says it, in the form that ``verdicts.read_last_verdict`` reads."""

    verdict: Verdict
    raw_text: str


def rule(name: str, *, question: Question, first: Texts, second: Texts, key: str, seed: int) -> Ruling:
    """The ruling of the baseline ``name``. ``key`` names the match and the order; ``seed`` is the judge's."""
    if name not in BASELINES:
        raise ValueError(f"There is no baseline {name!r}; there are {', '.join(BASELINES)}.")
    return BASELINES[name](question, first, second, key, seed)


def _longest(question: Question, first: Texts, second: Texts, key: str, seed: int) -> Ruling:
    """More characters over all turns win; as many are a tie."""
    ours, theirs = sum(map(len, first)), sum(map(len, second))
    verdict = Verdict.TIE if ours == theirs else Verdict.FIRST if ours > theirs else Verdict.SECOND
    return Ruling(verdict, f"First answer {ours} characters, second {theirs}. {MARKERS[verdict]}")


def _random(question: Question, first: Texts, second: Texts, key: str, seed: int) -> Ruling:
    """First, second and tie with equal chances, from SHA-256 of seed and key alone, so fixed for each."""
    digest = hashlib.sha256(json.dumps([seed, key]).encode()).digest()
    verdict = tuple(Verdict)[int.from_bytes(digest) % 3]
    return Ruling(verdict, f"Drawn by lot from three with seed {seed}. {MARKERS[verdict]}")


BASELINES: dict[str, Callable[[Question, Texts, Texts, str, int], Ruling]] = {
    "longest": _longest,
    "random": _random,
}
