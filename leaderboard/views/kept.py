"""One board of a snapshot for its page: which one, its places, and what moved since the snapshot before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import F
from django.urls import reverse

from arena.models import Competitor
from leaderboard import charts
from leaderboard.frozen import PEOPLE, FrozenBoard, FrozenStanding, judge_table
from leaderboard.models import Board, KeptBenchmark, KeptBoard, Snapshot, Standing
from leaderboard.views.cached import NotHere
from leaderboard.views.formats import counted
from leaderboard.views.rows import Row, mark_of, rank_words, rating_scale

SLUG = re.compile(r"[-a-zA-Z0-9_]{0,100}")
METHODS = {
    "bt": "Bradley–Terry",
    "elo": "Elo",
    "style": "At equal style",
    "ppi": "People with this judge",
}


@dataclass(frozen=True)
class KeptQuery:
    """The parameters of /snapshots/N/, checked for shape. ``source`` is a judge's slug, "" for people."""

    number: int
    benchmark: str = ""
    source: str = ""
    category: str = ""
    method: str = "bt"

    @classmethod
    def read(cls, number: int, params: Mapping[str, str]) -> "KeptQuery":
        """Raises NotHere for values that no page can have."""
        source = params.get("source") or ""
        query = cls(
            number=number,
            benchmark=params.get("benchmark") or "",
            source="" if source == PEOPLE else source,
            category=params.get("category") or "",
            method=params.get("method") or "bt",
        )
        well = SLUG.fullmatch(query.benchmark) and SLUG.fullmatch(query.source)
        if not (
            well and query.method in METHODS and len(query.category) <= 60 and query.category.isprintable()
        ):
            raise query.missing("The address names something that no snapshot has.")
        return query

    def missing(self, sentence: str) -> NotHere:
        here = reverse("snapshot", args=[self.number])
        return NotHere("No such board", sentence, here, f"See snapshot {self.number}")

    def url(self, **changes: Any) -> str:
        query = replace(self, **changes)
        pairs = {
            "benchmark": query.benchmark,
            "source": query.source,
            "category": query.category,
            "method": "" if query.method == "bt" else query.method,
        }
        given = urlencode({name: value for name, value in pairs.items() if value})
        return reverse("snapshot", args=[query.number]) + (f"?{given}" if given else "")


class KeptRow(NamedTuple):
    """One model's line. ``href`` is its page, "" once it was deleted; ``is_new``: not rated before."""

    slug: str
    name: str
    organisation: str
    href: str
    row: Row
    is_new: bool


class Before(NamedTuple):
    """The same board in the latest earlier snapshot that has it: ranks and names by slug."""

    number: int
    ranks: dict[str, int]
    names: dict[str, str]
    is_same: bool


def load_kept(snapshot: Snapshot, query: KeptQuery) -> dict[str, Any]:
    """What the page shows; no ``board`` when the snapshot lost its boards with the demo. Raises NotHere."""
    benchmarks = list(snapshot.benchmarks.defer("outline").order_by("is_demo", "name", "slug"))
    if not benchmarks:
        return {"benchmarks": []}
    kept = next((each for each in benchmarks if query.benchmark in ("", each.slug)), None)
    if kept is None:
        raise query.missing(f"Snapshot {query.number} holds no benchmark “{query.benchmark}”.")
    query = replace(query, benchmark=kept.slug)
    outline = kept.read_outline()
    listed = list(kept.boards.order_by("category").values_list("judge", "category", "method"))
    if not query.source and not any(not judge for judge, _, _ in listed):
        query = replace(query, source=listed[0][0]) if listed else query
    if (query.source, query.category, query.method) not in listed:
        raise query.missing(f"Snapshot {query.number} holds no board of that kind on {kept}.")
    row = kept.boards.get(judge=query.source, category=query.category, method=query.method)
    judges = {slug: name for slug, name, _ in outline["judges"]}
    return {
        "query": query,
        "kept": kept,
        "benchmark": {"is_demo": kept.is_demo},
        "benchmarks": benchmarks,
        **_choices(query, listed, judges),
        **_board(snapshot, kept, row, outline),
        "source_name": judges.get(query.source, "People"),
        "credit": outline["credit"],
        "digest": outline["digests"][judge_table(query.source) if query.source else PEOPLE],
    }


