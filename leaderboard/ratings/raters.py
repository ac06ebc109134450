"""Raters checked: how far each agrees with the rest, and what a board is without some of them."""

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.intervals import normal_quantile
from leaderboard.ratings.results import Ratings
from leaderboard.ratings.shapes import Floats, Indices, add_up, group
from leaderboard.ratings.votes import Votes

_LEVELS = 1 << 20  # scores that differ by less than a millionth are the same verdict


@dataclass(frozen=True, eq=False)
class Reliability:
    """How far each of V raters agrees with the rest; all arrays are (V,) in the order of ``raters``.

    ``votes`` counts a rater's matches, ``shared`` those that somebody else rated too. ``agreement`` is the
    share of the other raters of the same match who gave the same verdict, averaged over shared matches:
    never with oneself. ``lower`` to ``upper`` is its interval of the stated ``level``; NaN without any.
    """

    level: float
    raters: tuple[Hashable, ...]
    votes: Floats
    shared: Floats
    agreement: Floats
    lower: Floats
    upper: Floats


class Move(NamedTuple):
    """A player whose place or rating differs between two boards; None is unrated."""

    player: Hashable
    rank_before: int | None
    rank_after: int | None
    rating_before: float | None
    rating_after: float | None


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The board with everybody and without some raters: ``raters`` of them, who cast ``votes``."""

    raters: int
    votes: int
    before: Ratings
    after: Ratings

    def moves(self) -> Iterator[Move]:
        """Players whose rank changes, in the order of the board with everybody."""
        after = {row.player: row for row in self.after.rows()}
        for old in self.before.rows():
            new = after[old.player]
            if old.rank != new.rank:
                yield Move(old.player, old.rank, new.rank, old.rating, new.rating)


def rater_reliability(votes: Votes, *, level: float = 0.95) -> Reliability:
    """Agreement of each rater with the others who saw the same matches.

    A verdict is first, second, tie, or any other share of points; a rater's repeated votes on a match count
    as one, the last. The interval is Wilson's (1927) with the shared matches as trials. A mean of shares
    varies no more than a share of yes and no, so it errs on the wide side, and never is without width.

    Raises ValueError for a level outside (0, 1).
    """
    quantile = normal_quantile(level)
    size = len(votes.raters)
    last = _last_of_each(votes)
    rater, match = votes.rater[last], votes.match[last]
    verdict = _verdicts(votes)[last]
    matches = int(match.max(initial=-1)) + 1
    seen = add_up(match, np.ones(len(match)), matches)
    choices = group(match * (_LEVELS + 1) + verdict, matches * (_LEVELS + 1))
    alike = add_up(choices.place, np.ones(len(match)), len(choices.keys))[choices.place] - 1
    others = seen[match] - 1
    some = others > 0
    shared = add_up(rater[some], np.ones(np.count_nonzero(some)), size)
    agreed = add_up(rater[some], alike[some] / others[some], size)
    mean = np.divide(agreed, shared, out=np.full(size, np.nan), where=shared > 0)
    lower, upper = wilson(mean, shared, quantile)
    total = add_up(rater, np.ones(len(rater)), size)
    return Reliability(level, votes.raters, total, shared, mean, lower, upper)


def wilson(share: Floats, trials: Floats, quantile: float) -> tuple[Floats, Floats]:
    """Wilson's score interval (1927) of shares (V,) of so many trials (V,), NaN without a trial."""
    number = np.where(trials > 0, trials, np.nan)
    middle = share + quantile**2 / (2 * number)
    half = quantile * np.sqrt(share * (1 - share) / number + quantile**2 / (4 * number**2))
    scale = 1 + quantile**2 / number
    return np.clip((middle - half) / scale, 0, 1), np.clip((middle + half) / scale, 0, 1)


def without_raters(votes: Votes, left_out: Collection[Hashable]) -> LeftOut:
    """Fit Bradley-Terry with everybody and again without the raters in ``left_out``.

    Raises ValueError for a rater who cast no vote, NotConverged when a fit has no maximum.
    """
    unknown = set(left_out) - set(votes.raters)
    if unknown:
        raise ValueError(f"{min(unknown, key=repr)!r} is not among the raters")
    out = np.array([rater in set(left_out) for rater in votes.raters], bool)[votes.rater]
    return LeftOut(
        raters=len(set(left_out)),
        votes=int(np.count_nonzero(out)),
        before=fit_bradley_terry(votes.matchups()),
        after=fit_bradley_terry(votes.where(~out).matchups()),
    )


def _last_of_each(votes: Votes) -> Indices:
    """The last row of each rater on each match."""
    space = len(votes.raters) * (int(votes.match.max(initial=-1)) + 1)
    place = group(votes.match * len(votes.raters) + votes.rater, space).place
    last = np.zeros(int(place.max(initial=-1)) + 1, np.intp)
    last[place] = np.arange(len(place))  # of repeated places the last assignment stays
    return last


def _verdicts(votes: Votes) -> Indices:
    """Each score (R,) as a whole number, seen from the player that stands earlier."""
    score = np.where(votes.first < votes.second, votes.score, 1 - votes.score)
    return np.round(score * _LEVELS).astype(np.intp)
