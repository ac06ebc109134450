"""One model's line on a board, and the scale that the lines of a page share."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard import charts
from leaderboard.models import Standing
from leaderboard.views.formats import counted, decimal, percent, span
from leaderboard.views.scope import ALL_AT_ONCE, ELO, BoardQuery

NAMED = 8  # of the models that one is tied with; the database keeps no more


@dataclass(frozen=True)
class Row:
    """One line of the table. ``shift`` counts places up (+) or down (-) on the other source's board.

    ``tied`` says in words whom the votes do not tell from this model, ``""`` where they tell it from all.
    """

    standing: Standing
    mark: charts.Interval | None
    shift: int | None
    rank: str
    tied: str = ""

    @property
    def rating(self) -> str:
        return decimal(self.standing.rating, 0)

    @property
    def half(self) -> str:
        low, high = self.standing.rating_lower, self.standing.rating_upper
        return "" if low is None or high is None else f"±{(high - low) / 2:.0f}"

    @property
    def score(self) -> str:
        return percent(self.standing.score)

    @property
    def matches(self) -> str:
        return f"{self.standing.matches:,}"

    @property
    def places(self) -> int:
        return abs(self.shift or 0)


class RowMaker:
    """Makes the rows of one board, whose names and scale they share."""

    def __init__(self, standings: Sequence[Standing], scale: charts.Scale, query: BoardQuery) -> None:
        self._names = {row.competitor_id: row.competitor.name for row in standings}
        self._scale = scale
        self._has_ranges = query.method != ELO
        self._together = query.ranks == ALL_AT_ONCE

    def row(self, standing: Standing, shift: int | None = None) -> Row:
        rank = rank_words(standing, ranges=self._has_ranges, together=self._together)
        return Row(standing, mark_of(self._scale, standing), shift, rank, self._tied(standing))

    def _tied(self, row: Standing) -> str:
        names = [self._names[other] for other in row.tied[:NAMED] if other in self._names]
        if not row.tied_count or not names:
            return ""
        more = row.tied_count - len(names)
        models = counted(row.tied_count, "model")
        if more <= 0:
            return f"Not told apart from {models}: {', '.join(names)}."
        return f"Not told apart from {models}. The nearest: {', '.join(names)}."


def rank_words(row: Standing, *, ranges: bool = True, together: bool = False) -> str:
    """The range of ranks, unknown where it is not known; the rank alone by a method without ``ranges``.

    ``together``: the range that holds for all models at once.
    """
    if not ranges:
        return span(None, None, row.rank)
    return span(row.joint_lower, row.joint_upper) if together else span(row.rank_lower, row.rank_upper)


def rating_scale(rated: list[Standing]) -> charts.Scale:
    """One scale for a page. A few very wide intervals do not squeeze all others: they leave at the edge."""
    ratings = [row.rating for row in rated if row.rating is not None]
    halves = sorted(
        (row.rating_upper - row.rating_lower) / 2
        for row in rated
        if row.rating_upper is not None and row.rating_lower is not None
    )
    if not ratings or not halves:
        return charts.scale_of(ratings)
    reach = 3 * halves[len(halves) // 2]
    ends = [end for row in rated for end in (row.rating_lower, row.rating_upper) if end is not None]
    return charts.Scale(max(min(ends), min(ratings) - reach), min(max(ends), max(ratings) + reach))


def mark_of(scale: charts.Scale, row: Standing) -> charts.Interval | None:
    if row.rating is None:
        return None
    return charts.interval(scale, row.rating, row.rating_lower, row.rating_upper)
