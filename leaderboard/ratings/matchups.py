"""Games between players as arrays: what every rating method of this package starts from."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leaderboard.ratings.shapes import Floats, Indices, Mask, group

Labels = Sequence[Hashable] | NDArray[Any]


class Encoded(NamedTuple):
    """Rows whose labels have become places in ``players``: first, second (R,); score (R,)."""

    players: tuple[Hashable, ...]
    first: Indices
    second: Indices
    score: Floats


@dataclass(frozen=True, eq=False)
class Matchups:
    """Games of K players in R rows; rows may repeat.

    ``first`` and ``second`` (R,) are places in ``players``; ``score`` (R,) is the points of the first, 1 for
    a win, 0 for a loss, anything between for a share (a tie is one half); ``count`` (R,) is how many games
    the row stands for, each an observation of its own. A match judged in both orders is one game whose
    score is the mean of the two.

    Raises ValueError, naming the first bad row (rows count from 0), for a player who meets itself, a score
    outside [0, 1], a count that is not positive and finite, and columns of different lengths.
    """

    players: tuple[Hashable, ...]
    first: Indices
    second: Indices
    score: Floats
    count: Floats

    def __post_init__(self) -> None:
        _check_lengths(first=self.first, second=self.second, score=self.score, count=self.count)
        size = len(self.players)
        for side in (self.first, self.second):
            _refuse((side < 0) | (side >= size), lambda row: f"no such place among {size} players")
        _check_games(self.players, self.first, self.second, self.score)
        _check_count(self.count)

    @classmethod
    def from_rows(
        cls,
        first: Labels,
        second: Labels,
        score: ArrayLike,
        count: ArrayLike | None = None,
        *,
        players: Iterable[Hashable] | None = None,
    ) -> "Matchups":
        """Take labels as they come, check every row, and join equal rows into one with their summed count.

        ``count`` defaults to 1 a row. ``players`` fixes their order and may name some without a game;
        by default they stand in order of first appearance (all of ``first``, then ``second``).
        """
        rows = encode(first, second, score, players=players)
        counts = None if count is None else np.asarray(count, np.float64)
        if counts is not None:
            _check_lengths(score=rows.score, count=counts)
            _check_count(counts)
        size = len(rows.players)
        levels, level = _score_levels(rows.score)
        key = (rows.first * size + rows.second) * len(levels) + level
        distinct, place = group(key, size * size * len(levels))
        total = np.bincount(place, counts, minlength=len(distinct)).astype(np.float64)
        pair, level = np.divmod(distinct, len(levels))
        return cls(rows.players, pair // size, pair % size, levels[level], total)

    def among(self, keep: Mask) -> "Matchups":
        """Only the players in ``keep`` (K,), renumbered, and only the games among them."""
        rows, place = keep[self.first] & keep[self.second], np.cumsum(keep) - 1
        players = tuple(player for player, kept in zip(self.players, keep.tolist(), strict=True) if kept)
        return Matchups(
            players, place[self.first[rows]], place[self.second[rows]], self.score[rows], self.count[rows]
        )


def encode(
    first: Labels, second: Labels, score: ArrayLike, *, players: Iterable[Hashable] | None = None
) -> Encoded:
    """Turn labels into places in ``players`` and check each row, keeping their number and order."""
    scores = np.asarray(score, np.float64)
    _check_lengths(first=first, second=second, score=scores)
    columns = [side.tolist() if isinstance(side, np.ndarray) else side for side in (first, second)]
    if players is None:
        known, (one, other) = _places(columns)
        _check_present(known, (one, other))
    else:
        known = tuple(players)
        one, other = _places_among(known, columns)
    _check_games(known, one, other, scores)
    return Encoded(known, one, other, scores)


def _places(columns: list[Sequence[Hashable]]) -> tuple[tuple[Hashable, ...], list[Indices]]:
    places: defaultdict[Hashable, int] = defaultdict()
    places.default_factory = places.__len__  # an unseen label takes the next place, without leaving C
    found = [np.fromiter(map(places.__getitem__, side), np.intp, len(side)) for side in columns]
    return tuple(places), found


def _places_among(players: tuple[Hashable, ...], columns: list[Sequence[Hashable]]) -> list[Indices]:
    places = {player: place for place, player in enumerate(players)}
    if len(places) < len(players):
        raise ValueError("players: the same label stands twice")
    try:
        return [np.fromiter(map(places.__getitem__, side), np.intp, len(side)) for side in columns]
    except KeyError:
        rows = chain.from_iterable(zip(*columns, strict=True))
        at, label = next((at, label) for at, label in enumerate(rows) if label not in places)
        raise ValueError(f"row {at // 2}: {label!r} is not among the players") from None


def _check_present(players: tuple[Hashable, ...], columns: tuple[Indices, Indices]) -> None:
    """Refuse None and NaN, the usual marks of a missing label (NaN alone differs from itself)."""
    for place, player in enumerate(players):
        if player is None or player != player:
            missing = place
            _refuse((columns[0] == missing) | (columns[1] == missing), lambda row: "the label is missing")


def _score_levels(score: Floats) -> tuple[Floats, Indices]:
    """The distinct scores and, for each row, its place among them."""
    quarters = score * 4
    whole = quarters.astype(np.intp)
    if np.array_equal(quarters, whole):  # the usual case, spared a sort: ties and means of two orders
        return np.arange(5) / 4, whole
    levels, place = np.unique(score, return_inverse=True)
    return levels, place


def _check_lengths(**columns: Sequence[Hashable] | NDArray[Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        stated = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"columns differ in length: {stated} (row {min(lengths.values())} is incomplete)")


def _check_games(players: tuple[Hashable, ...], first: Indices, second: Indices, score: Floats) -> None:
    _refuse(first == second, lambda row: f"{players[first[row]]!r} cannot meet itself")
    _refuse(~((score >= 0) & (score <= 1)), lambda row: f"score {score[row]:g} is outside [0, 1]")


def _check_count(count: Floats) -> None:
    _refuse(~((count > 0) & np.isfinite(count)), lambda row: f"count {count[row]:g} is not positive")


def _refuse(bad: Mask, reason: Callable[[int], str]) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"row {row}: {reason(row)}")
