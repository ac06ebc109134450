"""Fit an exported snapshot again, from the export alone, and compare every figure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple

from leaderboard.frozen import FrozenBoard, Inputs, cells_of
from leaderboard.frozen.boards import COLUMNS, figures_of
from leaderboard.frozen.export import Export, ExportedBoard
from leaderboard.services.freezing import Fitter
from leaderboard.services.software import read_software

Progress = Callable[[str], None]
MISSING = "nothing"


class Difference(NamedTuple):
    """A figure that came out otherwise, as text, and where it stands."""

    where: str
    recorded: str
    fitted: str

    @property
    def size(self) -> float | None:
        """How far apart two numbers are; None for anything else."""
        try:
            return abs(float(self.recorded) - float(self.fitted))
        except ValueError:
            return None


@dataclass
class Checked:
    """How many boards and figures were compared, and which figures differ."""

    boards: int = 0
    figures: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def largest(self) -> float:
        """The largest difference of two numbers."""
        return max((each.size for each in self.differences if each.size is not None), default=0.0)


def check_export(export: Export, *, progress: Progress = lambda _: None) -> Checked:
    """Fit every board of an export again. Asks no database."""
    found = Checked()
    for benchmark in export.benchmarks:
        fitter = Fitter(benchmark.inputs)
        for board in benchmark.boards:
            where = f"{benchmark.inputs.slug}, {', '.join(_names(board))}"
            progress(where)
            found.boards += 1
            again = fitter.fit(board.judge, board.category, board.method)
            for name, recorded, fitted in _pairs(board, again, benchmark.inputs):
                found.figures += 1
                if recorded != fitted:
                    found.differences.append(Difference(f"{where}, {name}", recorded, fitted))
    return found


def other_software(export: Export) -> list[str]:
    """How what fitted the export differs from what runs here, one line a difference."""
    here = read_software()
    recorded = export.index.get("software", {})
    return [
        f"{name} {recorded[name] or 'unknown'}, here {here.get(name) or 'unknown'}"
        for name in recorded
        if recorded[name] != here.get(name)
    ]


def _names(board: ExportedBoard) -> list[str]:
    return [name for name in (board.judge or "people", board.method, board.category) if name]


def _pairs(
    recorded: ExportedBoard, again: FrozenBoard | None, inputs: Inputs
) -> Iterator[tuple[str, str, str]]:
    """(place, recorded, fitted) of every figure that either has."""
    facts = dict(figures_of(again.facts if again else {}))
    for name, value in figures_of(recorded.facts):
        yield name, _text(value), _text(facts.pop(name, MISSING))
    for name, value in facts.items():
        yield name, MISSING, _text(value)
    rows = cells_of(again, inputs.models) if again else iter(())
    none: list[str] = []
    for line, (one, other) in enumerate(zip_longest(recorded.rows, rows, fillvalue=none), start=1):
        named = (one or other)[:1]
        for column, left, right in zip_longest(COLUMNS, one, other, fillvalue=MISSING):
            yield f"line {line} ({''.join(named)}), {column}", left, right


def _text(value: Any) -> str:
    return "" if value is None else str(value)
