"""Pairs' totals laid out as squares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class PairTotal(NamedTuple):
    """What two players did against each other: how many ``games``, and the points of ``first`` in them."""

    first: int
    second: int
    games: int
    points: float


@dataclass(frozen=True)
class Matrix:
    """Row against column, in the order of ``players``: games, and the row's points in them."""

    players: tuple[int, ...]
    games: list[list[int]]
    points: list[list[float]]

    def share(self, row: int, column: int) -> float | None:
        """The row's share of the points; None where the two never met."""
        games = self.games[row][column]
        return self.points[row][column] / games if games else None

    @property
    def most(self) -> int:
        """The most games of one pair."""
        return max((count for row in self.games for count in row), default=0)

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(self.players) * (len(self.players) - 1) // 2

    @property
    def met(self) -> int:
        """How many of them met."""
        return sum(count > 0 for row in self.games for count in row) // 2


def matrix_of(players: Sequence[int], totals: Iterable[PairTotal]) -> Matrix:
    """Add up the totals of each pair, in whichever order it stands. Others than ``players`` are left out."""
    place = {player: number for number, player in enumerate(players)}
    games = [[0] * len(players) for _ in players]
    points = [[0.0] * len(players) for _ in players]
    for total in totals:
        row, column = place.get(total.first), place.get(total.second)
        if row is None or column is None:
            continue
        games[row][column] += total.games
        games[column][row] += total.games
        points[row][column] += total.points
        points[column][row] += total.games - total.points
    return Matrix(tuple(players), games, points)
