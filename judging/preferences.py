"""How sure a judge was of its verdict, from the probabilities of the tokens that could have come."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from arena.engines import TokenLogprob
from arena.outcomes import Verdict

POINTS = {Verdict.FIRST: 1.0, Verdict.TIE: 0.5, Verdict.SECOND: 0.0}  # of the answer shown first
_AROUND = " \t\r\n*_[(\"'`“‘"  # what may stand before a label in one token with it


class Preference(NamedTuple):
    """Expected points of the answer shown first, from 0 to 1, among the labels.

    ``mass`` is the probability of all labels together: the rest is on other tokens, or below the likeliest
    that the server lists.
    """

    points: float
    mass: float


def soft_preference(
    text: str, place: int, labels: Mapping[str, Verdict], logprobs: Sequence[TokenLogprob]
) -> Preference | None:
    """The preference at the place of ``text`` where the verdict's label begins.

    A label may be a token by itself, with what stands before it (" A", "[[A"), with what follows ("A]]"), or
    begin with a token ("t" of "tie") that no label of another verdict begins with. Case counts only where
    labels differ by nothing else. None where the tokens do not make up the text, or none of them is a label.
    """
    said = "".join(token.token for token in logprobs)
    offset = said.find(text)
    at = _token_at(logprobs, place + offset) if offset >= 0 and text else None
    if at is None:
        return None
    chances = dict.fromkeys(POINTS, 0.0)
    for name, logprob in {at.token: at.logprob, **dict(at.top)}.items():
        if verdict := _meant(name, labels):
            chances[verdict] += math.exp(min(logprob, 0.0))
    mass = math.fsum(chances.values())
    if not mass:
        return None
    points = math.fsum(POINTS[verdict] * chance for verdict, chance in chances.items()) / mass
    return Preference(min(max(points, 0.0), 1.0), min(mass, 1.0))


def _token_at(tokens: Iterable[TokenLogprob], place: int) -> TokenLogprob | None:
    for token in tokens:
        if place < len(token.token):
            return token
        place -= len(token.token)
    return None


def _meant(token: str, labels: Mapping[str, Verdict]) -> Verdict | None:
    """The verdict whose label the token is, begins with, or begins."""
    said = token.lstrip(_AROUND)
    if len({label.casefold() for label in labels}) == len(labels):
        said, labels = said.casefold(), {label.casefold(): verdict for label, verdict in labels.items()}
    whole = [label for label in labels if said.startswith(label) and not said[len(label) :][:1].isalnum()]
    if whole:
        return labels[max(whole, key=len)]
    begun = {verdict for label, verdict in labels.items() if said and label.startswith(said)}
    return begun.pop() if len(begun) == 1 else None
