"""How far two boards agree on the order of the same players."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.stats import kendalltau, spearmanr

_FEWEST = 3  # two players are in the same order or not; that is no correlation


class RankCorrelation(NamedTuple):
    """Over ``n`` players rated on both boards: Spearman's rho and Kendall's tau-b, None if undefined."""

    n: int
    spearman: float | None
    kendall: float | None


def rank_correlation(
    ratings_a: Mapping[Hashable, float | None], ratings_b: Mapping[Hashable, float | None]
) -> RankCorrelation:
    """Correlate the ranks of the players that both boards rate; a rating of None or NaN is none.

    The coefficients are None for fewer than three common players and when a board has them all equal.
    """
    common = [player for player in ratings_a if player in ratings_b]
    pairs = np.array([(ratings_a[player], ratings_b[player]) for player in common], np.float64).reshape(-1, 2)
    one, other = pairs[~np.isnan(pairs).any(axis=1)].T
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return RankCorrelation(len(one), None, None)
    return RankCorrelation(
        len(one), float(spearmanr(one, other).statistic), float(kendalltau(one, other).statistic)
    )
