"""The charts of one board: ratings, who beats whom, and how often they met."""

from collections.abc import Iterable, Sequence

from leaderboard import charts
from leaderboard.models import Standing
from leaderboard.views.chart import WHOLE, Chart, Column, Line, Named, matrix, squares
from leaderboard.views.formats import UNKNOWN, counted, decimal, percent
from leaderboard.views.rows import rank_words, rating_scale
from leaderboard.views.scope import ELO, Source

NO_INTERVALS = {
    True: "Elo has no intervals, so how sure a rating is stays unknown.",
    False: "No interval is known yet; the table says why.",
}
MOST = 30  # models of a matrix: more squares are too small to be told apart


def chart_ratings(shown: Sequence[Standing], rated: Sequence[Standing], source: Source) -> Chart | None:
    """Each model's rating with its interval, the best at the top."""
    if not shown:
        return None
    scale = rating_scale(list(shown))
    room = (scale.high - scale.low) * 0.02 or 10
    sure = any(row.rating_lower is not None for row in shown)
    is_elo = source.board is not None and source.board.method == ELO
    ends = [Column("From"), Column("To")] if sure else []
    return Chart(
        key="ratings",
        heading="Ratings with their 95 % intervals" if sure else "Ratings",
        told=_ratings_told(rated),
        note="A dot is a rating, the line its 95 % interval. Filled: may be first."
        if sure
        else f"A dot is a rating. {NO_INTERVALS[is_elo]}",
        figure=charts.interval_figure(
            [_estimate(row, source, not is_elo) for row in shown],
            round(scale.low - room, 1),
            round(scale.high + room, 1),
        ),
        corner="Model",
        columns=[
            Column("Rank"),
            Column("Rating"),
            *ends,
            Column("Matches" if source.judge else "Votes"),
        ],
        lines=[_rating_line(row, sure, not is_elo) for row in shown],
    )


def _ratings_told(rated: Sequence[Standing]) -> str:
    told = f"{rated[0].competitor.name} is rated highest, at {decimal(rated[0].rating, 0)}."
    first = sum(row.rank_lower == 1 for row in rated)
    return f"{told} {first:,} of {len(rated):,} models may be first." if first > 1 else told


def _estimate(row: Standing, source: Source, ranges: bool) -> charts.Estimate:
    low, high = _tenth(row.rating_lower), _tenth(row.rating_upper)
    ends = "" if low is None or high is None else f" ({decimal(low, 1)} to {decimal(high, 1)})"
    name = row.competitor.name
    rank = rank_words(row, ranges=ranges)
    played = counted(row.matches, *(("match", "matches") if source.judge else ("vote",)))
    words = f"{name}\n{decimal(row.rating, 1)}{ends}\nrank {rank}, {played}"
    return charts.Estimate(name, _tenth(row.rating) or 0.0, low, high, words, row.rank_lower == 1)


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _rating_line(row: Standing, sure: bool, ranges: bool) -> Line:
    ends = [decimal(row.rating_lower, 1), decimal(row.rating_upper, 1)] if sure else []
    cells = [rank_words(row, ranges=ranges), decimal(row.rating, 1), *ends, f"{row.matches:,}"]
    return Line(row.competitor.name, row.competitor.get_absolute_url(), cells)


def chart_pairs(
    among: Sequence[Standing], total: int, totals: Iterable[charts.PairTotal], source: Source
) -> list[Chart]:
    """Who beats whom, and how often each two met, of the first of ``total`` models; nothing for one."""
    if len(among) < 2:
        return []
    met = charts.matrix_of([row.competitor_id for row in among], totals)
    named = [Named(row.competitor.name, row.competitor.get_absolute_url()) for row in among]
    models = counted(len(named), "model")
    if total > len(named):
        models = f"The first {len(named)} of {total:,} models"
    return [_wins(models, named, met, source), _games(models, named, met, source)]


def _wins(models: str, named: Sequence[Named], met: charts.Matrix, source: Source) -> Chart:
    def cell_at(row: int, column: int) -> charts.Cell:
        share = met.share(row, column)
        value = None if share is None else round(100 * share, 2)
        return charts.Cell(value, percent(share), _meeting(named, row, column, met, source))

    told = f"{models}: {met.met:,} of {counted(met.pairs, 'pair')} met"
    told += "; what the others would give is unknown." if met.met < met.pairs else "."
    words = {
        "key": "wins",
        "heading": "Who beats whom",
        "told": told,
        "note": "The row’s share of the points against each column: blue is more than half, orange less, "
        "grey unknown. A win is a point, a tie half of one. A share of few points says little: the next "
        "chart counts them.",
        "corner": "Row against column",
    }
    cells = squares(len(named), cell_at)
    return matrix(words, named, cells, colours=charts.AROUND_HALF, high=100, scale=WHOLE)


def _games(models: str, named: Sequence[Named], met: charts.Matrix, source: Source) -> Chart:
    def cell_at(row: int, column: int) -> charts.Cell:
        count = None if row == column else met.games[row][column]
        words = UNKNOWN if count is None else f"{count:,}"
        return charts.Cell(count, words, _meeting(named, row, column, met, source))

    size = range(len(named))
    counts = sorted(met.games[row][column] for row in size for column in size if row < column)
    most, least = counts[-1], f"{counts[0]:,} to " if counts[0] < counts[-1] else ""
    words = {
        "key": "games",
        "heading": "How often they met",
        "told": f"{models}: {least}{_times(most, source)} a pair.",
        "note": f"{'Votes' if source.counts_votes else 'Matches'} on each pair: the deeper the green, "
        "the more is known.",
        "corner": "Row and column",
    }
    cells = squares(len(named), cell_at)
    return matrix(words, named, cells, colours=charts.UPWARDS, high=most, scale=("0", f"{most:,}"))


def _times(number: int, source: Source) -> str:
    return counted(number, "vote") if source.counts_votes else counted(number, "match", "matches")


def _meeting(named: Sequence[Named], row: int, column: int, met: charts.Matrix, source: Source) -> str:
    """What is told of a square on hover."""
    one, other = named[row].name, named[column].name
    if row == column:
        return one
    share = met.share(row, column)
    if share is None:
        return f"{one} and\n{other}\nnever met: unknown"
    return f"{one} against\n{other}\n{percent(share)} of the points, {_times(met.games[row][column], source)}"
