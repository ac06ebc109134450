"""Votes with the rater who cast each: what checks of raters start from."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from leaderboard.ratings.games import Games
from leaderboard.ratings.judged_matches import label_places
from leaderboard.ratings.matchups import Labels, Matchups, encode
from leaderboard.ratings.shapes import Floats, Indices, Mask


@dataclass(frozen=True, eq=False)
class Votes:
    """R votes of V raters on games between K players.

    ``rater`` (R,) is a place in ``raters``; ``first`` and ``second`` (R,) are places in ``players``, first as
    the rater was shown them; ``score`` (R,) is the points of the first; ``match`` (R,) numbers the matches,
    since several raters may have seen the same.
    """

    players: tuple[Hashable, ...]
    raters: tuple[Hashable, ...]
    rater: Indices
    first: Indices
    second: Indices
    score: Floats
    match: Indices

    @classmethod
    def from_rows(
        cls,
        rater: Labels,
        first: Labels,
        second: Labels,
        score: ArrayLike,
        *,
        match: Labels | None = None,
        players: Iterable[Hashable] | None = None,
    ) -> "Votes":
        """Take labels as they come, a vote a row; ``match`` (R,) defaults to each vote on its own.

        Raises ValueError, naming the first bad row, as Matchups does.
        """
        rows = encode(first, second, score, players=players)
        number = len(rows.score)
        places = label_places(rater, number, "rater")
        names = tuple(dict.fromkeys(rater.tolist() if isinstance(rater, np.ndarray) else rater))
        unit = np.arange(number) if match is None else label_places(match, number, "match")
        return cls(rows.players, names, places, rows.first, rows.second, rows.score, unit)

    @classmethod
    def from_games(cls, games: Games) -> "Votes":
        """Votes of games with the columns ``voter``, ``match`` and ``shown``: 1 where first stood first."""
        shown = np.array(games.column("shown").labels, bool)[games.columns["shown"].place]
        voters, match = games.column("voter"), games.column("match")
        return cls(
            games.players,
            voters.labels,
            voters.place.astype(np.intp),
            np.where(shown, games.first, games.second),
            np.where(shown, games.second, games.first),
            np.where(shown, games.score, 1 - games.score),
            match.place.astype(np.intp),
        )

    def where(self, keep: Mask) -> "Votes":
        """Only the votes in ``keep`` (R,), of the same raters and players."""
        return Votes(
            self.players,
            self.raters,
            self.rater[keep],
            self.first[keep],
            self.second[keep],
            self.score[keep],
            self.match[keep],
        )

    def matchups(self) -> Matchups:
        """The games to rate, each vote one."""
        return Matchups(self.players, self.first, self.second, self.score, np.ones(len(self.score)))
