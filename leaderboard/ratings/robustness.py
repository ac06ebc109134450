"""How few votes, dropped, would change first place.

Huang et al. 2025 (arXiv 2508.11847): dropping a vote with score y, where p was predicted, moves the ratings
by H^-1 x (p - y) to first order. The votes that hold up the leader's lead over a challenger most are taken
first, until the approximation says that the lead is gone; then the board is fitted again without them, so
what is reported has happened. Fewer votes might do: the number is an upper bound on the smallest.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from leaderboard.ratings.bradley_terry import PairLikelihood
from leaderboard.ratings.connectivity import comparable_groups, main_group
from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import NotConverged, minimise
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.shapes import Floats, Indices, Mask

LIMIT = 0.05  # the largest share of the votes that is looked through
_APART = 1e-6  # natural units; closer than this, two players share a place


class Dropped(NamedTuple):
    """So many votes that were dropped, all of one result: the points of the first."""

    first: Hashable
    second: Hashable
    score: float
    votes: float


@dataclass(frozen=True, eq=False)
class Robustness:
    """The fewest votes found whose dropping puts another player first.

    ``leader`` is first with all ``total`` votes between rated players, ``challenger`` without the ``dropped``
    ones, ``votes`` in number and ``share`` of the total. All three are None when nothing was found among sets
    of up to ``limit`` of the total, which does not prove that there is none. A shared first place takes 0.
    """

    leader: Hashable | None
    challenger: Hashable | None
    votes: float | None
    share: float | None
    total: float
    limit: float
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, eq=False)
class Attempt:
    """Votes in the order in which to drop them (R,), those first that hold up the lead most."""

    games: Matchups
    order: Indices
    leader: int

    def left(self, votes: float) -> Floats:
        """The counts (R,) without the first so many votes."""
        count = self.games.count[self.order]
        before = np.cumsum(count) - count
        left = self.games.count.copy()
        left[self.order] -= np.clip(votes - before, 0, count)
        return left

    def first_after(self, votes: float) -> int | None:
        """Who is first in a refit without them, None when that board cannot be compared with this one."""
        left = self.left(votes)
        kept = left > 0
        games = self.games
        after = Matchups(games.players, games.first[kept], games.second[kept], games.score[kept], left[kept])
        try:
            main, theta = _fit(after)
        except NotConverged:
            return None
        if not main[self.leader]:
            return None
        best = int(np.nanargmax(theta))
        return best if theta[best] > theta[self.leader] + _APART else self.leader

    def fewest(self, guess: int, most: int) -> tuple[int, int] | None:
        """The fewest votes at which somebody else is first, and who; None up to ``most``."""
        high = min(guess, most)
        while (winner := self.first_after(high)) in (None, self.leader):
            if high >= most:
                return None
            high = min(most, max(high + 1, ceil(1.1 * high)))
        low = 0
        while high - low > 1:
            middle = (low + high) // 2
            found = self.first_after(middle)
            if found in (None, self.leader):
                low = middle
            else:
                high, winner = middle, found
        return (high, winner) if winner is not None else None


def first_place_robustness(matchups: Matchups, *, limit: float = LIMIT) -> Robustness:
    """Look for the fewest votes to drop, up to ``limit`` of them, that change who is first.

    Everybody who is rated is a possible challenger. Counts are numbers of votes, dropped one by one. A board
    on which dropping unrates the leader does not count as a change.

    Raises ValueError for a limit outside (0, 1), NotConverged when the board has no maximum.
    """
    if not 0 < limit < 1:
        raise ValueError(f"limit {limit:g} is not between 0 and 1")
    main, theta = _fit(matchups)
    games = _within(matchups, main)
    total = float(games.count.sum())
    none = Robustness(None, None, None, None, total, limit, ())
    if not main.any():
        return none
    leader = int(np.nanargmax(theta))
    none = replace(none, leader=matchups.players[leader])
    lead = theta[leader] - theta
    lead[leader] = np.nan
    nearest = int(np.nanargmin(lead))
    if lead[nearest] <= _APART:
        return replace(none, challenger=matchups.players[nearest], votes=0.0, share=0.0)
    best = _search(games, theta, leader, floor(limit * total))
    if best is None:
        return none
    attempt, (votes, challenger) = best
    return replace(
        none,
        challenger=matchups.players[challenger],
        votes=float(votes),
        share=votes / total,
        dropped=_dropped(games, games.count - attempt.left(votes)),
    )


def _search(games: Matchups, theta: Floats, leader: int, most: int) -> tuple[Attempt, tuple[int, int]] | None:
    best = None
    slopes = _slopes(games, theta)
    residual = games.score - expit(theta[games.first] - theta[games.second])
    promising = []
    for rival in np.flatnonzero(~np.isnan(theta)).tolist():
        effect = _effect(games, slopes[leader] - slopes[rival], residual)
        if rival != leader and effect.min() < 0:
            promising.append(((theta[leader] - theta[rival]) / -effect.min(), rival))
    for bound, rival in sorted(promising):
        if bound > most:  # even if each vote did as much as the strongest
            break
        effect = _effect(games, slopes[leader] - slopes[rival], residual)
        order = np.argsort(effect, kind="stable")
        guess = _needed(effect[order], games.count[order], theta[leader] - theta[rival])
        attempt = Attempt(games, order, leader)
        if guess <= most and (found := attempt.fewest(guess, most)):
            best, most = (attempt, found), found[0] - 1
    return best


def _needed(effect: Floats, count: Floats, lead: float) -> int:
    """How many votes, in this order, take the lead away to first order; more than all when none do."""
    useful = effect < 0
    effect, count = effect[useful], count[useful]
    gone = np.cumsum(-effect * count)
    at = int(np.searchsorted(gone, lead, side="right"))
    if at == len(gone):
        return floor(count.sum()) + 1
    before = gone[at] + effect[at] * count[at]
    return floor(count[:at].sum() + (lead - before) / -effect[at]) + 1


def _effect(games: Matchups, slope: Floats, residual: Floats) -> Floats:
    """By how much dropping one vote of each row (R,) moves the lead whose slope (K,) this is."""
    return -residual * (slope[games.first] - slope[games.second])


def _slopes(games: Matchups, theta: Floats) -> Floats:
    """H^-1 (K, K) over differences, zero for the unrated."""
    rated = ~np.isnan(theta)
    place = np.cumsum(rated) - 1
    win = expit(theta[games.first] - theta[games.second])
    curvature = games.count * win * (1 - win)
    size = int(np.count_nonzero(rated))
    slopes = np.zeros((len(theta), len(theta)))
    hessian = laplacian(place[games.first], place[games.second], curvature, size)
    slopes[np.ix_(rated, rated)] = inverse_over_differences(hessian)
    return slopes


def _fit(matchups: Matchups) -> tuple[Mask, Floats]:
    """Who is rated (K,), and natural strengths (K,), NaN for the others."""
    pairs = total_pairs(matchups)
    main = main_group(pairs, comparable_groups(pairs))
    theta = np.full(pairs.size, np.nan)
    if main.any():
        theta[main] = minimise(PairLikelihood(pairs.within(main)), np.zeros(np.count_nonzero(main))).theta
    return main, theta


def _within(matchups: Matchups, main: Mask) -> Matchups:
    kept = main[matchups.first] & main[matchups.second]
    columns = matchups.first[kept], matchups.second[kept], matchups.score[kept], matchups.count[kept]
    return Matchups(matchups.players, *columns)


def _dropped(games: Matchups, taken: Floats) -> tuple[Dropped, ...]:
    rows = np.flatnonzero(taken > 0)
    rows = rows[np.argsort(-taken[rows], kind="stable")]
    return tuple(
        Dropped(
            games.players[games.first[row]],
            games.players[games.second[row]],
            float(games.score[row]),
            float(taken[row]),
        )
        for row in rows.tolist()
    )
