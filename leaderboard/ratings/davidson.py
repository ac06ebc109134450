"""Davidson's model: Bradley-Terry with a probability of its own for ties.

Davidson 1970: with strengths p_i the first wins with p_i / D, loses with p_j / D and ties with nu sqrt(p_i
p_j) / D, where D = p_i + p_j + nu sqrt(p_i p_j). A lead counts wins against losses, with ties apart, so the
scale is wider than with ties as halves: between equals 1 / (1 - share of ties) times.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from leaderboard.ratings.clusters import GameScores
from leaderboard.ratings.fitting import fit
from leaderboard.ratings.games import Games
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.methods import Method, Options, Unrateable
from leaderboard.ratings.pairs import PairTotals, total_pairs
from leaderboard.ratings.results import Coefficient, Limits, Ratings
from leaderboard.ratings.shapes import Floats

NO_CIRCLE = "wins go one way and only ties connect the models, so ties have no measured share"


class Chances(NamedTuple):
    """Probabilities that the first wins, that it is a tie, that the first loses, and the logarithm of D."""

    win: Floats
    tie: Floats
    loss: Floats
    total: Floats


def chances(lead: Floats, tie: float) -> Chances:
    """By natural lead, any shape; ``tie`` is log nu. All divided by sqrt(p_i p_j), so nothing overflows."""
    total = np.logaddexp(np.logaddexp(lead / 2, -lead / 2), tie)
    return Chances(np.exp(lead / 2 - total), np.exp(tie - total), np.exp(-lead / 2 - total), total)


@dataclass(frozen=True, eq=False)
class DavidsonLikelihood:
    """Negative log-likelihood of natural strengths and log nu, (K + 1,), in the games-weighted gauge."""

    pairs: PairTotals

    @cached_property
    def ties(self) -> Floats:
        """Ties of each pair (P,): a win gives 1 and 1 squared, a tie 1/2 and 1/4."""
        return 4 * (self.pairs.won - self.pairs.squares)

    @cached_property
    def wins(self) -> Floats:
        return self.pairs.won - self.ties / 2

    @cached_property
    def losses(self) -> Floats:
        return self.pairs.lost - self.ties / 2

    @cached_property
    def weight(self) -> Floats:
        """Each player's share of the games (K,), and 0 for log nu."""
        return np.append(self.pairs.played / self.pairs.played.sum(), 0.0)

    @cached_property
    def gauge(self) -> float:
        return float(self.pairs.games.sum())

    def start(self) -> Floats:
        """Equal strengths, with the share of ties that was seen: nu / (2 + nu)."""
        share = self.ties.sum() / self.gauge
        return np.append(np.zeros(self.pairs.size), np.log(2 * share / (1 - share)))

    def objective(self, theta: Floats) -> float:
        lead = self._lead(theta)
        total = chances(lead, theta[-1]).total
        likelihood = self.pairs.games @ total - (self.wins - self.losses) @ lead / 2
        return float(likelihood - self.ties.sum() * theta[-1] + self.gauge / 2 * (self.weight @ theta) ** 2)

    def gradient(self, theta: Floats) -> Floats:
        chance = chances(self._lead(theta), theta[-1])
        by_lead = [score.lead * seen for score, seen in self._outcomes(chance)]
        rest = self.pairs.games @ chance.tie - self.ties.sum()
        excess = np.sum(by_lead, axis=0)
        own = self.pairs.by_player(-excess, excess)
        return np.append(own, rest) + self.gauge * (self.weight @ theta) * self.weight

    def hessian(self, theta: Floats) -> Floats:
        return self._curvature(theta) + self.gauge * np.outer(self.weight, self.weight)

    def meat(self, theta: Floats) -> Floats:
        outcomes = self._outcomes(chances(self._lead(theta), theta[-1]))
        return self._blocks(
            np.sum([seen * score.lead**2 for score, seen in outcomes], axis=0),
            np.sum([seen * score.lead * score.rest for score, seen in outcomes], axis=0),
            float(np.sum([seen * score.rest**2 for score, seen in outcomes])),
        )

    def scores(self, theta: Floats, games: Games) -> GameScores:
        chance = chances((theta[:-1, None] - theta[None, :-1])[games.first, games.second], theta[-1])
        lead = games.score - chance.win - chance.tie / 2
        return GameScores(lead, ((games.quarters == 2) - chance.tie)[:, None])

    def information(self, theta: Floats, games: Games) -> Floats:
        return DavidsonLikelihood(total_pairs(games.matchups()))._curvature(theta)

    def _lead(self, theta: Floats) -> Floats:
        return theta[self.pairs.low] - theta[self.pairs.high]

    def _outcomes(self, chance: Chances) -> list[tuple[GameScores, Floats]]:
        """Score of a win, a tie and a loss of the lower player at each pair (P,), and how often each was."""
        win, tie, loss, _ = chance
        return [
            (GameScores(loss + tie / 2, -tie), self.wins),
            (GameScores((loss - win) / 2, win + loss), self.ties),
            (GameScores(-win - tie / 2, -tie), self.losses),
        ]

    def _curvature(self, theta: Floats) -> Floats:
        win, tie, loss, _ = chances(self._lead(theta), theta[-1])
        games = self.pairs.games
        return self._blocks(
            games * (win * loss + tie * (win + loss) / 4),
            games * tie * (loss - win) / 2,
            float(games @ (tie * (win + loss))),
        )

    def _blocks(self, lead: Floats, cross: Floats, rest: float) -> Floats:
        """Matrix (K + 1, K + 1) from what each pair (P,) adds by lead, by lead and log nu, and by log nu."""
        size = self.pairs.size
        matrix = np.empty((size + 1, size + 1))
        matrix[:size, :size] = self.pairs.laplacian(lead)
        matrix[:size, size] = matrix[size, :size] = self.pairs.by_player(cross, -cross)
        matrix[size, size] = rest
        return matrix


