"""A fit by maximum likelihood, group by comparable group."""

from dataclasses import replace

import numpy as np

from leaderboard.ratings.assembling import make_board
from leaderboard.ratings.clusters import clustered
from leaderboard.ratings.connectivity import comparable_groups, group_labels, main_group, unrated_reasons
from leaderboard.ratings.games import Games
from leaderboard.ratings.intervals import normal_quantile, sandwich
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.methods import Likelihood, Method, Options, Solution, Unrateable
from leaderboard.ratings.newton import NotConverged, minimise
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.results import Ratings
from leaderboard.ratings.shapes import Indices


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
    board = make_board(method, pairs, matchups.players, main, solution, options)
    return replace(board, reason=reason, group=labels, apart=_others(method, data, labels, options))


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
