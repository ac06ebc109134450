"""Exactly the board of an address as a file."""

import csv
import io
import json
from typing import Any

from arena.models import Benchmark
from arena.shell import harmless
from leaderboard.models import Standing
from leaderboard.page_cache import Rendered
from leaderboard.views.compare import compare
from leaderboard.views.scope import BoardQuery, Source, no_such

NUMBERS = {
    "rank": "rank",
    "rank_lower": "rank_lower",
    "rank_upper": "rank_upper",
    "joint_rank_lower": "joint_lower",
    "joint_rank_upper": "joint_upper",
}
PLACES = ("rating", "rating_lower", "rating_upper")


def board_file(benchmark: Benchmark, query: BoardQuery, source: Source) -> Rendered:
    """Every standing of one board, rated ones first. Ratings are rounded to 0.01.

    ``tied_with`` are the nearest of the ``tied_count`` models that the votes do not tell from this one.
    """
    standings = list(Standing.objects.of_board(_board(source)))
    names = {row.competitor_id: row.competitor.name for row in standings}
    rows = []
    for row in standings:
        numbers = {name: getattr(row, field) for name, field in NUMBERS.items()}
        ratings = {name: _rounded(getattr(row, name), 2) for name in PLACES}
        rows.append(
            {
                **numbers,
                "model": row.competitor.name,
                "slug": row.competitor.slug,
                "organisation": row.competitor.organisation,
                **ratings,
                "score": _rounded(row.score, 4),
                "matches": row.matches,
                "status": row.status,
                "reason": row.reason or row.note,
                "tied_count": row.tied_count,
                "tied_with": [names[other] for other in row.tied if other in names],
            }
        )
    return _file(rows, query, f"{benchmark.slug}-{source.slug}")


def pair_file(benchmark: Benchmark, query: BoardQuery, left: Source, right: Source | None) -> Rendered:
    """The models that two boards share, with their ratings on both."""
    if right is None:
        raise no_such("pair of boards", "There is only one board here, so nothing stands beside it.")
    sides = [list(Standing.objects.of_board(_board(source))) for source in (left, right)]
    found = [{row.competitor_id: row for row in side} for side in sides]
    comparison = compare(*sides)
    rows = []
    for key in comparison.common:
        line: dict[str, Any] = {"model": found[0][key].competitor.name, "slug": found[0][key].competitor.slug}
        for source, side in ((left, found[0]), (right, found[1])):
            line |= {f"{source.slug}_{name}": getattr(side[key], field) for name, field in NUMBERS.items()}
            line |= {f"{source.slug}_{name}": _rounded(getattr(side[key], name), 2) for name in PLACES}
        rows.append(line)
    return _file(rows, query, f"{benchmark.slug}-{left.slug}-{right.slug}")


def _board(source: Source):
    if source.board is None:
        raise no_such("board", f"{source.name} has no board here yet.")
    return source.board


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)


def _file(rows: list[dict[str, Any]], query: BoardQuery, name: str) -> Rendered:
    name += "".join(f"-{part}" for part in (query.category, query.method) if part)
    safe = "".join(
        letter if (letter.isalnum() and letter.isascii()) or letter in "-_" else "-" for letter in name
    )
    headers = (("Content-Disposition", f'attachment; filename="{safe}.{query.format}"'),)
    if query.format == "json":
        body = json.dumps(rows, ensure_ascii=False, indent=1)
        return Rendered(body.encode(), "application/json; charset=utf-8", headers)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["model"])
    writer.writeheader()
    writer.writerows({key: harmless(_flat(value)) for key, value in row.items()} for row in rows)
    return Rendered(text.getvalue().encode(), "text/csv; charset=utf-8", headers)


def _flat(value: Any) -> Any:
    """A cell's value: names of several models in one cell."""
    return "; ".join(value) if isinstance(value, list) else value
