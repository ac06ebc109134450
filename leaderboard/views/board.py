"""/leaderboard/: one source's board, or two side by side; as a page, CSV or JSON."""

from dataclasses import replace
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from leaderboard import charts
from leaderboard.models import Board, Standing, boards_stamp, withdrawn_from
from leaderboard.page_cache import Rendered
from leaderboard.views import downloads, side_by_side
from leaderboard.views.cached import HTML, NotHere, not_here, serve
from leaderboard.views.compare import Comparison, compare
from leaderboard.views.figures import people_agree
from leaderboard.views.formats import counted, decimal
from leaderboard.views.rows import Row, mark_of, rating_scale
from leaderboard.views.scope import (
    BOARD,
    CHARTS,
    ELO,
    PEOPLE,
    SIDE_BY_SIDE,
    BoardQuery,
    Scope,
    Source,
    load_scope,
)


class Fact(NamedTuple):
    """A number with its words, where it came from, the exact term, and the part of /methods/ on it."""

    value: str
    label: str
    href: str
    exact: str
    to: str


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
    source = scope.source(query.source)
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
    here = scope.benchmark.slug
    on = replace(query, benchmark=here, start="")  # every way on begins with the first models
    table = replace(on, page=BOARD)
    tabs = [
        {
            "name": each.name,
            "share": each.figures.each_vote.percent if each.figures and each.figures.each_vote.n else "",
            "url": on.url(source=each.slug, view="", format=""),
            "current": not query.view and each.slug == source.slug,
        }
        for each in [*scope.sources, *([source] if source not in scope.sources and not query.view else [])]
    ]
    return {
        "scope": scope,
        "query": query,
        "benchmark": scope.benchmark,
        "withdrawn": withdrawn_from(scope.benchmark).count(),
        "source": source,
        "pages": [
            {"name": "Table", "url": table.url(view="", format=""), "current": query.page == BOARD},
            {
                "name": "Charts",
                "url": table.url(page=CHARTS, source=source.slug, view="", format=""),
                "current": query.page == CHARTS,
            },
        ],
        "tabs": tabs,
        "methods": [
            {"name": name, "url": on.url(method=value, format=""), "value": value}
            for value, name in (("", "Bradley–Terry"), (ELO, "Elo"))
        ],
        "side_by_side_url": _side_by_side_url(scope, table, source),
        "csv_url": table.url(format="csv"),
        "json_url": table.url(format="json"),
    }


def _side_by_side_url(scope: Scope, query: BoardQuery, source: Source) -> str:
    """People beside this judge (or the best one); empty when there are no two boards."""
    if sum(each.board is not None for each in scope.sources) < 2:
        return ""
    other = source.slug if source.judge else ""
    return query.url(view=SIDE_BY_SIDE, source=PEOPLE, other=other, benchmark=scope.benchmark.slug, format="")


def _board(scope: Scope, source: Source, query: BoardQuery) -> dict[str, Any]:
    board = source.board
    if board is None:
        raise ValueError("this source has no board")
    standings = list(Standing.objects.of_board(board))
    other = scope.counterpart(source)
    others = list(Standing.objects.of_board(other.board)) if other and other.board else []
    comparison = compare(standings, others)
    rated = [row for row in standings if row.rating is not None]
    scale = rating_scale(rated)
    return {
        "board": board,
        "other": other,
        "lede": lede(board, source, len(rated)),
        "facts": [
            *_agreement_facts(scope, source, query),
            *([] if query.method == ELO else _first(rated)),
            *_correlation(scope, source, other, comparison, query),
        ],
        "provisional": sum(bool(row.note) for row in rated),
        "rows": [Row(row, mark_of(scale, row), comparison.shift(row.competitor_id)) for row in rated],
        "unrated": [Row(row, None, None) for row in standings if row.rating is None],
        "ticks": charts.ticks(scale, about=4),
        "counts_votes": source.judge is None,
        "size": size(board),
    }


def lede(board: Board, source: Source, models: int) -> str:
    """How many models a board ranks, and by what."""
    if source.judge is None:
        opinions = f"{size(board)} of {counted(board.voters, 'person', 'people')}"
    else:
        opinions = f"the rulings of {source.judge} on {size(board)}"
    return f"{counted(models, 'model')}, ranked by {opinions}."


def size(board: Board) -> str:
    """How many votes or matches a board counts, in words."""
    return counted(board.matches, *(("match", "matches") if board.judge_id else ("vote",)))


def _first(rated: list[Standing]) -> list[Fact]:
    if not rated:
        return []
    first = sum(row.rank_lower == 1 for row in rated)
    words = "model may be first" if first == 1 else "models may be first"
    return [Fact(str(first), words, "#board", "Models whose 95 % range of ranks begins at 1.", "ranks")]


def _agreement_facts(scope: Scope, source: Source, query: BoardQuery) -> list[Fact]:
    """People with each other; then this judge with people, or on people's board the judge that does best."""
    facts = []
    judges_url = f"{reverse('judges')}?benchmark={scope.benchmark.slug}"
    everywhere = " (all categories)" if query.category else ""
    people = people_agree(scope.figures)
    if people:
        exact = f"{people.human_agreed:,} of {people.human_n:,} pairs of votes on one match name one winner."
        label = f"people agree with each other{everywhere}"
        facts.append(Fact(people.human_percent, label, judges_url, exact, "agreement"))
    shown = source if source.judge else next((judge for judge in scope.judges if judge.figures), None)
    if shown and shown.judge and shown.figures and shown.figures.each_vote.n:
        rule = shown.figures.each_vote
        best = "agrees best" if source.judge is None and len(scope.judges) > 1 else "agrees"
        exact = f"The winner of {rule.agreed:,} of {rule.n:,} votes. Cohen’s kappa is {rule.kappa_words}."
        label = f"{shown.judge} {best} with people{everywhere}"
        facts.append(Fact(rule.percent, label, shown.judge.get_absolute_url(), exact, "agreement"))
    return facts


def _correlation(
    scope: Scope, source: Source, other: Source | None, comparison: Comparison, query: BoardQuery
) -> list[Fact]:
    if other is None or comparison.spearman is None:
        return []
    left, right = (other, source) if source.judge else (source, other)
    url = query.url(
        benchmark=scope.benchmark.slug, view=SIDE_BY_SIDE, source=left.slug, other=right.slug, format=""
    )
    models = counted(len(comparison.common), "model")
    exact = f"Spearman’s rho over {models}: 1 is the same order, 0 no relation."
    label = f"rank correlation, {left.inline} and {right.inline}"
    return [Fact(decimal(comparison.spearman), label, url, exact, "ranks")]
