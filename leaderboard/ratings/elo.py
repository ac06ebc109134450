"""Online Elo: ratings that move after each game, for a history line rather than for a board."""

from collections.abc import Hashable, Iterable
from math import isfinite, log, tanh

import numpy as np
from numpy.typing import ArrayLike

from leaderboard.ratings.matchups import Encoded, Labels, encode
from leaderboard.ratings.ranks import ranks
from leaderboard.ratings.results import SCALE, Limits, Ratings, mean_points, standing_of
from leaderboard.ratings.shapes import Floats, add_up


def fit_elo(
    first: Labels,
    second: Labels,
    score: ArrayLike,
    *,
    players: Iterable[Hashable] | None = None,
    k: float = 4.0,
    initial: float = 1000.0,
) -> Ratings:
    """Play the games in the order given, moving each side by ``k`` times its surprise (Elo 1978).

    ``first`` and ``second`` (R,) are labels, ``score`` (R,) the points of the first in [0, 1]. ``players``
    fixes the order and may name some without a game; those stay unrated. Everyone starts at ``initial``.

    There are no intervals and no rank ranges: the same games in another order give other ratings (Boubdir et
    al. 2023, arXiv 2311.17295), so a spread taken from one order would say nothing about the players.
    """
    if not (isfinite(k) and k > 0):
        raise ValueError(f"k {k:g} is not positive")
    rows = encode(first, second, score, players=players)
    size = len(rows.players)
    once = np.ones(len(rows.score))
    games = add_up(rows.first, once, size) + add_up(rows.second, once, size)
    points = add_up(rows.first, rows.score, size) + add_up(rows.second, 1 - rows.score, size)
    rating = np.where(games > 0, _play(rows, k, initial), np.nan)
    # Without an interval its width says nothing: only few games make an Elo rating provisional.
    status, note = standing_of(rating, np.zeros(size), games, Limits())
    return Ratings(
        method="elo",
        scale=SCALE,
        level=np.nan,
        players=rows.players,
        rating=rating,
        rating_lower=np.full(size, np.nan),
        rating_upper=np.full(size, np.nan),
        rank=ranks(rating),
        rank_lower=np.zeros(size, np.intp),
        rank_upper=np.zeros(size, np.intp),
        matches=games,
        score=mean_points(games, points),
        status=status,
        note=note,
        reason=tuple("" if played else "no matches" for played in (games > 0).tolist()),
    )


def _play(rows: Encoded, k: float, initial: float) -> Floats:
    rating = [initial] * len(rows.players)
    slope = log(10) / 800  # 1 / (1 + 10^(-d / 400)) = (1 + tanh(d ln 10 / 800)) / 2, which cannot overflow
    for one, other, points in zip(
        rows.first.tolist(), rows.second.tolist(), rows.score.tolist(), strict=True
    ):
        expected = (1 + tanh(slope * (rating[one] - rating[other]))) / 2
        gain = k * (points - expected)
        rating[one] += gain
        rating[other] -= gain
    return np.array(rating, np.float64)
