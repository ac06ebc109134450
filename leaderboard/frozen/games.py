"""Tables of games as rows of a CSV file, and back. ``manage.py rate`` reads those of people."""

from collections.abc import Callable, Iterator, Sequence

from arena.shell import harmless
from leaderboard.frozen.inputs import PEOPLE, STYLES, Inputs
from leaderboard.frozen.tables import Columns, column_of, numbers_of

SIDES, PLAIN = ("model_a", "model_b"), ("prompt", "voter", "match")
# What stands for so many quarters of a point of model_a. A ruling's two orders are half of a game each: three
# quarters are half a win and half a tie.
WINNER = {4: ("model_a",), 2: ("tie",), 0: ("model_b",)}
SHARES = {
    4: ("1", "0", "0"),
    3: ("0.5", "0", "0.5"),
    2: ("0", "0", "1"),
    1: ("0", "0.5", "0.5"),
    0: ("0", "1", "0"),
}


class BadRow(ValueError):
    """A row that no table has; the message names it."""


def header_of(table: str, names: Sequence[str]) -> list[str]:
    """The first line of a table's file, which has these columns."""
    if table == STYLES:
        return ["match", *sorted(name for name in names if name.endswith(("_a", "_b")))]
    outcome = ["winner"] if table == PEOPLE else ["win", "loss", "tie"]
    return [*SIDES, *outcome, *(name for name in PLAIN if name in names)]


def lines_of(table: str, inputs: Inputs) -> Iterator[Sequence[object]]:
    """The names of a table's columns, then its rows."""
    rows = {name: numbers_of(column) for name, column in inputs.tables[table].items()}
    yield header_of(table, [*rows])
    if table == STYLES:
        yield from zip(*(rows[name] for name in header_of(table, [*rows])), strict=True)
        return
    labels = [harmless(model.slug) for model in inputs.models]
    words = WINNER if table == PEOPLE else SHARES
    played = zip(rows["first"], rows["second"], rows["quarters"], strict=True)
    beside = zip(*(rows[name] for name in PLAIN if name in rows), strict=True)
    for (first, second, quarters), rest in zip(played, beside, strict=True):
        yield (labels[first], labels[second], *words[quarters], *rest)


def read_table(table: str, inputs: Inputs, rows: Iterator[list[str]]) -> Columns:
    """The table that was written; ``inputs`` knows the models. Raises BadRow."""
    header = next(rows, [])
    if header != header_of(table, header) or len(set(header)) < len(header):
        raise BadRow(f"line 1: the columns must be {', '.join(header_of(table, PLAIN))}")
    names = header if table == STYLES else ["first", "second", "quarters", *(n for n in PLAIN if n in header)]
    read = _numbers if table == STYLES else _games(table, inputs)
    values: list[list[int]] = [[] for _ in names]
    for line, row in enumerate(rows, start=2):
        try:
            if len(row) != len(header):
                raise ValueError(f"{len(row)} values under {len(header)} names")
            for column, value in zip(values, read(row), strict=True):
                column.append(value)
        except (ValueError, KeyError) as error:
            raise BadRow(f"line {line:,}: {error}") from None
    return dict(zip(names, map(column_of, values), strict=True))


def _numbers(row: list[str]) -> list[int]:
    return [int(text) for text in row]


def _games(table: str, inputs: Inputs) -> Callable[[list[str]], list[int]]:
    place = {harmless(model.slug): at for at, model in enumerate(inputs.models)}
    words: dict[tuple[str, ...], int] = {
        outcome: quarters for quarters, outcome in (WINNER if table == PEOPLE else SHARES).items()
    }
    width = len(SIDES) + (1 if table == PEOPLE else 3)

    def read(row: list[str]) -> list[int]:
        outcome = tuple(row[len(SIDES) : width])
        return [place[row[0]], place[row[1]], words[outcome], *map(int, row[width:])]

    return read
