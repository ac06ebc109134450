"""From parameters to a board: the gauge, intervals, rank ranges, and what is said of each player."""

from collections.abc import Hashable, Mapping

import numpy as np
from scipy.special import stdtrit

from leaderboard.ratings.bad_tables import listed
from leaderboard.ratings.intervals import normal_quantile
from leaderboard.ratings.methods import Method, Options, Solution
from leaderboard.ratings.pairs import PairTotals
from leaderboard.ratings.ranks import rank_ranges, ranks
from leaderboard.ratings.results import POINTS_PER_NAT, Coefficient, Ratings, mean_points, standing_of
from leaderboard.ratings.shapes import Floats, Indices, Mask

FIXED = "fixed as the anchor"
_ZERO = 1e-9  # points


def make_board(
    method: Method,
    pairs: PairTotals,
    players: tuple[Hashable, ...],
    main: Mask,
    solution: Solution | None,
    options: Options,
) -> Ratings:
    """The board of the main group (K,); without a solution nobody is rated. Its reasons are left open."""
    rating, covariance = np.full(pairs.size, np.nan), np.full((pairs.size, pairs.size), np.nan)
    seen, quantile = None, np.full(pairs.size, normal_quantile(options.level))
    coefficients: tuple[Coefficient, ...] = ()
    if solution is not None:
        count = int(np.count_nonzero(main))
        rating[main] = options.mean + POINTS_PER_NAT * solution.theta[:count]
        covariance[np.ix_(main, main)] = POINTS_PER_NAT**2 * solution.covariance[:count, :count]
        if solution.seen is not None:
            seen = np.zeros(pairs.size, np.intp)
            seen[main] = solution.seen
            quantile = _t_quantiles(seen, options)
            few = np.isinf(quantile)
            covariance[few, :] = covariance[:, few] = np.nan
        # All clusters tell of what stands beside the strengths; the most seen player is in nearly all.
        spread = np.sqrt(np.diagonal(solution.covariance)[count:])
        coefficients = method.coefficients(solution.theta[count:], spread, float(quantile[main].min()))
    rating, covariance = _anchored(rating, covariance, players, options.anchor)
    half, fixed = _half_widths(covariance, quantile, players, options)
    lower, upper = rank_ranges(rating, covariance, np.maximum.outer(quantile, quantile))
    inside = np.zeros(pairs.size)
    inside[main] = pairs.within(main).played
    words = f"too few {' or '.join(f'{name}s' for name in options.cluster)}"
    status, note = standing_of(rating, half, inside, options.limits, seen=seen, few=words)
    half[fixed] = np.nan
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
        note=tuple(FIXED if by else own for by, own in zip(fixed.tolist(), note, strict=True)),
        coefficients=coefficients,
        cluster=options.cluster,
        anchor=tuple(options.anchor.items()),
        limits=options.limits,
    )


def _t_quantiles(seen: Indices, options: Options) -> Floats:
    """Student's t (K,), with one degree less than the clusters a player was seen in; inf for too few."""
    few = seen < options.limits.fewest_clusters
    return np.where(few, np.inf, stdtrit(np.maximum(seen - 1, 1), (1 + options.level) / 2))


def _half_widths(
    covariance: Floats, quantile: Floats, players: tuple[Hashable, ...], options: Options
) -> tuple[Floats, Mask]:
    """Half of each interval (K,), NaN where unknown, and who is fixed as the only anchor (its half is 0)."""
    half = quantile * np.sqrt(np.maximum(np.diagonal(covariance), 0))
    fixed = (half <= _ZERO) & np.array([player in options.anchor for player in players], bool)
    half[(half <= _ZERO) & ~fixed] = np.nan  # a spread of zero is one that was not seen
    return half, fixed


def _anchored(
    rating: Floats, covariance: Floats, players: tuple[Hashable, ...], anchor: Mapping[Hashable, float]
) -> tuple[Floats, Floats]:
    """Shift so that the anchors have, on average, the ratings stated; no difference changes.

    Intervals are then those of the distance from the anchors, except where an anchor's own spread is unknown:
    they stay those of the games-weighted gauge, rather than be lost for everyone.
    """
    if not anchor:
        return rating, covariance
    for player in anchor:
        if player not in players:
            raise ValueError(f"the anchor {player!r} is not among the players; there are: {listed(players)}")
        if np.isnan(rating[players.index(player)]):
            raise ValueError(f"the anchor {player!r} cannot be rated on these games")
    places = [players.index(player) for player in anchor]
    rating = rating + np.mean(list(anchor.values())) - rating[places].mean()
    mean = covariance[:, places].mean(axis=1)
    if np.isnan(mean[places]).any():
        return rating, covariance
    return rating, covariance - mean[:, None] - mean[None, :] + mean[places].mean()
