"""Two sources' boards of one scope: a slope from place to place, and both intervals in one table."""

from dataclasses import dataclass
from typing import Any

from leaderboard import charts
from leaderboard.models import Board, Standing
from leaderboard.views.compare import Comparison, compare
from leaderboard.views.formats import counted, decimal
from leaderboard.views.rows import mark_of, rank_words, rating_scale
from leaderboard.views.scope import ELO, BoardQuery, Scope, Source

ROW = 28  # pixels; .slope li in site.css is as high


@dataclass(frozen=True)
class PairRow:
    """One model on both boards; ``shift`` counts places up (+) or down (-) on the right one."""

    left: Standing
    right: Standing
    left_place: int
    right_place: int
    left_mark: charts.Interval | None
    right_mark: charts.Interval | None
    left_rank: str
    right_rank: str

    @property
    def shift(self) -> int:
        return self.left_place - self.right_place

    @property
    def places(self) -> int:
        return abs(self.shift)


def choose_sources(scope: Scope, query: BoardQuery) -> tuple[Source, Source | None]:
    """The two sources of an address; the second defaults to the best one to compare the first with."""
    left = scope.source(query)
    right = scope.source(query, query.other) if query.other else scope.counterpart(left)
    if right and right.slug == left.slug:
        right = scope.counterpart(left)
    return left, right


def context(scope: Scope, query: BoardQuery, left: Source, right: Source | None) -> dict[str, Any]:
    """What the page shows; without ``pairs`` when one of the two boards is missing."""
    pickers = {
        "left": left,
        "right": right,
        "choices": [source for source in scope.sources if source.board],
        "unfit": next((source for source in (left, right) if source and source.board is None), None),
    }
    if right is None or left.board is None or right.board is None:
        return pickers
    mine, theirs = standings(left.board), standings(right.board)
    comparison = compare(mine, theirs)
    pairs = _pairs(mine, theirs, comparison, ranges=query.method != ELO)
    return pickers | {
        "pairs": pairs,
        "by_right": sorted(pairs, key=lambda pair: pair.right_place),
        "slopes": charts.slopes(
            [pair.left_place - 1 for pair in pairs], [pair.right_place - 1 for pair in pairs], ROW
        ),
        "height": ROW * len(pairs),
        "spearman": decimal(comparison.spearman),
        "sentence": _sentence(left, right, comparison, pairs),
        "only": [(left, _rated_outside(comparison, mine)), (right, _rated_outside(comparison, theirs))],
    }


def standings(board: Board) -> list[Standing]:
    return list(Standing.objects.of_board(board))


def _rated_outside(comparison: Comparison, rows: list[Standing]) -> list[Standing]:
    return [row for row in rows if row.rating is not None and row.competitor_id not in comparison.left]


def _pairs(
    mine: list[Standing], theirs: list[Standing], comparison: Comparison, *, ranges: bool
) -> list[PairRow]:
    left = {row.competitor_id: row for row in mine}
    right = {row.competitor_id: row for row in theirs}
    scales = [rating_scale([rows[key] for key in comparison.common]) for rows in (left, right)]
    return [
        PairRow(
            left[key],
            right[key],
            comparison.left[key],
            comparison.right[key],
            mark_of(scales[0], left[key]),
            mark_of(scales[1], right[key]),
            rank_words(left[key], ranges=ranges),
            rank_words(right[key], ranges=ranges),
        )
        for key in comparison.common
    ]


def _sentence(left: Source, right: Source, comparison: Comparison, pairs: list[PairRow]) -> str:
    """The comparison in words, with its numbers."""
    rho = comparison.spearman
    if rho is None:
        return f"{counted(len(pairs), 'model')} on both boards: too few to speak of a correlation."
    strength = next(
        words
        for least, words in (
            (0.9, "order the models almost alike"),
            (0.7, "order the models broadly alike"),
            (0.4, "agree on the order in part"),
            (0.1, "hardly agree on the order"),
            (-2, "do not agree on the order"),
        )
        if rho >= least
    )
    far = max(pairs, key=lambda pair: pair.places)
    tail = ""
    if far.places > 2:
        direction = "higher" if far.shift > 0 else "lower"
        tail = (
            f" They differ most on {far.left.competitor.name}: "
            f"{counted(far.places, 'place')} {direction} for {right.inline}."
        )
    both = f"{left.inline} and {right.inline}"
    return (
        f"{both[0].upper()}{both[1:]} {strength}: rank correlation {decimal(rho)} "
        f"over {counted(len(pairs), 'model')}.{tail}"
    )
