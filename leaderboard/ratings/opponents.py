"""Whom one player should meet next, so that its differences to all others become sure with the fewest games.

A-optimal design for one player: D is the covariance of the differences between the player and each of the
others; its trace, over their number, is their mean variance. A game with opponent i, won with probability p,
adds information w = p (1 - p) about difference i and turns D into D - w d d' / (1 + w D_ii), d its column i.
The opponent that lowers the trace most, by w |d|^2 / (1 + w D_ii), comes next; then D is brought up to date.

All differences of the board, which ``choose_pairs`` goes by, are the wrong measure here: of many models each
counts alike, so that the player meets opponents for the opponents' sake. Simulated among 1,000 models its own
interval came out wider than by even turns (``python -m tests.benchmarks.newcomers``).
"""

from collections.abc import Hashable, Mapping
from math import pi
from typing import Any

import numpy as np
from scipy.special import expit

from leaderboard.ratings.next_pairs import Policy
from leaderboard.ratings.results import POINTS_PER_NAT, Ratings
from leaderboard.ratings.shapes import Floats, Indices


def choose_opponents(
    ratings: Ratings,
    player: Hashable,
    room: Mapping[Any, int],
    count: int,
    *,
    policy: Policy | None = None,
) -> tuple[Hashable, ...]:
    """Opponents for ``count`` games of one player, in the order to play them, or fewer without more ``room``.

    ``room`` is how many more games the player can have with each opponent, all of them among the players of
    ``ratings``; nobody counts as its own opponent. The player itself must be rated: averaged over all that an
    unknown one may be, opponents in the middle look best, and simulated that is worse than even turns. The
    unrated are met by chance alone, since nothing says where they stand. Of ``policy`` only the exploration
    and the seed matter.

    Raises ValueError for a player without a rating, or whose rating has no variance, and for an exploration
    outside [0, 1].
    """
    policy = policy or Policy()
    if not 0 <= policy.explore <= 1:
        raise ValueError(f"explore {policy.explore:g} is not between 0 and 1")
    place = {each: at for at, each in enumerate(ratings.players)}
    covariance = _covariance(ratings)
    known = ~np.isnan(np.diagonal(covariance))
    if player not in place or not known[place[player]]:
        raise ValueError(f"{player!r} is not rated with a variance")
    mine = place[player]
    left = np.zeros(len(place), np.intp)
    for rival, games in room.items():
        left[place[rival]] = games if rival != player else 0
    known[mine] = False
    others = np.flatnonzero(known)
    search = _Search(ratings.rating / POINTS_PER_NAT, covariance, mine, others)
    rng = np.random.default_rng(policy.seed)
    picks: list[int] = []
    while len(picks) < count and (left > 0).any():
        surest = left[others] > 0
        if rng.random() < policy.explore or not surest.any():
            pick = int(rng.choice(np.flatnonzero(left > 0)))
        else:
            pick = int(others[np.where(surest, search.gain(), -1.0).argmax()])
        if known[pick]:
            search.play(int(np.searchsorted(others, pick)))
        left[pick] -= 1
        picks.append(pick)
    return tuple(ratings.players[pick] for pick in picks)


class _Search:
    """What greedy choice keeps up to date: D (Q, Q) of the Q rated others; ``weight`` (Q,) of a game."""

    def __init__(self, theta: Floats, covariance: Floats, mine: int, others: Indices) -> None:
        shared = covariance[others, mine]
        inside = covariance[np.ix_(others, others)]
        self.differences = inside - shared[:, None] - shared[None, :] + covariance[mine, mine]
        # An uncertain lead is, averaged over what it may be, a smaller one (MacKay 1992).
        spread = np.sqrt(1 + pi / 8 * np.diagonal(self.differences))
        win = expit((theta[mine] - theta[others]) / spread)
        self.weight = win * (1 - win)

    def gain(self) -> Floats:
        """By how much a game with each opponent (Q,) would lower the trace."""
        reach = np.einsum("ij,ij->i", self.differences, self.differences)
        return self.weight * reach / (1 + self.weight * np.diagonal(self.differences))

    def play(self, opponent: int) -> None:
        """Bring D up to date with one game."""
        column = self.differences[:, opponent].copy()
        share = self.weight[opponent] / (1 + self.weight[opponent] * column[opponent])
        self.differences -= share * np.outer(column, column)


def _covariance(ratings: Ratings) -> Floats:
    """In natural units, NaN where unknown."""
    if ratings.covariance is None:
        return np.full((len(ratings.players),) * 2, np.nan)
    return ratings.covariance / POINTS_PER_NAT**2
