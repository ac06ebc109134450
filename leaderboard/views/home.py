"""/: a pair to vote on at once, under one line that says what this arena measures and how sure it is."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from arena.models import Benchmark, Competitor, Submission
from arena.views.vote import show_pair
from leaderboard.models import Board, boards_stamp
from leaderboard.page_cache import Rendered
from leaderboard.views.cached import HTML, fragment
from leaderboard.views.figures import ENOUGH, figures_of
from leaderboard.views.formats import counted
from leaderboard.views.scope import choose_benchmark


def home(request: HttpRequest) -> HttpResponse:
    return show_pair(request, line_of=line_of)


def line_of(wanted: Benchmark | None) -> str:
    """The line as HTML, of the benchmark that was asked for. It knows nothing of the pair under it."""
    slug = wanted.slug if wanted else ""
    return fragment(
        ("line", slug),
        # A new entry changes no board until somebody has compared it.
        stamp=lambda: (boards_stamp(slug), Submission.objects.count()),
        make=lambda: Rendered(render_to_string("leaderboard/line.html", facts(slug)).encode(), HTML),
    )


def facts(slug: str) -> dict[str, Any]:
    """What the line says; each later fact is given only where the ones before it leave it a sense."""
    benchmarks = list(Benchmark.objects.all())
    if not benchmarks:
        return {}
    benchmark = choose_benchmark(benchmarks, slug)
    shown = {
        "benchmark": benchmark,
        "is_one_of_many": len(benchmarks) > 1,
        "prompts": counted(benchmark.prompts.count(), "prompt"),
    }
    board = Board.objects.overall().filter(benchmark=benchmark, judge=None, matches__gt=0).first()
    if board is None:
        return shown | _unvoted(benchmark)
    standings = board.standings.aggregate(
        all=Count("pk"),
        rated=Count("pk", filter=Q(rank__isnull=False)),
        first=Count("pk", filter=Q(rank_lower=1)),
    )
    best = next((row for row in figures_of(benchmark) if row.each_vote.n >= ENOUGH), None)
    return shown | {
        "models": counted(standings["rated"] or standings["all"], "model"),
        "votes": counted(board.matches, "vote"),
        "people": counted(board.voters, "person", "people"),
        "rated": standings["rated"],
        "first": standings["first"],
        "best": best,
    }


def _unvoted(benchmark: Benchmark) -> dict[str, Any]:
    answered = Competitor.objects.in_play().filter(answers__prompt__benchmark=benchmark).distinct().count()
    return {
        "models": counted(answered, "model"),
        "number": answered,
        "judged": Board.objects.overall().filter(benchmark=benchmark, matches__gt=0).exists(),
    }
