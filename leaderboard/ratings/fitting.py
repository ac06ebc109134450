"""What every fit by maximum likelihood shares: who is rated, the gauge, intervals, what is said of each."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import stdtrit

from leaderboard.ratings.clusters import ClusteredProblem, clustered
from leaderboard.ratings.connectivity import comparable_groups, group_labels, main_group, unrated_reasons
from leaderboard.ratings.games import Games
from leaderboard.ratings.intervals import normal_quantile, sandwich
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import NotConverged, Problem, minimise
from leaderboard.ratings.pairs import PairTotals, total_pairs
from leaderboard.ratings.ranks import rank_ranges, ranks
from leaderboard.ratings.results import (
    POINTS_PER_NAT,
    Coefficient,
    Limits,
    Ratings,
    mean_points,
    standing_of,
)
from leaderboard.ratings.shapes import Floats, Indices, Mask

FIXED = "fixed as the anchor"


class Likelihood(Problem, ClusteredProblem, Protocol):
    """A negative log-likelihood of K strengths and E further parameters, in the games-weighted gauge."""

    def start(self) -> Floats: ...

    def meat(self, theta: Floats) -> Floats:
        """Summed outer products (D, D) of the scores of single games."""
        ...


class Solution(NamedTuple):
    """Parameters (D,), covariance (D, D), clusters that each player was seen in (K,) if any were asked."""

    theta: Floats
    covariance: Floats
    seen: Indices | None


@dataclass(frozen=True)
class Method:
    """One model of how games end; ``likelihood`` may raise ValueError where it has no finite maximum."""

    name: str
    scale: Callable[[PairTotals], str]
    likelihood: Callable[[PairTotals, Games | None], Likelihood]
    coefficients: Callable[[Floats, Floats, float], tuple[Coefficient, ...]] = lambda *_: ()
    by_row: bool = False  # whether counts are not enough


@dataclass(frozen=True)
class Options:
    """How a board is asked for; the same words as the arguments of the fits."""

    level: float = 0.95
    mean: float = 1000.0
    anchor: Mapping[Hashable, float] = field(default_factory=dict)
    cluster: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


def fit(method: Method, data: Matchups | Games, options: Options) -> Ratings:
    """Rate the main comparable group, and each other group apart, on a scale of its own.

    Raises NotConverged when the main group's maximum was not reached, ValueError for a level outside (0, 1),
    a cluster column that is not there and an anchor that cannot be rated.
    """
    normal_quantile(options.level)
    matchups = data.matchups() if isinstance(data, Games) else data
    if options.cluster or method.by_row:
        if not isinstance(data, Games):
            raise ValueError("clustered intervals need Games with the column, not counts alone")
    else:
        data = matchups
    pairs = total_pairs(matchups)
    groups = comparable_groups(pairs)
    main = main_group(pairs, groups)
    reason, labels = unrated_reasons(pairs, main), group_labels(pairs, groups, main)
    solution = None
    if main.any():
        games = data.among(main) if isinstance(data, Games) else None
        try:
            likelihood = method.likelihood(pairs.within(main), games)
        except Unrateable as error:
            reason = tuple(each or str(error) for each in reason)
            main = np.zeros(pairs.size, bool)
        else:
            solution = solve(likelihood, games, options.cluster)
    board = _board(method, pairs, matchups.players, main, solution, options)
    return replace(board, reason=reason, group=labels, apart=_others(method, data, labels, options))


class Unrateable(ValueError):
    """The model has no finite maximum on these games, though they connect the players."""


def solve(likelihood: Likelihood, games: Games | None, cluster: tuple[str, ...]) -> Solution:
    """The maximum, and its robust covariance: by game, or by the columns of ``cluster``."""
    theta, hessian = minimise(likelihood, likelihood.start())
    robust = sandwich(hessian, likelihood.meat(theta))
    if games is None or not cluster:
        return Solution(theta, robust, None)
    covariance, seen = clustered(likelihood, theta, hessian, games, cluster)
    return Solution(theta, np.where(np.isnan(robust), np.nan, covariance), seen)


def _others(method: Method, data: Matchups | Games, labels: Indices, options: Options) -> tuple[Ratings, ...]:
    """The boards of the groups 2, 3, ..., each by itself; a group that cannot be fitted is left out."""
    alone = replace(options, anchor={})
    found = []
    for label in range(2, labels.max(initial=0) + 1):
        try:
            found.append(fit(method, data.among(labels == label), alone))
        except NotConverged:
            continue
    return tuple(found)


def _board(
    method: Method,
    pairs: PairTotals,
    players: tuple[Hashable, ...],
    main: Mask,
    solution: Solution | None,
    options: Options,
) -> Ratings:
    size = pairs.size
    rating, covariance = np.full(size, np.nan), np.full((size, size), np.nan)
    quantile = np.full(size, normal_quantile(options.level))
    seen: Indices | None = None
    coefficients: tuple[Coefficient, ...] = ()
    if solution is not None:
        count = int(np.count_nonzero(main))
        rating[main] = options.mean + POINTS_PER_NAT * solution.theta[:count]
        covariance[np.ix_(main, main)] = POINTS_PER_NAT**2 * solution.covariance[:count, :count]
        rest = slice(count, None)
        spread = np.sqrt(np.diagonal(solution.covariance)[rest])
        coefficients = method.coefficients(solution.theta[rest], spread, normal_quantile(options.level))
        if solution.seen is not None:
            seen = np.zeros(size, np.intp)
            seen[main] = solution.seen
            quantile = _t_quantiles(seen, options.level)
            few = seen < options.limits.fewest_clusters
            covariance[few, :] = covariance[:, few] = np.nan
    rating, covariance = _anchored(rating, covariance, players, options.anchor)
    with np.errstate(invalid="ignore"):
        half = quantile * np.sqrt(np.diagonal(covariance))
    lower, upper = rank_ranges(rating, covariance, np.maximum.outer(quantile, quantile))
    played = pairs.within(main).played if main.any() else pairs.played[main]
    inside = np.zeros(size)
    inside[main] = played
    words = f"too few {' or '.join(f'{name}s' for name in options.cluster)}"
    status, note = standing_of(rating, half, inside, options.limits, seen=seen, few=words)
    fixed = half <= 1e-9  # a single anchor: its rating was stated, so it has no interval
    half[fixed] = np.nan
    note = tuple(FIXED if by else own for by, own in zip(fixed.tolist(), note, strict=True))
    return Ratings(
        method=method.name,
        scale=method.scale(pairs.within(main)),
        level=options.level,
        players=players,
        rating=rating,
        rating_lower=rating - half,
        rating_upper=rating + half,
        rank=ranks(rating),
        rank_lower=lower,
        rank_upper=upper,
        matches=pairs.played,
        score=mean_points(pairs.played, pairs.by_player(pairs.won, pairs.lost)),
        reason=(),
        covariance=covariance,
        quantile=quantile,
        status=status,
        note=note,
        coefficients=coefficients,
        cluster=options.cluster,
        anchor=tuple(options.anchor.items()),
        limits=options.limits,
    )


def _t_quantiles(seen: Indices, level: float) -> Floats:
    """Student's t with one degree of freedom less than the clusters that a player was seen in."""
    return stdtrit(np.maximum(seen - 1, 1), (1 + level) / 2)


def _anchored(
    rating: Floats, covariance: Floats, players: tuple[Hashable, ...], anchor: Mapping[Hashable, float]
) -> tuple[Floats, Floats]:
    """Shift so that the anchors have, on average, the ratings stated; no difference changes."""
    if not anchor:
        return rating, covariance
    for player in anchor:
        if player not in players:
            raise ValueError(f"the anchor {player!r} is not among the players")
        if np.isnan(rating[players.index(player)]):
            raise ValueError(f"the anchor {player!r} cannot be rated on these games")
    places = [players.index(player) for player in anchor]
    mean = covariance[:, places].mean(axis=1)
    moved = covariance - mean[:, None] - mean[None, :] + mean[places].mean()
    return rating + np.mean(list(anchor.values())) - rating[places].mean(), moved
