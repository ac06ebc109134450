"""Bradley-Terry ratings by exact maximum likelihood, with robust intervals and rank ranges.

Bradley & Terry 1952: the first of two players gets a point with probability s(theta_i - theta_j), where
s(x) = 1 / (1 + exp(-x)). A game with score y adds y log s + (1 - y) log(1 - s) to the log-likelihood, so a
tie counts as half a win and half a loss.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from leaderboard.ratings.clusters import GameScores
from leaderboard.ratings.fitting import fit
from leaderboard.ratings.games import Games
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.methods import Method, Options
from leaderboard.ratings.pairs import PairTotals, total_pairs
from leaderboard.ratings.results import SCALE, Limits, Ratings
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
        # log(1 + e^x) without overflow, in a third of the time of numpy's logaddexp.
        softplus = np.maximum(lead, 0) + np.log1p(np.exp(-np.abs(lead)))
        likelihood = self.pairs.games @ softplus - self.pairs.won @ lead
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

    def start(self) -> Floats:
        return np.zeros(self.pairs.size)

    def scores(self, theta: Floats, games: Games) -> GameScores:
        """Residual of each row (R,): points taken minus points expected."""
        win = expit(theta[:, None] - theta[None, :])  # K x K looked up R times, instead of R exponentials
        return GameScores(games.score - win[games.first, games.second], np.zeros((len(games), 0)))

    def information(self, theta: Floats, games: Games) -> Floats:
        part = PairLikelihood(total_pairs(games.matchups()))
        lead = part._lead(theta)
        return part._laplacian(part.pairs.games * expit(lead) * expit(-lead))

    def _lead(self, theta: Floats) -> Floats:
        return theta[self.pairs.low] - theta[self.pairs.high]

    def _laplacian(self, weight: Floats) -> Floats:
        return self.pairs.laplacian(weight)


BRADLEY_TERRY = Method("bt", lambda pairs: SCALE, lambda pairs, games: PairLikelihood(pairs))


def fit_bradley_terry(
    matchups: Matchups | Games,
    *,
    level: float = 0.95,
    mean: float = 1000.0,
    anchor: Mapping[Hashable, float] | None = None,
    cluster: Sequence[str] = (),
    limits: Limits | None = None,
) -> Ratings:
    """Rate the main comparable group; everyone else stays unrated, with the reason.

    Ratings are the exact maximum likelihood on the 400-point scale, shifted so that the mean weighted by
    games is ``mean``. Intervals of the stated ``level`` are normal, from the sandwich covariance with each
    counted game an independent observation (White 1980), in the same gauge; rank ranges come from the
    pairwise differences. Games with players outside the group are left out, so those change nothing else;
    groups that are comparable among themselves are rated by themselves, in ``apart``.

    Parameters
    ----------
    matchups
        Counts, or Games where intervals are clustered.
    level
        The share of intervals that are meant to hold the truth, in (0, 1).
    mean
        The mean rating in points, weighted by games.
    anchor
        Ratings in points by player instead of ``mean``: of one, or of several that have them on average. For
        a history line, which the games-weighted gauge would move with who takes part.
    cluster
        One or two columns of Games whose equal labels make votes depend on each other: ("prompt",) for
        judges, ("voter",) for people, both for both. Intervals then use Student's t (see ``clusters``).
    limits
        When a rating is provisional.

    Raises
    ------
    NotConverged
        When the maximum was not reached.
    ValueError
        For a level outside (0, 1), an unknown column, an anchor that cannot be rated.
    """
    options = Options(level, mean, anchor or {}, tuple(cluster), limits or Limits())
    return fit(BRADLEY_TERRY, matchups, options)
