"""Raters whose votes do not go with the board: exact tests, with the false discovery rate controlled.

Each vote is compared with what the board of all other raters' votes predicts. Three questions are asked of a
rater, each with an exact p-value: do the votes lean to one side of the screen, do they follow the answers at
all, and do they lean to or from one model? The smallest, times the number of questions (Bonferroni), is the
rater's p-value, and Benjamini & Hochberg (1995) decide who is flagged: of those flagged, at most the stated
share is expected to be honest. A flag is a reason to look, not a proof: a rater of odd but honest taste, with
enough votes, is told apart too.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.shapes import Floats, Indices, Mask, add_up
from leaderboard.ratings.votes import Votes

_HALVES = 2  # scores are told apart to half a point, as ties need; finer ones are rounded
_STEPS = 4.0  # how finely the favourite test weighs leads, steps a natural unit ...
_HEAVIEST = 12  # ... up to this many

FIRST, SECOND = "leans to the answer shown first", "leans to the answer shown second"
ANSWERS = "does not follow the answers"
FOR, AGAINST = "leans to {player}", "leans against {player}"


class Flag(NamedTuple):
    """A flagged rater: votes tested, p-value (all questions together), why, points seen and expected."""

    rater: Hashable
    votes: int
    p_value: float
    reason: str
    points: float
    expected: float


@dataclass(frozen=True, eq=False)
class Anomalies:
    """What the test found among V raters; all arrays are (V,) in the order of ``raters``.

    ``p_value`` is NaN for a rater with fewer than the fewest votes between rated players, who is not tested.
    ``flagged`` controls the false discovery rate at ``rate``. ``reason`` is the question with the smallest
    p-value and its answer, '' for the untested; ``points`` and ``expected`` are what that question counts.
    """

    rate: float
    raters: tuple[Hashable, ...]
    votes: Indices
    p_value: Floats
    flagged: Mask
    reason: tuple[str, ...]
    points: Floats
    expected: Floats

    def flags(self) -> Iterator[Flag]:
        """The flagged raters, the surest first."""
        for place in np.argsort(self.p_value, kind="stable").tolist():
            if self.flagged[place]:
                yield Flag(
                    self.raters[place],
                    int(self.votes[place]),
                    float(self.p_value[place]),
                    self.reason[place],
                    float(self.points[place]),
                    float(self.expected[place]),
                )


class Answer(NamedTuple):
    """One question's p-value, what was found, the points counted and those expected."""

    p_value: float
    reason: str
    points: float
    expected: float


@dataclass(frozen=True, eq=False)
class Ballot:
    """One rater's N votes: half points (N,) of the first, 0 to 2, and their law (N, 3) without this rater."""

    first: Indices
    second: Indices
    halves: Indices
    law: Floats

    def lean_to_a_side(self) -> Answer:
        return _two_sided(tails(self.halves, self.law), (FIRST, SECOND))

    def follow_the_answers(self) -> Answer:
        """Points of the favourites, each weighted by how clear a favourite it is; too few is the sign."""
        lead = np.log((self.law @ [0, 0.5, 1]) / (self.law @ [1, 0.5, 0]))
        weight = np.minimum(np.ceil(np.abs(lead) * _STEPS), _HEAVIEST).astype(np.intp)
        favoured = lead < 0
        halves = np.where(favoured, _HALVES - self.halves, self.halves)
        law = np.where(favoured[:, None], self.law[:, ::-1], self.law)
        lower, _, _, _ = tails(halves, law, weight)
        return Answer(lower, ANSWERS, float(halves.sum()) / _HALVES, float((law @ [0, 0.5, 1]).sum()))

    def lean_to(self, player: int, name: Hashable) -> Answer:
        mine = (self.first == player) | (self.second == player)
        other = self.second[mine] == player
        halves = np.where(other, _HALVES - self.halves[mine], self.halves[mine])
        law = np.where(other[:, None], self.law[mine][:, ::-1], self.law[mine])
        reasons = FOR.format(player=name), AGAINST.format(player=name)
        return _two_sided(tails(halves, law), reasons)


