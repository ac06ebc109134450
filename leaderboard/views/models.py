"""/models/: every competitor, and one with its places and matches."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.models import Benchmark, Competitor, Match
from arena.models.answers import served_by
from arena.outcomes import INCONSISTENT, Winner, mirror
from leaderboard import charts
from leaderboard.models import Standing, competitors_with_entries, judge_outcomes, matches_of, vote_counts
from leaderboard.views.formats import counted
from leaderboard.views.rows import Row, mark_of, rank_words, rating_scale

PAGE = 100
MATCHES = 20
WORDS = {
    Winner.MODEL_A: "won",
    Winner.MODEL_B: "lost",
    Winner.TIE: "tie",
    Winner.BOTH_BAD: "both bad",
    INCONSISTENT: "inconsistent",
    "": "unscored",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    search = " ".join(request.GET.get("q", "").replace("\0", "").split())[:80]
    only_withdrawn = "withdrawn" in request.GET
    found = competitors_with_entries(search, withdrawn=only_withdrawn)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    carry = ({"withdrawn": "1"} if only_withdrawn else {}) | ({"q": search} if search else {})
    context = {
        "page": page,
        "q": search,
        "carry": urlencode(carry) + "&" if carry else "",
        "total": counted(page.paginator.count, "withdrawn model" if only_withdrawn else "model"),
        "only_withdrawn": only_withdrawn,
        "withdrawn": Competitor.objects.withdrawn().count(),
    }
    return render(request, "leaderboard/models.html", context)


@dataclass(frozen=True)
class Places:
    """A competitor's standings on one benchmark; the marks of one benchmark share a scale."""

    benchmark: Benchmark
    overall: list[Row]
    by_category: list[Row]
    ticks: list[charts.Tick]


@dataclass
class Played:
    """One match from the competitor's side: who it met and what was said, in words."""

    match: Match
    opponent: Competitor
    people: list[str] = field(default_factory=list)
    judges: list[tuple[str, str]] = field(default_factory=list)


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    competitor = get_object_or_404(Competitor.objects.select_related("parent"), slug=slug)
    ordered = matches_of(competitor).select_related("prompt__benchmark", "competitor_a", "competitor_b")
    page = Paginator(ordered.order_by("-id"), MATCHES).get_page(request.GET.get("page"))
    may_change = request.user.is_staff or competitor.owner_id == (request.user.pk or 0)
    context: dict[str, Any] = {
        "competitor": competitor,
        "demo": competitor.is_demo,
        "places": places_of(competitor),
        "sampling": sorted(competitor.sampling.items()) if isinstance(competitor.sampling, dict) else [],
        "served": served_by(competitor),
        "page": page,
        "played": played(competitor, list(page)),
        "variants": variants_of(competitor),
        "may_change": may_change,
        "total": counted(page.paginator.count, "match", "matches"),
    }
    return render(request, "leaderboard/model.html", context)


@dataclass(frozen=True)
class Variant:
    """The same model with other settings; ``differences`` are its own values of what is not the same."""

    competitor: Competitor
    is_parent: bool
    differences: list[tuple[str, str]]


def variants_of(competitor: Competitor) -> list[Variant]:
    """The model whose settings were changed into this one's, and those that this one's were changed into."""
    parent = [competitor.parent] if competitor.parent else []
    children = competitor.variants.order_by("pk")
    return [_variant(other, competitor, other in parent) for other in (*parent, *children)]


def _variant(other: Competitor, competitor: Competitor, is_parent: bool) -> Variant:
    own, theirs = competitor.sampling, other.sampling
    names = sorted(name for name in {*own, *theirs} if own.get(name) != theirs.get(name))
    return Variant(other, is_parent, [(name, str(theirs.get(name, "not set"))) for name in names])


def places_of(competitor: Competitor) -> list[Places]:
    standings = list(Standing.objects.of_competitor(competitor))
    result = []
    for benchmark, rows in groupby(standings, key=lambda row: row.board.benchmark):
        own = list(rows)
        scale = rating_scale([row for row in own if row.rating is not None])
        shown = [Row(row, mark_of(scale, row), None, rank_words(row)) for row in own]
        overall = [row for row in shown if not row.standing.board.category]
        categories = [row for row in shown if row.standing.board.category and row.standing.matches]
        result.append(Places(benchmark, overall, categories, charts.ticks(scale, about=4)))
    return result


def played(competitor: Competitor, matches: Sequence[Match]) -> list[Played]:
    """What people and judges said of these matches, for and against the competitor."""
    result = {}
    for match in matches:
        is_a = match.competitor_a_id == competitor.pk
        result[match.pk] = Played(match, match.competitor_b if is_a else match.competitor_a)
    votes: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for match_id, winner, number in vote_counts(result):
        votes[match_id][_word(result[match_id], competitor, winner)] += number
    for match_id, words in votes.items():
        order = [word for word in WORDS.values() if word in words]
        result[match_id].people = [f"{words[word]} {word}" for word in order]
    for match_id, judge, outcome in judge_outcomes(result):
        result[match_id].judges.append((judge, _word(result[match_id], competitor, outcome)))
    return list(result.values())


def _word(row: Played, competitor: Competitor, winner: str) -> str:
    """The outcome as the competitor sees it: won, lost, tie ..."""
    if winner in set(Winner) and row.match.competitor_a_id != competitor.pk:
        winner = mirror(Winner(winner))
    return WORDS[winner]
