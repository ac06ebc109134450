"""What a rating method gives back."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leaderboard.ratings.shapes import Floats, Indices

POINTS_PER_NAT = 400 / np.log(10)  # a lead of 400 points is odds of ten to one
SCALE = "400-point logarithmic scale (a lead of 400 points is odds of 10 to 1)"


class Rating(NamedTuple):
    """One player's row of a board; None is what is not known."""

    player: Hashable
    rank: int | None
    rank_lower: int | None
    rank_upper: int | None
    rating: float | None
    rating_lower: float | None
    rating_upper: float | None
    matches: float
    score: float | None
    reason: str


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of K players by one method; all arrays are (K,) in the order of ``players``.

    ``rating``, ``rating_lower`` and ``rating_upper`` are in points of ``scale``, NaN where there is none;
    ``level`` is the coverage meant by an interval, NaN for a method that has none. ``rank`` is 1-based and
    shared by equals, ``rank_lower`` (best) to ``rank_upper`` (worst) its range, 0 where there is none.
    ``matches`` and ``score`` (mean points a match, NaN without one) count every game given, also those
    against players who could not be rated. ``reason`` says why a player has no rating, '' when it has one.
    ``covariance`` (K, K) is in squared points, NaN where unknown, None for a method that has none.
    """

    method: str
    scale: str
    level: float
    players: tuple[Hashable, ...]
    rating: Floats
    rating_lower: Floats
    rating_upper: Floats
    rank: Indices
    rank_lower: Indices
    rank_upper: Indices
    matches: Floats
    score: Floats
    reason: tuple[str, ...]
    covariance: Floats | None = None

    def rows(self) -> Iterator[Rating]:
        """One row a player: by rank, then the unrated by score, those without a match last."""
        unrated = self.rank == 0
        score = np.nan_to_num(self.score, nan=-1.0)
        for place in np.lexsort((-self.matches, -score, self.rank, unrated)).tolist():
            matches = float(self.matches[place])
            yield Rating(
                player=self.players[place],
                rank=int(self.rank[place]) or None,
                rank_lower=int(self.rank_lower[place]) or None,
                rank_upper=int(self.rank_upper[place]) or None,
                rating=_known(self.rating[place]),
                rating_lower=_known(self.rating_lower[place]),
                rating_upper=_known(self.rating_upper[place]),
                matches=int(matches) if matches.is_integer() else matches,
                score=_known(self.score[place]),
                reason=self.reason[place],
            )


def mean_points(games: Floats, points: Floats) -> Floats:
    """Points a game (K,), NaN for those without a game."""
    return np.divide(points, games, out=np.full(len(games), np.nan), where=games > 0)


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
