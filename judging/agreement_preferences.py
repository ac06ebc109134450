"""What a judge prefers: its own family beyond what people do, and how far its soft preferences hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.outcomes import Order
from judging.agreement_figures import quotient
from judging.agreement_intervals import Estimate, estimate, estimate_share
from judging.agreement_tables import POINTS, TORN, Floats, Item, Opinions

BINS = 10
SideOf = Callable[
    [Any], int
]  # of an item: 1 where model_a alone is the judge's own, -1 where model_b, else 0


class PreferenceRow(NamedTuple):
    """A judgment's expected points, 0 to 1, of the answer that stood first in ``order``."""

    item: Item
    order: str
    preference: float


@dataclass(frozen=True)
class SelfPreference:
    """Mean points of the judge's own family's answers against others, on ``n`` items that people voted on."""

    n: int
    judge: Estimate
    people: Estimate
    beyond: Estimate  # what the judge gives them more than people do


@dataclass(frozen=True)
class Bin:
    """Preferences from ``low`` to ``high``: their mean, and what people gave the same answers."""

    low: float
    high: float
    n: int
    said: float
    people: Estimate


@dataclass(frozen=True)
class Calibration:
    """``n`` pairs of a soft preference and a vote; ``error`` is the expected calibration error."""

    n: int
    error: Estimate
    bins: list[Bin]


def measure_self_preference(opinions: Opinions, side_of: SideOf) -> SelfPreference | None:
    """How a judge rates its own family's answers beside people, match by match; None without such a match.

    A tie, both bad and an inconsistent ruling are worth one half. An item counts once, whatever its votes.
    """
    points, voted = people_points(opinions)
    own = np.array([side_of(item) for item in opinions.items], np.intp)
    item = np.flatnonzero((own != 0) & (voted > 0) & (opinions.outcome <= TORN))
    if not len(item):
        return None
    given = np.stack([POINTS[opinions.outcome[item]], points[item]])
    given = np.where(own[item] > 0, given, 1 - given)
    sums = opinions.sums(item, *given, np.ones(len(item)))
    judge, people, number = sums.T
    return SelfPreference(
        n=len(item),
        judge=estimate_share(judge, number),
        people=estimate_share(people, number),
        beyond=estimate(sums, _difference, -1, 1),
    )


def calibrate(opinions: Opinions, rows: Sequence[PreferenceRow]) -> Calibration | None:
    """Soft preferences against people's points in bins of equal width; None where none met a vote.

    Each vote on a judgment's item counts once. The expected calibration error is the mean distance of both
    means over the bins, weighted by what is in them (Guo et al. 2017).
    """
    place = {item: number for number, item in enumerate(opinions.items)}
    known = [row for row in rows if row.item in place]
    item = np.array([place[row.item] for row in known], np.intp)
    points, voted = people_points(opinions)
    weight = voted[item].astype(float)
    if not weight.sum():
        return None
    said = np.array([row.preference for row in known])
    reversed_ = np.array([row.order == Order.BA for row in known])
    meant = np.where(reversed_, 1 - points[item], points[item])
    bins = np.minimum((said * BINS).astype(np.intp), BINS - 1)
    columns = (weight, weight * said, weight * meant)
    cell = opinions.prompt[item] * BINS + bins
    size = opinions.prompts * BINS
    counts = np.stack([np.bincount(cell, each, size) for each in columns], axis=1)
    counts = counts.reshape(opinions.prompts, BINS, len(columns))
    return Calibration(
        n=int(weight.sum()),
        error=estimate(counts, _distance, 0, 1),
        bins=[_bin(number, counts[:, number]) for number in range(BINS) if counts[:, number, 0].sum()],
    )


def people_points(opinions: Opinions) -> tuple[Floats, NDArray]:
    """(mean points of model_a among the votes on each item, how many votes); 0 where there is none."""
    votes_for = opinions.votes_for()
    voted = votes_for.sum(axis=1)
    return np.nan_to_num(quotient(votes_for @ POINTS[:3], voted)), voted


def _difference(sums: NDArray) -> Floats:
    return quotient(sums[..., 0] - sums[..., 1], sums[..., 2])


def _distance(sums: NDArray) -> Floats:
    return quotient(np.abs(sums[..., 1] - sums[..., 2]).sum(-1), sums[..., 0].sum(-1))


def _bin(number: int, counts: NDArray) -> Bin:
    total, said, _ = counts.sum(axis=0)
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        n=int(total),
        said=float(said / total),
        people=estimate_share(counts[:, 2], counts[:, 0]),
    )
