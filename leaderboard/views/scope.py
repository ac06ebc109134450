"""What a board's address asks for, and the rows that answer it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from arena.models import Benchmark
from judging.models import Judge
from leaderboard.models import Board
from leaderboard.views.cached import NotHere
from leaderboard.views.figures import Figures, figures_of

PEOPLE = "people"
BOARD, CHARTS = "leaderboard", "charts"  # the pages of a board, by the names of their addresses
SIDE_BY_SIDE = "side-by-side"
FORMATS = ("", "csv", "json")
FEW, MANY = 30, 100  # models on a chart: the first of all, or a hundred of them
START = re.compile(r"(1|[1-9][0-9]{0,3}01)?")
ELO = Board.Method.ELO.value
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}")


@dataclass(frozen=True)
class BoardQuery:
    """The known parameters of /leaderboard/ and of the pages beside it, checked for shape.

    ``other`` is the address's "with"; ``method`` is empty for Bradley-Terry, which addresses leave out.
    ``start`` is the address's "from", where a hundred models begin; empty for the first few.
    """

    source: str = PEOPLE
    benchmark: str = ""
    category: str = ""
    method: str = ""
    view: str = ""
    other: str = ""
    format: str = ""
    start: str = ""
    page: str = BOARD

    @classmethod
    def read(cls, params: Mapping[str, str], page: str = BOARD) -> "BoardQuery":
        """Drop unknown parameters; raise NotHere for values that no page can have."""
        query = cls(
            source=params.get("source") or PEOPLE,
            benchmark=params.get("benchmark") or "",
            category=params.get("category") or "",
            method=params.get("method") or Board.Method.BRADLEY_TERRY,
            view=params.get("view") or "" if page == BOARD else "",
            other=params.get("with") or "",
            format=params.get("format") or "" if page == BOARD else "",
            start=params.get("from") or "" if page == CHARTS else "",
            page=page,
        )
        if not query._can_be():
            raise no_such("board", "The address names something that no board has.")
        method = ELO if query.method == ELO else ""
        return replace(query, method=method, other=query.other if query.view else "")

    def _can_be(self) -> bool:
        slugs = (self.source, self.benchmark or "x", self.other or "x")
        return (
            all(SLUG.fullmatch(slug) for slug in slugs)
            and self.view in ("", SIDE_BY_SIDE)
            and self.format in FORMATS
            and START.fullmatch(self.start) is not None
            and self.method in Board.Method.values
            and len(self.category) <= 60
            and self.category.isprintable()
        )

    def url(self, **changes: str) -> str:
        """This page's address with some parameters changed; defaults are left out."""
        query = replace(self, **changes)
        pairs = {
            "source": query.source if query.source != PEOPLE else "",
            "benchmark": query.benchmark,
            "category": query.category,
            "method": query.method,
            "view": query.view,
            "with": query.other if query.view else "",
            "format": query.format,
            "from": query.start,
        }
        given = urlencode({name: value for name, value in pairs.items() if value})
        return reverse(query.page) + (f"?{given}" if given else "")

    @property
    def place(self) -> str:
        """Where the forms of this page lead."""
        return reverse(self.page)


def no_such(thing: str, sentence: str) -> NotHere:
    return NotHere(f"No such {thing}", sentence, reverse("leaderboard"), "See the leaderboard")


@dataclass(frozen=True)
class Source:
    """Whose opinions a board is fitted on: people (``judge`` None) or a judge."""

    judge: Judge | None
    board: Board | None
    figures: Figures | None

    @property
    def slug(self) -> str:
        return self.judge.slug if self.judge else PEOPLE

    @property
    def name(self) -> str:
        return str(self.judge) if self.judge else "People"

    @property
    def inline(self) -> str:
        """The name inside a sentence."""
        return str(self.judge) if self.judge else "people"


@dataclass(frozen=True)
class Scope:
    """One benchmark and category with every source that has a board on it, best judge first."""

    benchmark: Benchmark
    benchmarks: list[Benchmark]
    categories: list[str]
    sources: list[Source]
    figures: list[Figures]

    @property
    def people(self) -> Source:
        return self.sources[0]

    @property
    def judges(self) -> list[Source]:
        return self.sources[1:]

    def source(self, slug: str) -> Source:
        """The source of an address; a judge without a board here still is one. Raises NotHere."""
        known = next((source for source in self.sources if source.slug == slug), None)
        if known:
            return known
        judge = Judge.objects.filter(slug=slug).first()
        if judge is None:
            raise no_such("source", f"No judge is called “{slug}”.")
        return Source(judge, None, next((row for row in self.figures if row.judge == judge), None))

    def counterpart(self, source: Source) -> Source | None:
        """The source to compare with: the best judge for people, people for a judge."""
        others = self.judges if source.judge is None else [self.people, *self.judges]
        return next((other for other in others if other.board and other.slug != source.slug), None)


def load_scope(query: BoardQuery) -> Scope | None:
    """Read what the query names. None when there is no benchmark at all; NotHere for unknown names."""
    benchmarks = list(Benchmark.objects.all())
    if not benchmarks:
        if query.benchmark:
            raise no_such("benchmark", f"There is no benchmark “{query.benchmark}”.")
        return None
    benchmark = choose_benchmark(benchmarks, query.benchmark)
    categories = benchmark.categories()
    if query.category and query.category not in categories:
        raise NotHere(
            "No such category",
            f"{benchmark} has no category “{query.category}”.",
            benchmark.get_absolute_url(),
            f"See the whole board of {benchmark}",
        )
    boards = {board.judge_id: board for board in _boards(benchmark, query)}
    figures = figures_of(benchmark)
    return Scope(benchmark, benchmarks, categories, _sources(boards, figures), figures)


def _boards(benchmark: Benchmark, query: BoardQuery) -> QuerySet[Board]:
    """One board per source by the method of the address."""
    if query.method != ELO:
        return Board.objects.of_scope(benchmark, query.category)
    boards = Board.objects.filter(benchmark=benchmark, category=query.category, method=ELO)
    return boards.select_related("judge").order_by("judge__name", "judge__version")


def choose_benchmark(benchmarks: list[Benchmark], slug: str) -> Benchmark:
    """The named benchmark; else the first open one with a board, the first with one, the first."""
    if slug:
        for benchmark in benchmarks:
            if benchmark.slug == slug:
                return benchmark
        raise no_such("benchmark", f"There is no benchmark “{slug}”.")
    with_board = set(Board.objects.overall().values_list("benchmark_id", flat=True))
    rated = [benchmark for benchmark in benchmarks if benchmark.pk in with_board]
    return next((benchmark for benchmark in rated if benchmark.is_open), (rated or benchmarks)[0])


def _sources(boards: dict[int | None, Board], figures: list[Figures]) -> list[Source]:
    """People, then judges with a board: those with figures in their order, the others by name."""
    sources = [Source(None, boards.get(None), None)]
    for row in figures:
        if row.judge.pk in boards:
            sources.append(Source(row.judge, boards[row.judge.pk], row))
    known = {source.judge for source in sources}
    for board in boards.values():
        if board.judge is not None and board.judge not in known:
            sources.append(Source(board.judge, board, None))
    return sources
