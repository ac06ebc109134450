"""Places on a board and how far each could move."""

from typing import NamedTuple

import numpy as np

from leaderboard.ratings.shapes import Floats, Indices

# Equal strengths come out of a fit a few rounding errors apart, and must share a rank.
_DECIMALS = 6


class RankRange(NamedTuple):
    """Best and worst rank (K,), 1-based; 0 where there is none."""

    lower: Indices
    upper: Indices


def ranks(rating: Floats) -> Indices:
    """1 + the number of higher ratings (K,), so that equals share a rank; 0 where the rating is NaN."""
    rated = ~np.isnan(rating)
    rounded = np.round(rating[rated], _DECIMALS)
    found = np.zeros(len(rating), np.intp)
    found[rated] = 1 + len(rounded) - np.searchsorted(np.sort(rounded), rounded, side="right")
    return found


def differences(rating: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Every lead i - j (K, K) and its variance, NaN where unknown."""
    variance = np.diagonal(covariance)
    summed = variance[:, None] + variance[None, :]
    spread = summed - 2 * covariance
    # A difference known without error is an artefact of too few games, not a certainty.
    spread[~(spread > 1e-9 * summed)] = np.nan
    return rating[:, None] - rating[None, :], spread


def rank_ranges(rating: Floats, covariance: Floats, quantile: float | Floats) -> RankRange:
    """Per-model rank ranges from every pairwise difference, with the full covariance.

    ``lower`` is 1 + the number of players significantly better, ``upper`` the number of rated players minus
    those significantly worse, where a difference is significant when it exceeds ``quantile`` (one, or one a
    pair (K, K)) of its own standard errors. The ranges hold one model at a time: they are not adjusted to
    hold for all at once. NaN in ``covariance`` (K, K) is an unknown spread: that player gets no range and
    separates from nobody.
    """
    gap, spread = differences(rating, covariance)
    better = gap > quantile * np.sqrt(spread)
    rated = int(np.count_nonzero(~np.isnan(rating)))
    known = ~np.isnan(rating) & ~np.isnan(np.diagonal(covariance))
    lower = np.where(known, 1 + better.sum(axis=0), 0)
    upper = np.where(known, rated - better.sum(axis=1), 0)
    return RankRange(lower, upper)
