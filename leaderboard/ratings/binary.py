"""Games from columns of whole numbers, eight bytes each with the highest first, as a database sends them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from leaderboard.ratings.games import SHARES, Column, Games
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.shapes import Indices


def whole_numbers(column: bytes) -> Indices:
    """The numbers of one column."""
    return np.frombuffer(column, ">i8").astype(np.intp)


def read_counts(columns: Mapping[str, bytes], players: Iterable[int]) -> Matchups:
    """Counts of games with the columns ``low``, ``high``, ``quarters`` (of a point, of low) and ``games``.

    Raises ValueError for a player that is not among ``players``.
    """
    known = tuple(players)
    low, high = (_places(columns[name], known) for name in ("low", "high"))
    quarters, games = whole_numbers(columns["quarters"]), whole_numbers(columns["games"])
    return Matchups(known, low, high, quarters / SHARES, games.astype(np.float64))


def read_rows(columns: Mapping[str, bytes], players: Iterable[int]) -> Games:
    """Games one by one with the columns ``first``, ``second`` and ``quarters``, and labels by any other name.

    Raises ValueError for a player that is not among ``players``.
    """
    known = tuple(players)
    first, second = (_places(columns[name], known) for name in ("first", "second"))
    labels = {}
    for name in sorted(set(columns) - {"first", "second", "quarters"}):
        distinct, place = np.unique(whole_numbers(columns[name]), return_inverse=True)
        labels[name] = Column(tuple(distinct.tolist()), place)
    return Games(known, first, second, whole_numbers(columns["quarters"]).astype(np.int8), None, labels)


def add_styles(games: Games, columns: Mapping[str, bytes]) -> Games:
    """The games of the matches in ``match``, with the differences in style between their two answers.

    ``games`` has a column match, and its first player gave the answer a. Each property stands in ``NAME_a``
    and ``NAME_b``; its difference is taken over their sum, as ``read_games`` does. Properties that never
    differ are left out, for they explain nothing.
    """
    measured = whole_numbers(columns["match"])
    order = np.argsort(measured)
    matches, place = games.column("match")
    at = np.searchsorted(measured, np.array(matches, np.intp), sorter=order)
    at = order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else np.zeros(len(matches), np.intp)
    known = measured[at] == np.array(matches, np.intp) if len(order) else np.zeros(len(matches), bool)
    kept = games.take(known[place])
    row = at[kept.columns["match"].place]
    found = {}
    for name in dict.fromkeys(column.rpartition("_")[0] for column in columns if column != "match"):
        one, other = (whole_numbers(columns[f"{name}_{side}"])[row] for side in "ab")
        total = one + other
        difference = np.divide(one - other, total, out=np.zeros(len(row)), where=total > 0)
        if difference.any():
            found[name] = difference
    return replace(kept, covariates=found)


def _places(column: bytes, players: tuple[int, ...]) -> Indices:
    numbers, names = whole_numbers(column), np.array(players, np.intp)
    order = np.argsort(names)
    place = np.minimum(np.searchsorted(names, numbers, sorter=order), max(len(names) - 1, 0))
    found = order[place] if len(names) else place
    wrong = np.flatnonzero(names[found] != numbers) if len(names) else np.arange(len(numbers))
    if len(wrong):
        raise ValueError(f"row {wrong[0]}: {numbers[wrong[0]]} is not among the players")
    return found