def _choices(query: KeptQuery, listed: list[tuple[str, str, str]], judges: dict[str, str]) -> dict[str, Any]:
    """Links to the other boards of the benchmark."""
    sources = dict.fromkeys(judge for judge, _, _ in sorted(listed))
    categories = {category for judge, category, method in listed if judge == query.source}
    methods = {
        method for judge, category, method in listed if (judge, category) == (query.source, query.category)
    }
    return {
        "sources": [
            {
                "name": judges.get(slug, "People"),
                "url": query.url(source=slug, category="", method="bt"),
                "current": slug == query.source,
            }
            for slug in sources
        ],
        "categories": sorted(categories - {""}),
        "methods": [
            {"name": name, "url": query.url(method=method), "current": method == query.method}
            for method, name in METHODS.items()
            if method in methods
        ],
    }


def _board(
    snapshot: Snapshot, kept: KeptBenchmark, row: KeptBoard, outline: dict[str, Any]
) -> dict[str, Any]:
    board = row.read()
    before = _before(snapshot, row, kept.slug)
    standings = [_standing(each) for each in board.standings]
    scale = rating_scale([each for each in standings if each.rating is not None])
    named = [outline["models"][each.model] for each in board.standings]
    here = set(
        Competitor.objects.filter(slug__in=[slug for slug, *_ in named]).values_list("slug", flat=True)
    )
    lines = []
    for standing, (slug, name, organisation) in zip(standings, named, strict=True):
        was = before.ranks.get(slug) if before else None
        shift = was - standing.rank if was and standing.rank else None
        href = reverse("model", args=[slug]) if slug in here else ""
        shown = Row(standing, mark_of(scale, standing), shift, rank_words(standing))
        lines.append(KeptRow(slug, name, organisation, href, shown, before is not None and was is None))
    rated = [line for line in lines if line.row.standing.rating is not None]
    unit = ("vote",) if _counts_votes(board) else ("match", "matches")
    return {
        "board": board,
        "lede": _lede(board, len(rated)),
        "size": counted(board.facts["matches"], *unit),
        "counts_votes": _counts_votes(board),
        "rows": rated,
        "unrated": [line for line in lines if line.row.standing.rating is None],
        "ticks": charts.ticks(scale, about=4),
        "before": before,
        "gone": _gone(before, {line.slug for line in rated}),
        "moved": sum(bool(line.row.shift) for line in rated),
        "new": sum(line.is_new for line in rated),
    }


def _before(snapshot: Snapshot, row: KeptBoard, slug: str) -> Before | None:
    same = KeptBoard.objects.filter(
        benchmark__slug=slug,
        benchmark__snapshots__number__lt=snapshot.number,
        judge=row.judge,
        category=row.category,
        method=row.method,
    )
    newest = same.order_by("-benchmark__snapshots__number").select_related("benchmark")
    old = newest.annotate(number=F("benchmark__snapshots__number")).first()
    if old is None:
        return None
    models = old.benchmark.read_outline()["models"]
    rated = [each for each in old.read().standings if each.rank]
    return Before(
        number=old.number,
        ranks={models[each.model][0]: each.rank for each in rated if each.rank},
        names={models[each.model][0]: models[each.model][1] for each in rated},
        is_same=old.pk == row.pk,
    )


def _gone(before: Before | None, rated: set[str]) -> list[str]:
    """Names of those that were rated before and are no longer."""
    return sorted(name for slug, name in before.names.items() if slug not in rated) if before else []


def _standing(row: FrozenStanding) -> Standing:
    """As on a live board, but never stored."""
    return Standing(
        rank=row.rank,
        rank_lower=row.rank_lower,
        rank_upper=row.rank_upper,
        rating=row.rating,
        rating_lower=row.rating_lower,
        rating_upper=row.rating_upper,
        matches=int(row.matches),
        score=row.score or 0.0,
        reason="" if row.rank else row.reason,
        note=row.reason if row.rank else "",
    )


def _counts_votes(board: FrozenBoard) -> bool:
    return not board.judge or board.method == Board.Method.POWERED


def _lede(board: FrozenBoard, models: int) -> str:
    facts = board.facts
    if board.method == Board.Method.POWERED:
        opinions = f"{counted(facts['matches'], 'vote')} and the rulings of this judge"
    elif board.judge:
        opinions = f"rulings on {counted(facts['matches'], 'match', 'matches')}"
    else:
        opinions = f"{counted(facts['matches'], 'vote')} of {counted(facts['voters'], 'person', 'people')}"
    return f"{counted(models, 'model')}, ranked by {opinions}."
