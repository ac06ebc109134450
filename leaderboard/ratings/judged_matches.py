"""Matches that people voted on, that a judge ruled on, or both: the start of powered ratings."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from leaderboard.ratings.games import Games
from leaderboard.ratings.matchups import Labels, encode
from leaderboard.ratings.shapes import Floats, Indices, Mask, add_up


@dataclass(frozen=True, eq=False)
class JudgedMatches:
    """N matches between K players; ``low < high`` (N,) are places in ``players``.

    ``people`` (N,) is the mean of the votes on the match and ``judge`` (N,) the judge's score, both as points
    of ``low`` in [0, 1] and NaN where there is none. ``prompt`` (N,) numbers the prompts from 0.
    """

    players: tuple[Hashable, ...]
    low: Indices
    high: Indices
    people: Floats
    judge: Floats
    prompt: Indices

    @classmethod
    def from_rows(
        cls,
        first: Labels,
        second: Labels,
        people: ArrayLike,
        judge: ArrayLike,
        *,
        match: Labels | None = None,
        prompt: Labels | None = None,
    ) -> "JudgedMatches":
        """Take R rows, and join those of one match into one unit with the mean of what they say.

        ``people`` and ``judge`` (R,) are points of ``first``, NaN (or None) where there are none. ``match``
        (R,) labels the match of a row, by default each row is one; ``prompt`` (R,) labels its prompt, by
        default all are alike.

        Raises ValueError, naming the first bad row (rows count from 0), for a player who meets itself, a
        score outside [0, 1], and a match whose rows differ in their players or prompts.
        """
        votes, rulings = np.asarray(people, np.float64), np.asarray(judge, np.float64)
        rows = encode(first, second, np.nan_to_num(votes, nan=0.5))
        encode(first, second, np.nan_to_num(rulings, nan=0.5))
        unit = np.arange(len(votes)) if match is None else label_places(match, len(votes), "match")
        asked = np.zeros(len(votes), np.intp)
        if prompt is not None:
            asked = label_places(prompt, len(votes), "prompt")
        return cls._join(rows.players, _Rows(rows.first, rows.second, votes, rulings, unit, asked))

    @classmethod
    def from_games(cls, people: Games, judge: Games) -> "JudgedMatches":
        """Join two sets of games by their columns ``match`` and ``prompt``; both have the same players.

        Raises ValueError when they do not, and as ``from_rows`` does.
        """
        if people.players != judge.players:
            raise ValueError("the games of people and judge differ in their players")
        sides = (people, judge)
        none = [np.full(len(side), np.nan) for side in sides]
        rows = _Rows(
            np.concatenate([side.first for side in sides]).astype(np.intp),
            np.concatenate([side.second for side in sides]).astype(np.intp),
            np.concatenate([people.score, none[1]]),
            np.concatenate([none[0], judge.score]),
            _joined_labels(sides, "match"),
            _joined_labels(sides, "prompt"),
        )
        return cls._join(people.players, rows)

    @classmethod
    def _join(cls, players: tuple[Hashable, ...], rows: "_Rows") -> "JudgedMatches":
        low, high = np.minimum(rows.first, rows.second), np.maximum(rows.first, rows.second)
        swapped = rows.first != low
        head = np.unique(rows.match, return_index=True)[1]
        for column, what in ((low, "pair"), (high, "pair"), (rows.prompt, "prompt")):
            _check_same(column, column[head][rows.match], what)
        votes, rulings = (np.where(swapped, 1 - score, score) for score in (rows.people, rows.judge))
        return cls(
            players,
            low[head],
            high[head],
            _mean_known(votes, rows.match, len(head)),
            _mean_known(rulings, rows.match, len(head)),
            rows.prompt[head],
        )

    @property
    def labelled(self) -> Mask:
        """Which matches (N,) people voted on."""
        return ~np.isnan(self.people)

    @property
    def judged(self) -> Mask:
        """Which matches (N,) the judge ruled on."""
        return ~np.isnan(self.judge)


class _Rows(NamedTuple):
    """R rows whose labels are numbered: match (R,) from 0 without gaps."""

    first: Indices
    second: Indices
    people: Floats
    judge: Floats
    match: Indices
    prompt: Indices


def _joined_labels(sides: tuple[Games, Games], name: str) -> Indices:
    """One numbering from 0 for the labels of a column of both."""
    labels = [np.array(side.column(name).labels, np.intp)[side.columns[name].place] for side in sides]
    return np.unique(np.concatenate(labels), return_inverse=True)[1]


def label_places(labels: Labels, rows: int, column: str) -> Indices:
    """Number the distinct labels (R,) from 0."""
    if len(labels) != rows:
        raise ValueError(f"columns differ in length: {column} {len(labels)}, scores {rows}")
    places: dict[Hashable, int] = {}
    plain = labels.tolist() if isinstance(labels, np.ndarray) else labels
    return np.fromiter((places.setdefault(label, len(places)) for label in plain), np.intp, rows)


def _mean_known(values: Floats, place: Indices, size: int) -> Floats:
    """Mean (size,) of the values (R,) that share a place, NaN where none is known."""
    known = ~np.isnan(values)
    number = add_up(place[known], np.ones(np.count_nonzero(known)), size)
    total = add_up(place[known], values[known], size)
    return np.divide(total, number, out=np.full(size, np.nan), where=number > 0)


def _check_same(column: Indices, expected: Indices, what: str) -> None:
    if (column != expected).any():
        raise ValueError(f"row {int((column != expected).argmax())}: another {what} in the same match")
