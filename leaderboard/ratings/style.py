"""Style control: what of a lead is length and formatting.

Li et al. 2024, "Does style matter?": the log-odds of a win become theta_i - theta_j + beta . z, where z are
differences in style between the two answers, so the strengths are those of equally styled answers. Each
difference is divided by its root mean square, so a coefficient is the points that one typical difference is
worth.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.clusters import GameScores
from leaderboard.ratings.fitting import fit
from leaderboard.ratings.games import Games
from leaderboard.ratings.methods import Method, Options
from leaderboard.ratings.newton import NotConverged
from leaderboard.ratings.pairs import PairTotals
from leaderboard.ratings.results import POINTS_PER_NAT, SCALE, Coefficient, Limits, Ratings
from leaderboard.ratings.shapes import Floats, Indices

_BLOCK = 1 << 14  # rows


class StyleBoards(NamedTuple):
    """A board as answers were, and one with style held equal, whose ``coefficients`` say what style earns."""

    without: Ratings
    controlled: Ratings


class _Rows(NamedTuple):
    """What the current parameters say of each row (R,): expected points and curvature; and the objective."""

    win: Floats
    curvature: Floats
    objective: float


@dataclass(eq=False)
class StyleLikelihood:
    """Negative log-likelihood of natural strengths and coefficients, (K + C,), in the games-weighted gauge.

    Rows keep their covariates, so a step is a pass over all rows; only the block of strengths is of counts.
    """

    pairs: PairTotals
    games: Games
    first_guess: Floats
    _last: tuple[Floats, _Rows] | None = field(default=None, repr=False)

    @cached_property
    def styles(self) -> Floats:
        """Scaled differences (C, R), one contiguous row each."""
        return _scaled(self.games, _roots(self.games))

    @cached_property
    def score(self) -> Floats:
        return self.games.score

    @cached_property
    def place(self) -> Indices:
        """Each row's ordered pair as first K + second, (R,)."""
        return self.games.first.astype(np.intp) * self.pairs.size + self.games.second

    @cached_property
    def weight(self) -> Floats:
        share = self.pairs.played / self.pairs.played.sum()
        return np.concatenate([share, np.zeros(len(self.games.covariates))])

    @cached_property
    def gauge(self) -> float:
        return float(self.pairs.games.sum())

    def start(self) -> Floats:
        return np.concatenate([self.first_guess, np.zeros(len(self.games.covariates))])

    def objective(self, theta: Floats) -> float:
        return self._rows(theta).objective + self.gauge / 2 * float(self.weight @ theta) ** 2

    def gradient(self, theta: Floats) -> Floats:
        excess = self._counted(self._rows(theta).win - self.score)
        return self._gathered(excess) + self.gauge * float(self.weight @ theta) * self.weight

    def hessian(self, theta: Floats) -> Floats:
        curvature = self._counted(self._rows(theta).curvature)
        return self._products(curvature) + self.gauge * np.outer(self.weight, self.weight)

    def meat(self, theta: Floats) -> Floats:
        return self._products(self._counted((self.score - self._rows(theta).win) ** 2))

    def scores(self, theta: Floats, games: Games) -> GameScores:
        part = self._part(games)
        residual = games.score - part._rows(theta).win
        return GameScores(residual, (part.styles * residual).T)

    def information(self, theta: Floats, games: Games) -> Floats:
        part = self._part(games)
        return part._products(part._counted(part._rows(theta).curvature))

    def _part(self, games: Games) -> "StyleLikelihood":
        """The same scales on some of the rows."""
        if games is self.games:
            return self
        part = StyleLikelihood(self.pairs, games, self.first_guess)
        part.styles = _scaled(games, _roots(self.games))
        return part

    def _rows(self, theta: Floats) -> _Rows:
        if self._last is not None and np.array_equal(self._last[0], theta):
            return self._last[1]
        size, score, count = self.pairs.size, self.score, self.games.count
        leads = np.subtract.outer(theta[:size], theta[:size]).ravel()
        win, curvature, objective = np.empty(len(score)), np.empty(len(score)), 0.0
        for rows in _blocks(len(score)):
            lead = leads[self.place[rows]] + theta[size:] @ self.styles[:, rows]
            # exp(-|lead|) serves the probability, the curvature and the logarithm, and cannot overflow.
            small = np.exp(-np.abs(lead))
            below = 1 / (1 + small)
            curvature[rows] = small * below * below
            win[rows] = np.where(lead >= 0, below, small * below)
            loss = np.maximum(lead, 0) - score[rows] * lead - np.log(below)
            objective += float(loss.sum() if count is None else loss @ count[rows])
        self._last = theta.copy(), _Rows(win, curvature, objective)
        return self._last[1]

    def _counted(self, values: Floats) -> Floats:
        return values if self.games.count is None else values * self.games.count

    def _by_player(self, values: Floats) -> Floats:
        """Sum (K,) of what each row (R,) gives its first player and takes from its second."""
        size = self.pairs.size
        table = np.bincount(self.place, values, size * size).reshape(size, size)
        return table.sum(axis=1) - table.sum(axis=0)

    def _gathered(self, values: Floats) -> Floats:
        return np.concatenate([self._by_player(values), self.styles @ values])

    def _products(self, values: Floats) -> Floats:
        """Sum over rows of value x x', (K + C, K + C), where x is the row of the design."""
        size, count = self.pairs.size, len(self.styles)
        table = np.bincount(self.place, values, size * size).reshape(size, size)
        table = table + table.T
        matrix = np.zeros((size + count, size + count))
        matrix[:size, :size] = np.diag(table.sum(axis=1)) - table
        valued = np.empty(len(values))
        for at, style in enumerate(self.styles):
            np.multiply(style, values, out=valued)
            matrix[:size, size + at] = matrix[size + at, :size] = self._by_player(valued)
        for rows in _blocks(len(values)):
            own = self.styles[:, rows]
            matrix[size:, size:] += own * values[rows] @ own.T
        return matrix


