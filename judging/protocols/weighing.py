"""What a text says beyond its verdict: how sure the judge was, and how much better it called the answer."""

from collections.abc import Sequence
from typing import NamedTuple

from arena.engines import TokenLogprob
from judging.preferences import soft_preference
from judging.verdicts import LABELS, find_last_verdict


class Weight(NamedTuple):
    """``preference`` are the expected points of the answer shown first, ``label_mass`` the probability that
    they rest on; ``strength`` is 1, or more for a verdict such as A>>B. None where nothing is known.
    """

    preference: float | None = None
    label_mass: float | None = None
    strength: int | None = None


def weigh_marker(text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
    """The weight of a text that ends with one of our own markers."""
    if not logprobs or not (found := find_last_verdict(text)):
        return Weight()
    soft = soft_preference(text, found.place, LABELS, logprobs)
    return Weight(soft.points, soft.mass) if soft else Weight()
