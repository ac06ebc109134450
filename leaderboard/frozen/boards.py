"""A board as it was, with everything that stands on it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from arena.shell import harmless
from leaderboard.frozen.inputs import Model


class FrozenStanding(NamedTuple):
    """One model's place; ``model`` is its number among the inputs' models. None is what is not known."""

    model: int
    rank: int | None
    rank_lower: int | None
    rank_upper: int | None
    joint_lower: int | None
    joint_upper: int | None
    tied_count: int
    rating: float | None
    rating_lower: float | None
    rating_upper: float | None
    score: float | None
    matches: float
    status: str
    reason: str


@dataclass(frozen=True)
class FrozenBoard:
    """A fit of the games of a source (``judge`` "": people) in a category ("": all) by a method.

    ``facts`` is what was fitted and found beside the places: counts, level, coefficients, the judge's weight.
    """

    judge: str
    category: str
    method: str
    facts: dict[str, Any]
    standings: tuple[FrozenStanding, ...] = field(repr=False)

    @property
    def source(self) -> str:
        if self.method == "ppi":
            return "people and judge"
        return "judge" if self.judge else "people"

    @property
    def title(self) -> str:
        parts = [self.judge or "people", self.method, self.category]
        return ", ".join(part for part in parts if part)


COLUMNS = ("model", "slug", "organisation", *FrozenStanding._fields[1:])


def cells_of(board: FrozenBoard, models: tuple[Model, ...]) -> Iterator[list[str]]:
    """The board's rows as the cells of a file: numbers with every digit, nothing for what is not known."""
    for row in board.standings:
        model = models[row.model]
        names = [harmless(text) for text in (model.name, model.slug, model.organisation)]
        yield [*names, *("" if value is None else str(value) for value in row[1:])]


def figures_of(facts: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each figure inside nested JSON with its place."""
    if isinstance(facts, dict):
        for key, value in facts.items():
            yield from figures_of(value, f"{name}.{key}" if name else key)
    elif isinstance(facts, list | tuple):
        for place, value in enumerate(facts):
            yield from figures_of(value, f"{name}.{place}")
    else:
        yield name, facts
