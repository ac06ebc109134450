"""Which models the votes tell apart, for all at once or one by one, and how many more votes it would take."""

from collections.abc import Hashable
from math import ceil
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from leaderboard.ratings.intervals import normal_quantile
from leaderboard.ratings.ranks import RankRange, differences, rank_ranges
from leaderboard.ratings.results import POINTS_PER_NAT, Ratings
from leaderboard.ratings.shapes import Floats, Indices, Mask


def separated(ratings: Ratings) -> Mask:
    """(K, K): whether i is significantly better than j, at the level of ``ratings``, one pair at a time."""
    gap, spread = differences(ratings.rating, _covariance(ratings))
    with np.errstate(invalid="ignore"):
        return gap > _quantiles(ratings) * np.sqrt(spread)


def tied_with(ratings: Ratings) -> tuple[tuple[Hashable, ...], ...]:
    """For each player the rated others that it cannot be told from, best first; none for the unrated.

    Being tied is not handed on: a may be tied with b and b with c where a is better than c.
    """
    order = np.argsort(ratings.rank, kind="stable").tolist()
    return tuple(tuple(ratings.players[other] for other in order if row[other]) for row in _tied(ratings))


class Ties(NamedTuple):
    """The number of others that a player cannot be told from, and the nearest of them, nearest first."""

    number: int
    nearest: tuple[Hashable, ...]


def nearest_ties(ratings: Ratings, *, most: int = 8) -> tuple[Ties, ...]:
    """``tied_with`` for boards of thousands of players: counts, and at most so many names."""
    found = []
    for place, row in enumerate(_tied(ratings)):
        others = np.flatnonzero(row)
        gap = np.abs(ratings.rating[others] - ratings.rating[place])
        nearest = others[np.argsort(gap, kind="stable")[:most]]
        found.append(Ties(len(others), tuple(ratings.players[other] for other in nearest.tolist())))
    return tuple(found)


def _tied(ratings: Ratings) -> Mask:
    """(K, K): which two rated players cannot be told from each other."""
    apart = separated(ratings)
    rated = ratings.rank > 0
    tied = ~(apart | apart.T) & rated[:, None] & rated[None, :]
    np.fill_diagonal(tied, False)
    return tied


def simultaneous_ranks(ratings: Ratings, *, draws: int = 4000, seed: int = 0) -> RankRange:
    """Rank ranges (K,) that hold for all players at once in ``level`` of boards (max-t).

    Every pairwise difference is held against the quantile of the largest of all studentised differences,
    drawn ``draws`` times from the normal law of the fit's covariance (Hothorn, Bretz & Westfall 2008;
    Mogstad et al. 2024). Ranges "per model" hold one at a time: at 60 models all of them together in a third
    to a half of boards.
    """
    quantile = simultaneous_quantile(ratings, draws=draws, seed=seed)
    # With few clusters a single difference takes Student's t for the normal law, and so do all at once.
    wider = np.fmax(quantile / normal_quantile(ratings.level), 1.0)
    return rank_ranges(ratings.rating, _covariance(ratings), wider * _quantiles(ratings))


def simultaneous_quantile(ratings: Ratings, *, draws: int = 4000, seed: int = 0) -> float:
    """Quantile at ``level`` of the largest studentised pairwise difference; NaN with under two players."""
    covariance = _covariance(ratings)
    known = ~np.isnan(np.diagonal(covariance))
    if np.count_nonzero(known) < 2:
        return float("nan")
    own = covariance[np.ix_(known, known)]
    _, spread = differences(ratings.rating[known], own)
    usable = spread > 0
    scale = np.zeros(spread.shape, np.float32)
    scale[usable] = 1 / np.sqrt(spread[usable])
    values, vectors = np.linalg.eigh(own)
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(seed)
    largest = np.empty(draws)
    gaps = np.empty(spread.shape, np.float32)
    for at in range(draws):
        noise = (root @ rng.standard_normal(len(own))).astype(np.float32)
        np.subtract(noise[:, None], noise[None, :], out=gaps)  # every gap in both directions: no abs needed
        np.multiply(gaps, scale, out=gaps)
        largest[at] = gaps.max()
    return float(np.quantile(largest, ratings.level))


def overlap_ranks(ratings: Ratings) -> Indices:
    """The familiar rank (K,): 1 + the number of players whose interval lies wholly above this one's; 0
    without.

    It takes two intervals that do not touch for a difference, which asks for more than the difference itself
    does.
    """
    known = ~np.isnan(ratings.rating_lower)
    found = np.zeros(len(known), np.intp)
    above = np.sort(ratings.rating_lower[known])
    found[known] = 1 + len(above) - np.searchsorted(above, ratings.rating_upper[known], side="right")
    return found


def votes_needed(ratings: Ratings, one: Hashable, other: Hashable) -> int | None:
    """How many more votes between the two would tell them apart at ``level``, if their gap stayed as it is.

    A vote between two players with a natural lead d brings s(d) s(-d) of information on it, so n of them
    turn the variance v of the gap into v / (1 + n v s s'). 0 when they are apart already; None when the gap
    is zero, or no interval is known. That is the even chance: with the gap found exactly true, half of such
    samples do it.
    """
    first, second = ratings.players.index(one), ratings.players.index(other)
    gap, spread = differences(ratings.rating, _covariance(ratings))
    lead, variance = gap[first, second] / POINTS_PER_NAT, spread[first, second] / POINTS_PER_NAT**2
    if not variance > 0 or abs(lead) < 1e-9:
        return None
    wanted = (lead / _quantiles(ratings)[first, second]) ** 2
    return max(0, ceil((1 / wanted - 1 / variance) / (expit(lead) * expit(-lead))))


def _covariance(ratings: Ratings) -> Floats:
    if ratings.covariance is None:
        raise ValueError(f"ratings by {ratings.method} have no covariance")
    return ratings.covariance


def _quantiles(ratings: Ratings) -> Floats:
    """(K, K): each pair's half-width in standard errors, the larger of the two players'."""
    assert ratings.quantile is not None
    return np.maximum.outer(ratings.quantile, ratings.quantile)