def flag_raters(votes: Votes, *, rate: float = 0.05, fewest: int = 5) -> Anomalies:
    """Test every rater with at least ``fewest`` votes between rated players.

    A model is asked about when the rater voted on it at least ``fewest`` times. The board without a rater is
    one Newton step from the board of all. Ties are expected as often as all raters together give them.

    Raises ValueError for a rate outside (0, 1), NotConverged when the board has no maximum.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate {rate:g} is not between 0 and 1")
    size = len(votes.raters)
    theta = fit_bradley_terry(votes.matchups()).rating / POINTS_PER_NAT
    votes = votes.where(~np.isnan(theta[votes.first] + theta[votes.second]))
    law = _laws(votes, theta)
    number = np.bincount(votes.rater, minlength=size)
    order = np.argsort(votes.rater, kind="stable")
    answers = []
    for rows, count in zip(np.split(order, np.cumsum(number))[:size], number.tolist(), strict=True):
        halves = np.round(votes.score[rows] * _HALVES).astype(np.intp)
        ballot = Ballot(votes.first[rows], votes.second[rows], halves, law[rows])
        answers.append(_asked(ballot, votes.players, fewest) if count >= fewest else _UNTESTED)
    p_value = np.array([answer.p_value for answer in answers])
    return Anomalies(
        rate=rate,
        raters=votes.raters,
        votes=number.astype(np.intp),
        p_value=p_value,
        flagged=discoveries(p_value, rate),
        reason=tuple(answer.reason for answer in answers),
        points=np.array([answer.points for answer in answers]),
        expected=np.array([answer.expected for answer in answers]),
    )


def discoveries(p_value: Floats, rate: float) -> Mask:
    """Benjamini & Hochberg 1995: who is flagged (V,) at this false discovery rate; NaN is not a test."""
    tested = np.flatnonzero(~np.isnan(p_value))
    order = tested[np.argsort(p_value[tested], kind="stable")]
    below = np.flatnonzero(p_value[order] <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    flagged = np.zeros(len(p_value), bool)
    flagged[order[: below.max(initial=-1) + 1]] = True
    return flagged


def tails(halves: Indices, law: Floats, weight: Indices | None = None) -> tuple[float, float, float, float]:
    """Exact chances of a weighted sum of half points (N,) no higher, and no lower, than the one seen.

    ``law`` (N, 3) are the chances of 0, 1 and 2 halves, independent; also the sum and its mean, in points.
    """
    steps = np.ones(len(halves), np.intp) if weight is None else weight
    chances = np.ones(1)
    for step, (lost, even, won) in zip(steps.tolist(), law.tolist(), strict=True):
        wider = np.zeros(len(chances) + _HALVES * step)
        for at, chance in ((0, lost), (step, even), (2 * step, won)):
            wider[at : at + len(chances)] += chance * chances
        chances = wider
    seen = int(steps @ halves)
    mean = float(steps @ (law @ [0.0, 1.0, 2.0]))
    lower, upper = float(chances[: seen + 1].sum()), float(chances[seen:].sum())
    return min(lower, 1.0), min(upper, 1.0), seen / _HALVES, mean / _HALVES


_UNTESTED = Answer(np.nan, "", np.nan, np.nan)


def _two_sided(found: tuple[float, float, float, float], reasons: tuple[str, str]) -> Answer:
    (lower, upper, points, expected), (more, less) = found, reasons
    return Answer(min(1.0, 2 * min(lower, upper)), more if upper < lower else less, points, expected)


def _asked(ballot: Ballot, players: tuple[Hashable, ...], fewest: int) -> Answer:
    answers = [ballot.lean_to_a_side(), ballot.follow_the_answers()]
    met = np.bincount(np.concatenate([ballot.first, ballot.second]), minlength=len(players))
    answers += [ballot.lean_to(player, players[player]) for player in np.flatnonzero(met >= fewest).tolist()]
    best = min(answers, key=lambda answer: answer.p_value)
    return best._replace(p_value=min(1.0, len(answers) * best.p_value))


def _laws(votes: Votes, theta: Floats) -> Floats:
    """Chances (R, 3) that the first takes no, half or all of the point, by everyone but the rater."""
    win = expit(_leads_without_rater(votes, theta))
    closeness = 4 * win * (1 - win)
    even = np.abs(votes.score - 0.5) < 0.25  # what half points round to a tie
    share = even.sum() / max(closeness.sum(), 1e-12)
    tie = np.minimum(share * closeness, 2 * np.minimum(win, 1 - win) * (1 - 1e-9))
    return np.stack([1 - win - tie / 2, tie, win - tie / 2], axis=1)


def _leads_without_rater(votes: Votes, theta: Floats) -> Floats:
    """theta_first - theta_second (R,) on the board that the vote's own rater had no part in.

    Dropping a rater's score g moves the maximum by -H^-1 g, to first order in the rater's share.
    """
    rated = np.flatnonzero(~np.isnan(theta))
    place = np.zeros(len(theta), np.intp)
    place[rated] = np.arange(len(rated))
    first, second, size = place[votes.first], place[votes.second], len(rated)
    lead = theta[votes.first] - theta[votes.second]
    win = expit(lead)
    if not size:
        return lead
    inverse = inverse_over_differences(laplacian(first, second, win * (1 - win), size))
    residual = votes.score - win
    cells = votes.rater * size
    score = add_up(cells + first, residual, len(votes.raters) * size)
    score -= add_up(cells + second, residual, len(votes.raters) * size)
    moved = score.reshape(-1, size) @ inverse
    return lead - (moved[votes.rater, first] - moved[votes.rater, second])
