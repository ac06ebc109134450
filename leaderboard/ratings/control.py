"""What a judge says of matches beyond what it says of their pair: the control variate of powered ratings."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leaderboard.ratings.shapes import Floats, Indices, Mask, add_up


@dataclass(frozen=True, eq=False)
class Control:
    """What the judge says beyond the pair: ``place`` (M,) is the pair of each match among P, rated ones only.

    ``both`` (M,) marks the matches with people's vote and the judge's score, ``only`` (M,) those by the judge
    alone, each pair having some of either or none of either; ``share`` (M,) weights the latter by prompt.
    """

    place: Indices
    people: Floats
    judge: Floats
    both: Mask
    only: Mask
    share: Floats
    size: int

    def total(self, mask: Mask, values: Floats) -> Floats:
        """Sum by pair (P,) of values (M,) where the mask holds."""
        return add_up(self.place[mask], values[mask], self.size)

    @cached_property
    def number(self) -> Floats:
        """Matches with both, by pair (P,)."""
        return self.total(self.both, np.ones(len(self.place)))

    @cached_property
    def weights(self) -> Floats:
        """Summed prompt weights of the judge-only matches, by pair (P,)."""
        return self.total(self.only, self.share)

    @cached_property
    def effective(self) -> Floats:
        """Judge-only matches by pair (P,), as many as equal weights would need for the same noise (Kish)."""
        return quotient(self.weights**2, self.total(self.only, self.share**2))

    @cached_property
    def ratio(self) -> Floats:
        """r = N / (n + N) by pair (P,), 0 where the judge has no part."""
        return quotient(self.effective, self.number + self.effective)

    @cached_property
    def shift(self) -> Floats:
        """Points by pair (P,) that a lambda of 1 gives to its ``low``."""
        seen = quotient(self.total(self.both, self.judge), self.number)
        unseen = quotient(self.total(self.only, self.share * self.judge), self.weights)
        return self.number * self.ratio * (unseen - seen)

    @cached_property
    def surplus(self) -> Floats:
        """Each match's own part (M,) in minus the shift, as deviation from the judge's mean of the pair."""
        seen = quotient(self.total(self.both, self.judge), self.number)
        unseen = quotient(self.total(self.only, self.share * self.judge), self.weights)
        mean = (1 - self.ratio) * seen + self.ratio * unseen
        units = self.number + self.effective
        # The mean was fitted to these very matches: as with any variance, by n / (n - 1).
        spread = self.ratio * np.sqrt(quotient(units, units - 1))
        own = np.where(self.only, -quotient(self.number, self.weights)[self.place] * self.share, 1.0)
        found = spread[self.place] * (self.judge - mean[self.place]) * own
        return np.where(self.both | self.only, found, 0.0)

    def crossed(self, win: Floats) -> Floats:
        """Sum by pair (P,) of people's residual times the judge's surplus; ``win`` (P,) is s(theta)."""
        return self.total(self.both, (self.people - win[self.place]) * self.surplus)

    @cached_property
    def squared(self) -> Floats:
        """Sum by pair (P,) of the squared surplus, of both kinds of matches."""
        return self.total(self.both | self.only, self.surplus**2)


def quotient(one: Floats, other: Floats) -> Floats:
    """Elementwise quotient, 0 where the divisor is."""
    return np.divide(one, other, out=np.zeros(np.broadcast(one, other).shape), where=other > 0)
