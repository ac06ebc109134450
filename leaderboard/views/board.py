"""/leaderboard/: one source's board, or two side by side; as a page, CSV or JSON."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from leaderboard import charts
from leaderboard.models import Board, Snapshot, Standing, boards_stamp, withdrawn_from
from leaderboard.page_cache import Rendered
from leaderboard.views import downloads, side_by_side, switches
from leaderboard.views.cached import HTML, NotHere, not_here, serve
from leaderboard.views.compare import compare
from leaderboard.views.facts import agreement_facts, correlation_fact, find_beside, first_fact
from leaderboard.views.formats import counted
from leaderboard.views.rows import RowMaker, rating_scale
from leaderboard.views.scope import (
    BOARD,
    POWERED,
    SIDE_BY_SIDE,
    STYLE,
    BoardQuery,
    Scope,
    Source,
    load_scope,
)
from leaderboard.views.told import tell


@require_safe
def leaderboard(request: HttpRequest) -> HttpResponseBase:
    try:
        query = BoardQuery.read(request.GET)
    except NotHere as problem:
        return not_here(request, problem)
    return serve(
        request,
        ("leaderboard", query),
        stamp=lambda: boards_stamp(query.benchmark),
        make=lambda: make_board(request, query),
    )


def make_board(request: HttpRequest, query: BoardQuery) -> Rendered:
    """The whole answer to a query, read from the database."""
    scope = load_scope(query)
    if scope is None:
        return page(request, "leaderboard/board_none.html", {})
    if query.view == SIDE_BY_SIDE:
        left, right = side_by_side.choose_sources(scope, query)
        if query.format:
            return downloads.pair_file(scope.benchmark, query, left, right)
        context = frame(scope, query, left) | side_by_side.context(scope, query, left, right)
        return page(request, "leaderboard/side_by_side.html", context)
    source = scope.source(query)
    if query.format:
        return downloads.board_file(scope.benchmark, query, source)
    if source.board is None:
        return waiting(request, scope, query, source)
    context = frame(scope, query, source)
    return page(request, "leaderboard/board.html", context | _board(scope, source, query))


def waiting(request: HttpRequest, scope: Scope, query: BoardQuery, source: Source) -> Rendered:
    """The page of a source that has no board here yet."""
    other = scope.counterpart(source)
    other_url = other and query.url(source=other.slug, benchmark=scope.benchmark.slug)
    context = frame(scope, query, source) | {"other": other, "other_url": other_url}
    return page(request, "leaderboard/board_waiting.html", context)


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> Rendered:
    """A template as a page for the cache."""
    return Rendered(render_to_string(template, context, request).encode(), HTML)


def frame(scope: Scope, query: BoardQuery, source: Source) -> dict[str, Any]:
    """What every page of a board shows: table or charts, switch of sources, filters, downloads."""
    # Every way on begins with the first models.
    on = replace(query, source=source.slug, benchmark=scope.benchmark.slug, start="")
    table = replace(on, page=BOARD)
    return {
        "scope": scope,
        "query": query,
        "benchmark": scope.benchmark,
        "withdrawn": withdrawn_from(scope.benchmark).count(),
        "snapshot": Snapshot.objects.of_benchmark(scope.benchmark.slug).first(),
        "source": source,
        "pages": switches.page_choices(on, source),
        "tabs": switches.source_choices(scope, on, source),
        "methods": switches.method_choices(scope, on, source),
        "as_is_url": on.url(method="", format=""),
        "side_by_side_url": switches.side_by_side_url(scope, on, source),
        "csv_url": table.url(format="csv"),
        "json_url": table.url(format="json"),
    }


def _board(scope: Scope, source: Source, query: BoardQuery) -> dict[str, Any]:
    board = source.board
    if board is None:
        raise ValueError("this source has no board")
    standings = list(Standing.objects.of_board(board))
    beside = find_beside(scope, query, source)
    others = list(Standing.objects.of_board(beside.board)) if beside else []
    comparison = compare(standings, others)
    rated = [row for row in standings if row.rating is not None]
    scale = rating_scale(rated)
    make = RowMaker(standings, scale, query)
    return {
        "board": board,
        "beside": beside,
        "lede": lede(board, source, len(rated)),
        "facts": [
            *agreement_facts(scope, source, query),
            *first_fact(rated, query),
            *correlation_fact(scope, source, beside, comparison, query),
        ],
        "ranks": switches.rank_choices(replace(query, benchmark=scope.benchmark.slug), rated),
        "provisional": sum(bool(row.note) for row in rated),
        "rows": [make.row(row, comparison.shift(row.competitor_id)) for row in rated],
        "unrated": [make.row(row) for row in standings if row.rating is None],
        "ticks": charts.ticks(scale, about=4),
        "counted_as": "Matches" if source.judge else "Votes",
        "size": size(board),
        "told": tell(board, source, standings),
    }


def lede(board: Board, source: Source, models: int) -> str:
    """How many models a board ranks, and by what."""
    ranked = counted(models, "model")
    if board.method == STYLE:
        ranked += " at equal style"
    votes = f"{size(board)} of {counted(board.voters, 'person', 'people')}"
    if source.powered:
        return f"{ranked}, ranked by {votes}, together with the rulings of {source.judge}."
    if source.judge is None:
        return f"{ranked}, ranked by {votes}."
    return f"{ranked}, ranked by the rulings of {source.judge} on {size(board)}."


def size(board: Board) -> str:
    """How many votes or matches a board counts, in words."""
    counts_votes = board.judge_id is None or board.method == POWERED
    return counted(board.matches, *(("vote",) if counts_votes else ("match", "matches")))
