"""Bradley-Terry ratings by exact maximum likelihood, with robust intervals and rank ranges.

Bradley & Terry 1952: the first of two players gets a point with probability s(theta_i - theta_j), where
s(x) = 1 / (1 + exp(-x)). A game with score y adds y log s + (1 - y) log(1 - s) to the log-likelihood, so a
tie counts as half a win and half a loss.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from leaderboard.ratings.connectivity import comparable_groups, main_group, unrated_reasons
from leaderboard.ratings.intervals import normal_quantile, sandwich
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import minimise
from leaderboard.ratings.pairs import PairTotals, total_pairs
from leaderboard.ratings.ranks import rank_ranges, ranks
from leaderboard.ratings.results import POINTS_PER_NAT, SCALE, Ratings, mean_points
from leaderboard.ratings.shapes import Floats


@dataclass(frozen=True, eq=False)
class PairLikelihood:
    """Negative log-likelihood of natural strengths ``theta`` (K,) given the totals of each pair.

    Differences alone are observed, so a penalty G/2 (w . theta)^2 holds the mean, weighted by each player's
    share w of the G games, at zero; it is zero at the minimum and changes no difference. In this gauge a
    newcomer with few games hardly moves, or widens, anyone else.
    """

    pairs: PairTotals

    @cached_property
    def total(self) -> float:
        """Games G of all pairs."""
        return float(self.pairs.games.sum())

    @cached_property
    def weight(self) -> Floats:
        """Each player's share (K,) of the games; sums to 1."""
        return self.pairs.played / self.pairs.played.sum()

    def objective(self, theta: Floats) -> float:
        lead = self._lead(theta)
        likelihood = self.pairs.games @ np.logaddexp(0, lead) - self.pairs.won @ lead
        return float(likelihood + self.total / 2 * (self.weight @ theta) ** 2)

    def gradient(self, theta: Floats) -> Floats:
        """First derivatives (K,): points expected minus points taken, and the gauge."""
        lead = self._lead(theta)
        # won (1 - s) - lost s, which keeps its digits when s is near 0 or 1.
        excess = self.pairs.won * expit(-lead) - self.pairs.lost * expit(lead)
        gauge = self.total * (self.weight @ theta) * self.weight
        return self.pairs.by_player(-excess, excess) + gauge

    def hessian(self, theta: Floats) -> Floats:
        """Second derivatives (K, K), positive definite when the pairs connect all players."""
        lead = self._lead(theta)
        gauge = self.total * np.outer(self.weight, self.weight)
        return self._laplacian(self.pairs.games * expit(lead) * expit(-lead)) + gauge

    def meat(self, theta: Floats) -> Floats:
        """Summed outer products (K, K) of the scores of single games: a Laplacian of squared residuals."""
        win = expit(self._lead(theta))
        squared = self.pairs.squares - 2 * win * self.pairs.won + win**2 * self.pairs.games
        return self._laplacian(np.maximum(squared, 0))

    def _lead(self, theta: Floats) -> Floats:
        return theta[self.pairs.low] - theta[self.pairs.high]

    def _laplacian(self, weight: Floats) -> Floats:
        """Sum over pairs of weight (e_low - e_high)(e_low - e_high)', (K, K)."""
        matrix = np.zeros((self.pairs.size, self.pairs.size))
        matrix[self.pairs.low, self.pairs.high] = -weight
        matrix[self.pairs.high, self.pairs.low] = -weight
        np.fill_diagonal(matrix, self.pairs.by_player(weight, weight))
        return matrix


def fit_bradley_terry(matchups: Matchups, *, level: float = 0.95, mean: float = 1000.0) -> Ratings:
    """Rate the main comparable group; everyone else stays unrated, with the reason.

    Ratings are the exact maximum likelihood on the 400-point scale, shifted so that the mean weighted by
    games is ``mean``. Intervals of the stated ``level`` are normal, from the sandwich covariance with each
    counted game an independent observation (White 1980), in the same gauge; rank ranges come from the
    pairwise differences. Games with players outside the group are left out, so those change nothing else.

    Raises NotConverged when the maximum was not reached, and ValueError for a level outside (0, 1).
    """
    quantile = normal_quantile(level)
    pairs = total_pairs(matchups)
    main = main_group(pairs, comparable_groups(pairs))
    rating, covariance = np.full(pairs.size, np.nan), np.full((pairs.size, pairs.size), np.nan)
    if main.any():
        likelihood = PairLikelihood(pairs.within(main))
        theta, hessian = minimise(likelihood, np.zeros(np.count_nonzero(main)))
        rating[main] = mean + POINTS_PER_NAT * theta
        robust = sandwich(hessian, likelihood.meat(theta))
        covariance[np.ix_(main, main)] = POINTS_PER_NAT**2 * robust
    half = quantile * np.sqrt(np.diagonal(covariance))
    lower, upper = rank_ranges(rating, covariance, quantile)
    return Ratings(
        method="bt",
        scale=SCALE,
        level=level,
        players=matchups.players,
        rating=rating,
        rating_lower=rating - half,
        rating_upper=rating + half,
        rank=ranks(rating),
        rank_lower=lower,
        rank_upper=upper,
        matches=pairs.played,
        score=mean_points(pairs.played, pairs.by_player(pairs.won, pairs.lost)),
        reason=unrated_reasons(pairs, main),
        covariance=covariance,
    )
