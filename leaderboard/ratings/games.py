"""Games one by one with what is known of each: who asked, on which prompt, how the two answers looked."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.shapes import Floats, Indices, Mask, group, grouped_sums

SHARES = 4  # points are kept in quarters: a tie is two of them, a mean of two orders one, two or three


class Column(NamedTuple):
    """One label a row: ``labels`` are the distinct ones, ``place`` (R,) each row's place among them."""

    labels: tuple[Hashable, ...]
    place: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Games:
    """R games, or cells of equal ones, between K players; ``read_games`` makes it from a table.

    ``first`` and ``second`` (R,) are places in ``players``, ``quarters`` (R,) the points of the first in
    quarters (0 a loss, 2 a tie, 4 a win), ``count`` (R,) how many games a row stands for (None: one each).
    ``columns`` are labels by name (prompt, voter, category), ``covariates`` are differences (R,) between the
    first answer and the second by name. Nothing is checked here: ``read_games`` and ``of`` do.
    """

    players: tuple[Hashable, ...]
    first: NDArray[Any]
    second: NDArray[Any]
    quarters: NDArray[np.int8]
    count: Floats | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    covariates: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.quarters)

    @property
    def score(self) -> Floats:
        """Points of the first (R,), in [0, 1]."""
        return self.quarters / SHARES

    def matchups(self) -> Matchups:
        """Equal games joined into one row with their count: all that a fit without covariates needs."""
        size, levels = len(self.players), np.flatnonzero(np.bincount(self.quarters, minlength=SHARES + 1))
        compact = np.zeros(SHARES + 1, np.intp)
        compact[levels] = np.arange(len(levels))
        key = self.first.astype(np.intp)
        key *= size
        key += self.second
        key *= max(len(levels), 1)
        key += compact[self.quarters]
        distinct, total = grouped_sums(key, self.count, size * size * len(levels))
        pair, level = np.divmod(distinct, max(len(levels), 1))
        first, second = np.divmod(pair, max(size, 1))
        return Matchups(self.players, first, second, levels[level] / SHARES, total)

    def take(self, rows: Mask | Indices) -> "Games":
        """Only these rows, of all players."""
        return replace(
            self,
            first=self.first[rows],
            second=self.second[rows],
            quarters=self.quarters[rows],
            count=None if self.count is None else self.count[rows],
            columns={
                name: Column(column.labels, column.place[rows]) for name, column in self.columns.items()
            },
            covariates={name: values[rows] for name, values in self.covariates.items()},
        )

    def among(self, keep: Mask) -> "Games":
        """Only the players in ``keep`` (K,), renumbered, and only the games among them."""
        if keep.all():
            return self
        place = np.cumsum(keep) - 1
        games = self.take(keep[self.first] & keep[self.second])
        players = tuple(player for player, kept in zip(self.players, keep.tolist(), strict=True) if kept)
        return replace(games, players=players, first=place[games.first], second=place[games.second])

    def column(self, name: str) -> Column:
        """A column of labels; raises ValueError, naming those there are, for another."""
        if name not in self.columns:
            raise ValueError(f"no column {name!r}; there are: {', '.join(self.columns) or 'none'}")
        return self.columns[name]

    def labelled(self, name: str, labels: Collection[Hashable]) -> "Games":
        """Only the rows whose label in a column is one of ``labels``."""
        column, wanted = self.column(name), set(labels)
        return self.take(np.array([label in wanted for label in column.labels], bool)[column.place])

    def number_of(self, name: str) -> int:
        """How many labels of a column have a row."""
        labels, place = self.column(name)
        return int(np.count_nonzero(np.bincount(place, minlength=len(labels))))

    def without_repeats(self, by: Sequence[str] = ("prompt", "voter")) -> "Games":
        """Only the first game of each unordered pair that agrees in the columns ``by``.

        The same voter on the same pair and prompt is one opinion, however often it was sent: taken twice, it
        would narrow the intervals without telling anything new. Cells with a count are left as they are.
        """
        if self.count is not None:
            return self
        size = len(self.players)
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        key, space = low.astype(np.intp) * size + high, size * size
        for name in by:
            labels, place = self.column(name)
            key, space = group(key, space).place * len(labels) + place, len(key) * len(labels)
        _, earliest = np.unique(key, return_index=True)
        return self if len(earliest) == len(self) else self.take(np.sort(earliest))

    def cells(self, *names: str) -> "Games":
        """Equal games with equal labels in the columns ``names`` as one row with their count.

        What clustered intervals need to keep of a history: cells of (cluster, pair, outcome), not pairs
        alone, since the scores that are summed by cluster depend on the ratings. Covariates and other
        columns are dropped.
        """
        size, kinds = len(self.players), SHARES + 1
        sizes = [*(len(self.column(name).labels) for name in names), size, size, kinds]
        key, space = np.zeros(len(self), np.intp), 1
        places = [*(self.columns[name].place for name in names), self.first, self.second, self.quarters]
        for place, each in zip(places, sizes, strict=True):
            key, space = key * each + place, space * each
        cell, total = grouped_sums(key, self.count, space)
        found = np.unravel_index(cell, sizes) if len(cell) else [cell] * len(sizes)
        columns = {name: Column(self.columns[name].labels, found[at]) for at, name in enumerate(names)}
        first, second, quarters = found[-3:]
        return Games(self.players, first, second, quarters.astype(np.int8), total, columns)

    def slices(self, name: str) -> Iterator[tuple[Hashable, Matchups]]:
        """Each label of a column with its games, all counted in one pass; every slice has all players."""
        labels, place = self.column(name)
        size, kinds = len(self.players), SHARES + 1
        key = ((place.astype(np.intp) * size + self.first) * size + self.second) * kinds + self.quarters
        cell, total = grouped_sums(key, self.count, len(labels) * size * size * kinds)
        ends = np.searchsorted(cell, np.arange(len(labels) + 1) * size * size * kinds)
        pair, quarters = np.divmod(cell, kinds)
        first, second = pair // max(size, 1) % max(size, 1), pair % max(size, 1)
        for label, start, end in zip(labels, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            own = slice(start, end)
            yield (
                label,
                Matchups(self.players, first[own], second[own], quarters[own] / SHARES, total[own]),
            )
