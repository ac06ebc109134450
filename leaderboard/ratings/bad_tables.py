"""How a table that is no list of games is refused: one line, naming the row and the column."""

from collections.abc import Iterable, Sequence
from typing import Any

_LONGEST, _MOST = 60, 12  # characters of a value, names of columns
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "text",
    list: "a list",
    dict: "an object",
}


class BadTable(ValueError):
    """A table that is no list of games; ``row`` counts from 0 and is None where no row is to blame."""

    def __init__(self, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        self.problem, self.row, self.column = problem, row, column
        place = [f"row {row}"] if row is not None else []
        place += [f"column {column}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)


def shown(value: Any) -> str:
    """A value on one line, cut off where it is long."""
    return _cut(repr(value))


def kind_of(kind: type) -> str:
    return _KINDS.get(kind, kind.__name__)


def mixed(value: Any, kind: type) -> str:
    return f"{shown(value)} is {kind_of(type(value))} where the rows before have {kind_of(kind)}"


def check_names(names: Iterable[str], have: Sequence[Any], *, row: int | None = None) -> None:
    """Refuse the first of ``names`` that a table does not have, or has twice."""
    for name in names:
        if name not in have:
            raise BadTable(f"missing; there are: {listed(have)}", row=row, column=name)
        if have.count(name) > 1:
            raise BadTable("stands twice among the names: rename one", column=name)


def listed(names: Sequence[Any]) -> str:
    """The first of these names, in quotation marks where they could not be read otherwise."""
    few = [_cut(text) if _plain(text := str(name)) else shown(text) for name in names[:_MOST]]
    more = [f"and {len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*few, *more]) or "none"


def _plain(text: str) -> bool:
    return text.isprintable() and text != "" and text == text.strip()


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