def fit_style(
    games: Games,
    *,
    level: float = 0.95,
    mean: float = 1000.0,
    anchor: Mapping[Hashable, float] | None = None,
    cluster: Sequence[str] = (),
    limits: Limits | None = None,
) -> StyleBoards:
    """Boards without and with control for the covariates of ``games``; arguments as ``fit_bradley_terry``.

    No ridge holds the coefficients: where the games leave them undetermined (a difference that is always
    zero, two that are the same, or one that decides every game) NotConverged or ValueError says so.
    """
    if not games.covariates:
        raise ValueError("style control needs covariates")
    for name, root in zip(games.covariates, _roots(games), strict=True):
        if not root > 0:
            raise ValueError(f"{name} is the same in both answers of every game, so it explains nothing")
    options = Options(level, mean, anchor or {}, tuple(cluster), limits or Limits())
    plain = fit_bradley_terry(
        games, level=level, mean=mean, anchor=anchor, cluster=cluster, limits=options.limits
    )
    start = dict(zip(plain.players, (plain.rating - mean) / POINTS_PER_NAT, strict=True))
    try:
        return StyleBoards(plain, fit(_method(tuple(games.covariates), start), games, options))
    except NotConverged as error:
        told = f"{', '.join(games.covariates)} cannot be told apart, or decide the games alone ({error})"
        raise NotConverged(told) from error


def _blocks(count: int) -> Iterator[slice]:
    """Rows a few at a time, so that what is made of them stays in the processor's cache."""
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def _roots(games: Games) -> list[float]:
    """Root mean square of each covariate over the games, a row of five counting five times."""
    if not len(games):
        return [0.0] * len(games.covariates)
    return [float(np.sqrt(np.average(each**2, weights=games.count))) for each in games.covariates.values()]


def _scaled(games: Games, roots: Sequence[float]) -> Floats:
    return np.array([each / root for each, root in zip(games.covariates.values(), roots, strict=True)])


def _method(names: tuple[str, ...], start: Mapping[Hashable, float]) -> Method:
    def likelihood(pairs: PairTotals, games: Games | None) -> StyleLikelihood:
        assert games is not None
        for name, root in zip(games.covariates, _roots(games), strict=True):
            if not root > 0:
                raise NotConverged(f"{name} does not differ between those who can be compared")
        guess = np.nan_to_num([start[player] for player in games.players])
        return StyleLikelihood(pairs, games, guess)

    def coefficients(theta: Floats, spread: Floats, quantile: float) -> tuple[Coefficient, ...]:
        value, half = POINTS_PER_NAT * theta, POINTS_PER_NAT * quantile * spread
        known = np.isfinite(half)
        return tuple(
            Coefficient(
                name,
                float(value[at]),
                float(value[at] - half[at]) if known[at] else None,
                float(value[at] + half[at]) if known[at] else None,
                "points for a difference of one root mean square",
            )
            for at, name in enumerate(names)
        )

    return Method("bt+style", lambda pairs: f"{SCALE}, at equal style", likelihood, coefficients, True)
