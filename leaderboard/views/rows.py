"""One model's line on a board, and the scale that the lines of a page share."""

from dataclasses import dataclass

from leaderboard import charts
from leaderboard.models import Standing
from leaderboard.views.formats import decimal, percent, span


@dataclass(frozen=True)
class Row:
    """One line of the table. ``shift`` counts places up (+) or down (-) on the other source's board."""

    standing: Standing
    mark: charts.Interval | None
    shift: int | None

    @property
    def rank(self) -> str:
        return rank_words(self.standing)

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


def rank_words(row: Standing) -> str:
    """The range of ranks; the rank alone where a method has no ranges."""
    return span(row.rank_lower, row.rank_upper, row.rank)


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
