"""What a board's address asks for, and the rows that answer it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

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
BRADLEY_TERRY, ELO = Board.Method.BRADLEY_TERRY.value, Board.Method.ELO.value
STYLE, POWERED = Board.Method.STYLE.value, Board.Method.POWERED.value
ONE_BY_ONE, ALL_AT_ONCE = "", "all"  # what ranges of ranks hold for
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}")


@dataclass(frozen=True)
class BoardQuery:
    """The known parameters of /leaderboard/ and of the pages beside it, checked for shape.

    ``other`` is the address's "with"; ``method`` is empty for Bradley-Terry, which addresses leave out.
    ``start`` is the address's "from", where a hundred models begin; empty for the first few. ``ranks`` is
    empty for ranges that hold for one model at a time, which a page that shows no ranges leaves out too.
    """

    source: str = PEOPLE
    benchmark: str = ""
    category: str = ""
    method: str = ""
    view: str = ""
    other: str = ""
    format: str = ""
    start: str = ""
    ranks: str = ONE_BY_ONE
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
            ranks=params.get("ranks") or ONE_BY_ONE,
            page=page,
        )
        if not query._can_be():
            raise no_such("board", "The address names something that no board has.")
        query = replace(query, method="" if query.method == BRADLEY_TERRY else query.method)
        other = query.other if query.view else ""
        return replace(query, other=other, ranks=query.ranks if query._has_ranges() else ONE_BY_ONE)

    def _can_be(self) -> bool:
        slugs = (self.source, self.benchmark or "x", self.other or "x")
        return (
            all(SLUG.fullmatch(slug) for slug in slugs)
            and self.view in ("", SIDE_BY_SIDE)
            and self.format in FORMATS
            and START.fullmatch(self.start) is not None
            and self.method in Board.Method.values
            and self.ranks in (ONE_BY_ONE, ALL_AT_ONCE)
            and len(self.category) <= 60
            and self.category.isprintable()
        )

    def _has_ranges(self) -> bool:
        """Whether its page shows one kind of ranges of ranks, to choose from two."""
        return self.page == BOARD and not self.view and not self.format and self.method != ELO

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
            "ranks": query.ranks if query._has_ranges() else "",
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
    """Whose opinions a board is fitted on: people (``judge`` None), a judge, or both (``powered``)."""

    judge: Judge | None
    board: Board | None
    figures: Figures | None
    powered: bool = False

    @property
    def slug(self) -> str:
        return self.judge.slug if self.judge else PEOPLE

    @property
    def counts_votes(self) -> bool:
        """Whether its board rests on people's votes."""
        return self.judge is None or self.powered

    @property
    def name(self) -> str:
        if self.powered:
            return f"People + {self.judge}"
        return str(self.judge) if self.judge else "People"

    @property
    def inline(self) -> str:
        """The name inside a sentence."""
        if self.powered:
            return f"people with {self.judge}"
        return str(self.judge) if self.judge else "people"


@dataclass(frozen=True)
class Scope:
    """One benchmark and category with every source that has a board on it, best judge first.

    ``sources`` have boards by the address's method; those by the powered one stand after people's own board.
    ``plain`` have a board as is. ``methods`` holds (a judge's id or None, method) of every board there is.
    """

    benchmark: Benchmark
    benchmarks: list[Benchmark]
    categories: list[str]
    sources: list[Source]
    plain: list[Source]
    methods: frozenset[tuple[int | None, str]]
    figures: list[Figures]

    @property
    def people(self) -> Source:
        return self.sources[0]

    @property
    def judges(self) -> list[Source]:
        return self.sources[1:]

    def source(self, query: BoardQuery, slug: str = "") -> Source:
        """The source of an address; a judge without a board here still is one. Raises NotHere.

        The board of people and a judge needs one: the best, where the address names none.
        """
        wanted, is_powered = slug or query.source, query.method == POWERED
        if is_powered and wanted == PEOPLE and not query.view:
            return next(iter(self.judges), Source(None, None, None))
        known = next((source for source in self.sources if source.slug == wanted), None)
        if known:
            return known
        judge = Judge.objects.filter(slug=wanted).first()
        if judge is None:
            raise no_such("source", f"No judge is called “{wanted}”.")
        figures = next((row for row in self.figures if row.judge == judge), None)
        return Source(judge, None, figures, is_powered)

    def as_is(self, source: Source) -> Source | None:
        """The same source's board by Bradley-Terry, if it has one."""
        return next((each for each in self.plain if each.slug == source.slug and each.board), None)

    def counterpart(self, source: Source) -> Source | None:
        """The source to compare with: the best judge for people, people for a judge."""
        others = self.judges if source.judge is None else [self.people, *self.judges]
        return next((other for other in others if other.board and other.slug != source.slug), None)

    def has(self, source: Source, method: str) -> bool:
        """Whether the source, or people with it, has a board by a method; empty is Bradley-Terry."""
        return (source.judge.pk if source.judge else None, method or BRADLEY_TERRY) in self.methods


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
    boards = list(Board.objects.of_scope(benchmark, query.category))
    figures = figures_of(benchmark)
    plain = _sources(boards, BRADLEY_TERRY, figures)
    return Scope(
        benchmark=benchmark,
        benchmarks=benchmarks,
        categories=categories,
        sources=_sources(boards, query.method, figures) if query.method else plain,
        plain=plain,
        methods=frozenset((board.judge_id, board.method) for board in boards),
        figures=figures,
    )


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


def _sources(boards: list[Board], method: str, figures: list[Figures]) -> list[Source]:
    """People, then judges with a board by a method: those with figures in their order, others by name.

    People alone have no board by the powered method: lambda 0 is their own board.
    """
    found = {board.judge_id: board for board in boards if board.method == method}
    powered = method == POWERED
    if powered:
        people = [board for board in boards if (board.judge, board.method) == (None, BRADLEY_TERRY)]
        found |= {board.judge_id: board for board in people}
    sources = [Source(None, found.get(None), None)]
    for row in figures:
        if row.judge.pk in found:
            sources.append(Source(row.judge, found[row.judge.pk], row, powered))
    known = {source.judge for source in sources}
    for board in found.values():
        if board.judge is not None and board.judge not in known:
            sources.append(Source(board.judge, board, None, powered))
    return sources
