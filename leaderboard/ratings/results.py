"""What a rating method gives back."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from leaderboard.ratings.shapes import Floats, Indices

POINTS_PER_NAT = 400 / np.log(10)  # a lead of 400 points is odds of ten to one
SCALE = "400-point logarithmic scale (a lead of 400 points is odds of 10 to 1)"


RATED, PROVISIONAL, UNRATED = "rated", "provisional", "unrated"


@dataclass(frozen=True)
class Limits:
    """Below ``fewest_games`` matches, or with an interval over ``widest`` points, a rating is provisional.

    Below ``fewest_clusters`` clusters (prompts, voters) a player's clustered interval is left out:
    simulated, a nominal 95 % holds 81 % of the time with 4 clusters.
    """

    fewest_games: float = 30
    widest: float = 200.0
    fewest_clusters: int = 6


class Coefficient(NamedTuple):
    """A parameter beside the strengths, with its interval; None is what is not known."""

    name: str
    value: float
    lower: float | None
    upper: float | None
    unit: str


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
    status: str = ""
    note: str = ""
    group: int | None = None


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of K players by one method; all arrays are (K,) in the order of ``players``.

    ``rating``, ``rating_lower`` and ``rating_upper`` are in points of ``scale``, NaN where there is none;
    ``level`` is the coverage meant by an interval, NaN for a method that has none. ``rank`` is 1-based and
    shared by equals, ``rank_lower`` (best) to ``rank_upper`` (worst) its range, 0 where there is none.
    ``matches`` and ``score`` (mean points a match, NaN without one) count every game given, also those
    against players who could not be rated. ``reason`` says why a player has no rating, '' when it has one.
    ``covariance`` (K, K) is in squared points, NaN where unknown, None for a method that has none.

    ``status`` is rated, provisional or unrated by the thresholds of ``limits``; ``note`` says why a rating
    is provisional or has no interval, '' otherwise. ``group`` is 1 for those rated here, 2, 3, ... for
    groups that are comparable among themselves only, whose boards stand in ``apart`` in that order, 0 for
    those comparable with nobody. ``quantile`` (K,) is an interval's half-width in standard errors: normal,
    or Student's t for clusters. ``coefficients`` are the parameters beside the strengths, ``cluster`` and
    ``anchor`` what was asked.
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
    status: tuple[str, ...] = ()
    note: tuple[str, ...] = ()
    group: Indices | None = None
    apart: "tuple[Ratings, ...]" = ()
    quantile: Floats | None = None
    coefficients: tuple[Coefficient, ...] = ()
    cluster: tuple[str, ...] = ()
    anchor: tuple[tuple[Hashable, float], ...] = ()
    limits: Limits = field(default_factory=Limits)

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
                status=self.status[place] if self.status else "",
                note=self.note[place] if self.note else "",
                group=None if self.group is None else int(self.group[place]) or None,
            )

    def to_frame(self) -> Any:
        """The rows as a pandas DataFrame, or, where pandas is not installed, as a dict of lists."""
        return frame(Rating._fields, list(self.rows()))


def mean_points(games: Floats, points: Floats) -> Floats:
    """Points a game (K,), NaN for those without a game."""
    return np.divide(points, games, out=np.full(len(games), np.nan), where=games > 0)


def standing_of(
    rating: Floats,
    half: Floats,
    games: Floats,
    limits: Limits,
    *,
    seen: Indices | None = None,
    few: str = "",
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Status and note of each player (K,), from its rating, half its interval, its games and its clusters.

    ``few`` are the words for a player seen (K,) in too few clusters.
    """
    status, note = [], []
    for place, rated in enumerate((~np.isnan(rating)).tolist()):
        own = doubts(half[place], games[place], limits)
        if seen is not None and seen[place] < limits.fewest_clusters:
            own = f"{few}: {seen[place]} of the {limits.fewest_clusters} that an interval needs"
        status.append((PROVISIONAL if own else RATED) if rated else UNRATED)
        note.append(own if rated else "")
    return tuple(status), tuple(note)


def doubts(half: float, games: float, limits: Limits) -> str:
    """Why a rating is provisional, from half its interval (NaN: none) and its games; '' when it is not."""
    if games < limits.fewest_games:
        return f"few matches: {games:,.0f} of {limits.fewest_games:,.0f}"
    if np.isnan(half):
        return "no interval: every result was as expected, so no spread was seen"
    if 2 * half > limits.widest:
        return f"wide interval: {2 * half:,.0f} points, over {limits.widest:,.0f}"
    return ""


def frame(columns: tuple[str, ...], rows: list[Any]) -> Any:
    """A pandas DataFrame of the rows, or a dict of lists where pandas is not installed."""
    values = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    try:
        from pandas import DataFrame
    except ImportError:
        return values
    return DataFrame(values)


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
