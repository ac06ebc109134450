"""Games summed by pair of players: all that a Bradley-Terry fit needs to know."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.shapes import Floats, Indices, Mask, add_up, group


@dataclass(frozen=True, eq=False)
class PairTotals:
    """Sums over the games of each of P pairs that met; ``low < high`` (P,) are places among ``size`` players.

    ``games`` (P,) is how many they played, ``won`` and ``lost`` (P,) the points of ``low`` and of ``high``,
    exactly zero when there are none; ``squares`` (P,) is the sum of the squared scores of ``low``, which with
    the others gives the sum of squared residuals at any rating.
    """

    size: int
    low: Indices
    high: Indices
    games: Floats
    won: Floats
    lost: Floats
    squares: Floats

    @cached_property
    def played(self) -> Floats:
        """Games of each player (K,)."""
        return self.by_player(self.games, self.games)

    def by_player(self, to_low: Floats, to_high: Floats) -> Floats:
        """Add up (K,) what each pair (P,) gives to its two players."""
        return add_up(self.low, to_low, self.size) + add_up(self.high, to_high, self.size)

    def laplacian(self, weight: Floats) -> Floats:
        """Sum over pairs of weight (e_low - e_high)(e_low - e_high)', (K, K), from one weight a pair (P,)."""
        matrix = np.zeros((self.size, self.size))
        matrix[self.low, self.high] = -weight
        matrix[self.high, self.low] = -weight
        np.fill_diagonal(matrix, self.by_player(weight, weight))
        return matrix

    def within(self, keep: Mask) -> "PairTotals":
        """Only the players in ``keep`` (K,), renumbered, and only the pairs among them."""
        if keep.all():
            return self
        pairs = keep[self.low] & keep[self.high]
        place = np.cumsum(keep) - 1
        return PairTotals(
            int(np.count_nonzero(keep)),
            place[self.low[pairs]],
            place[self.high[pairs]],
            self.games[pairs],
            self.won[pairs],
            self.lost[pairs],
            self.squares[pairs],
        )


def total_pairs(matchups: Matchups) -> PairTotals:
    """Sum the games of each unordered pair, seen from the player that stands earlier."""
    size = len(matchups.players)
    low = np.minimum(matchups.first, matchups.second)
    high = np.maximum(matchups.first, matchups.second)
    score = np.where(matchups.first == low, matchups.score, 1 - matchups.score)
    distinct, place = group(low * size + high, size * size)
    games, won, lost, squares = (
        add_up(place, matchups.count * each, len(distinct))
        for each in (np.ones(len(score)), score, 1 - score, score**2)
    )
    low, high = np.divmod(distinct, max(size, 1))
    return PairTotals(size, low, high, games, won, lost, squares)
