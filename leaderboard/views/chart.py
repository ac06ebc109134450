"""A chart as pages show it: the figure, a sentence and the same numbers as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leaderboard import charts
from leaderboard.views.formats import NBSP

WRITTEN = 14  # rows up to which the numbers are written into the squares
LEAST = {True: 28, False: 21}  # pixels of a square, with numbers or without: on less room the chart scrolls
WHOLE = (f"0{NBSP}%", f"100{NBSP}%")
NAMES = 120  # pixels of the names beside it, where there is little room


@dataclass(frozen=True)
class Column:
    """``spoken`` is read out in place of ``words``, where given."""

    words: str
    spoken: str = ""


@dataclass(frozen=True)
class Line:
    """A table's row: its heading, where that leads, and its cells; ``place`` counts the rows of a matrix."""

    head: str
    href: str
    cells: Sequence[str]
    place: int | None = None


@dataclass(frozen=True)
class Chart:
    """``told`` says in a sentence what is seen, ``note`` how to read it."""

    key: str
    heading: str
    told: str
    note: str
    figure: charts.Figure
    corner: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    least_width: int = 0
    scale: Sequence[str] = ()  # what the two ends of the colours mean

    @property
    def height(self) -> int:
        return self.figure["layout"]["height"]

    @property
    def figure_id(self) -> str:
        return f"{self.key}-figure"

    @property
    def is_halved(self) -> bool:
        """Whether the colours part at the middle."""
        return len(self.figure["data"][0].get("colorscale", ())) == 3


@dataclass(frozen=True)
class Named:
    """A row and column of a matrix."""

    name: str
    href: str


def squares(count: int, cell_at: Callable[[int, int], charts.Cell]) -> list[list[charts.Cell]]:
    return [[cell_at(row, column) for column in range(count)] for row in range(count)]


def matrix(
    words: dict[str, str],
    named: Sequence[Named],
    cells: Sequence[Sequence[charts.Cell]],
    *,
    colours: Sequence[str],
    high: float,
    scale: tuple[str, str],
) -> Chart:
    """A chart of squares; ``words`` are the Chart's own fields key, heading, told, note and corner."""
    names = [each.name for each in named]
    written = len(names) <= WRITTEN
    figure = charts.matrix_figure(names, cells, colours=colours, high=high, written=written)
    return Chart(
        **words,
        figure=figure,
        columns=[Column(str(place), name) for place, name in enumerate(names, start=1)],
        lines=[
            Line(each.name, each.href, [cell.words for cell in row], place)
            for place, (each, row) in enumerate(zip(named, cells, strict=True), start=1)
        ],
        least_width=NAMES + LEAST[written] * len(names),
        scale=scale,
    )