def fit_davidson(
    matchups: Matchups | Games,
    *,
    level: float = 0.95,
    mean: float = 1000.0,
    anchor: Mapping[Hashable, float] | None = None,
    cluster: Sequence[str] = (),
    limits: Limits | None = None,
) -> Ratings:
    """Rate by Davidson's model, by exact maximum likelihood; arguments and errors as ``fit_bradley_terry``.

    The result's ``coefficients`` hold nu, the odds of a tie against a win between equals, and its ``scale``
    says how much wider than Bradley-Terry's it is. Without a tie the model is Bradley-Terry. Where no circle
    of wins exists nu has no maximum, and nobody is rated. Scores must be 0, 1/2 or 1 (else ValueError).
    """
    data = matchups.matchups() if isinstance(matchups, Games) and not cluster else matchups
    score = data.score
    if not np.isin(score, (0, 0.5, 1)).all():
        raise ValueError("Davidson's model knows wins, losses and ties; a share of a point is none of them")
    options = Options(level, mean, anchor or {}, tuple(cluster), limits or Limits())
    return fit(DAVIDSON, data, options)


def _likelihood(pairs: PairTotals, games: Games | None) -> DavidsonLikelihood:
    likelihood = DavidsonLikelihood(pairs)
    if not _has_circle(likelihood):
        raise Unrateable(NO_CIRCLE)
    if not likelihood.ties.sum() > 0:
        raise Unrateable("no game ended in a tie, so the share of ties has no maximum: use Bradley-Terry")
    return likelihood


def _has_circle(likelihood: DavidsonLikelihood) -> bool:
    """Whether someone won against a player that, along wins, won against him: else nu grows for ever."""
    pairs, least = likelihood.pairs, 1e-12 * likelihood.pairs.games
    gained, given = likelihood.wins > least, likelihood.losses > least
    tail = np.concatenate([pairs.low[gained], pairs.high[given]])
    head = np.concatenate([pairs.high[gained], pairs.low[given]])
    graph = csr_array((np.ones(len(tail), np.int8), (tail, head)), shape=(pairs.size, pairs.size))
    return bool(connected_components(graph, connection="strong")[0] < pairs.size)


def _scale(pairs: PairTotals) -> str:
    ties = 4 * float((pairs.won - pairs.squares).sum())
    share = ties / max(float(pairs.games.sum()), 1.0)
    return (
        "400-point logarithmic scale (a lead of 400 points is odds of 10 to 1 of a win against a loss, "
        f"ties apart; about {1 / max(1 - share, 1e-9):.2f} times as wide as "
        "Bradley-Terry's with ties as halves)"
    )


def _coefficients(theta: Floats, spread: Floats, quantile: float) -> tuple[Coefficient, ...]:
    value, half = float(theta[0]), quantile * float(spread[0])
    known = bool(np.isfinite(half))
    return (
        Coefficient(
            "nu",
            float(np.exp(value)),
            float(np.exp(value - half)) if known else None,
            float(np.exp(value + half)) if known else None,
            "odds of a tie against a win between equals",
        ),
    )


DAVIDSON = Method("davidson", _scale, _likelihood, _coefficients)
