"""/leaderboard/charts/: a board as charts, each with its numbers in a table."""

from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from leaderboard import sources
from leaderboard.models import Standing, boards_stamp
from leaderboard.page_cache import Rendered
from leaderboard.views.agreement_charts import chart_judges, chart_people
from leaderboard.views.board import frame, lede, page, waiting
from leaderboard.views.board_charts import MOST, chart_pairs, chart_ratings
from leaderboard.views.cached import NotHere, not_here, serve
from leaderboard.views.formats import counted
from leaderboard.views.scope import CHARTS, FEW, MANY, BoardQuery, Scope, Source, load_scope, no_such

# plotly.js puts two style elements into the page: an empty one, which it fills by rules, and that of its
# maps, which are not used here and whose hash changes with its version (a browser that refuses it says it).
STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
]


@csp_update({"style-src": ["'self'", *STYLES]})
@require_safe
def charts(request: HttpRequest) -> HttpResponseBase:
    try:
        query = BoardQuery.read(request.GET, CHARTS)
    except NotHere as problem:
        return not_here(request, problem)
    return serve(
        request,
        (CHARTS, query),
        stamp=lambda: boards_stamp(query.benchmark),
        make=lambda: make_charts(request, query),
    )


def make_charts(request: HttpRequest, query: BoardQuery) -> Rendered:
    """The whole page, read from the database."""
    scope = load_scope(query)
    if scope is None:
        return page(request, "leaderboard/board_none.html", {})
    source = scope.source(query)
    if source.board is None:
        return waiting(request, scope, query, source)
    return page(
        request, "leaderboard/charts.html", frame(scope, query, source) | _charts(scope, query, source)
    )


def _charts(scope: Scope, query: BoardQuery, source: Source) -> dict[str, Any]:
    board = source.board
    if board is None:
        raise ValueError("this source has no board")
    standings = list(Standing.objects.of_board(board))
    rated = [row for row in standings if row.rating is not None]
    shown = _shown(rated, query)
    met = [row for row in standings if row.matches]
    among = met[:MOST]
    totals = sources.pair_totals(
        scope.benchmark,
        None if source.counts_votes else source.judge,
        category=query.category,
        among=[row.competitor_id for row in among],
    )
    found = [
        chart_ratings(shown, rated, source),
        *chart_pairs(among, len(met), totals, source),
        chart_people(scope.figures),
        chart_judges(scope.figures),
    ]
    return {
        "board": board,
        "lede": lede(board, source, len(rated)),
        "charts": [chart for chart in found if chart],
        "starts": _starts(len(rated)),
        "few": FEW,
        "unrated": len(standings) - len(rated),
        "has_judges": bool(scope.figures),
        "is_lonely": len(among) < 2,
    }


def _shown(rated: list[Standing], query: BoardQuery) -> list[Standing]:
    """The models of the first chart."""
    if not query.start:
        return rated[:FEW]
    first = int(query.start) - 1
    if first >= len(rated):
        raise no_such("place", f"Only {counted(len(rated), 'model')} are rated here.")
    return rated[first : first + MANY]


def _starts(rated: int) -> list[tuple[str, str]]:
    """(value, words) of each hundred models to choose from; none where all stand on the first chart."""
    if rated <= FEW:
        return []
    return [(str(first), f"{first}–{min(first + MANY - 1, rated)}") for first in range(1, rated + 1, MANY)]
