"""Online Elo over many orders of the same games: its average, and how far the order alone moves it."""

from collections.abc import Hashable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from leaderboard.ratings.elo import fit_elo
from leaderboard.ratings.matchups import Labels, encode
from leaderboard.ratings.ranks import ranks
from leaderboard.ratings.results import Ratings


def fit_shuffled_elo(
    first: Labels,
    second: Labels,
    score: ArrayLike,
    *,
    players: Iterable[Hashable] | None = None,
    k: float = 4.0,
    rounds: int = 100,
) -> Ratings:
    """Average of ``fit_elo`` over ``rounds`` random orders (Boubdir et al. 2023), always the same ones.

    ``rating_lower`` and ``rating_upper`` are the average minus and plus one standard deviation over the
    orders: the spread that comes from the order alone. It is no interval for the strength, so ``level``
    stays NaN.
    """
    if rounds < 2:
        raise ValueError(f"{rounds} rounds have no spread")
    rows = encode(first, second, score, players=players)
    rng = np.random.default_rng(0)
    board = fit_elo(rows.first, rows.second, rows.score, players=range(len(rows.players)), k=k)
    found = np.empty((rounds, len(rows.players)))
    for at in range(rounds):
        order = rng.permutation(len(rows.score))
        columns = (rows.first[order], rows.second[order], rows.score[order])
        found[at] = fit_elo(*columns, players=range(len(rows.players)), k=k).rating
    rating, spread = found.mean(axis=0), found.std(axis=0, ddof=1)
    return replace(
        board,
        method="elo, shuffled",
        players=rows.players,
        rating=rating,
        rating_lower=rating - spread,
        rating_upper=rating + spread,
        rank=ranks(rating),
    )
