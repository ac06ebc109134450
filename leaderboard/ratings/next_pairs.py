"""Which pairs to play next, so that all differences of ratings become sure with the fewest games.

A-optimal design: the mean variance of the K (K - 1) / 2 differences is 2 / (K - 1) times the trace of the
covariance C in the sum-zero gauge. A game between i and j, won with probability p, adds information
w = p (1 - p) and turns C into C - w c c' / (1 + w v), where c = C (e_i - e_j) and v = (e_i - e_j)' c. The
pair that lowers the trace most, by w |c|^2 / (1 + w v), comes next; then C is brought up to date, and so on.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from scipy.special import expit

from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.shapes import Floats, Indices, Mask

FEW_GAMES, BY_CHANCE, SUREST = "few games", "by chance", "surest"
_UNKNOWN = 350 / POINTS_PER_NAT  # spread of a model nobody knows, in natural units
_NEAREST = 8  # candidates of each model: so many neighbours on the board above, and as many by chance
_ROWS = 1000  # of a table of differences held at a time


@dataclass(frozen=True)
class Policy:
    """How pairs are chosen.

    ``fewest`` games each model gets first, the one with the fewest before others; after that a share
    ``explore`` of the picks is drawn evenly from all candidates, since a covariance may be wrong. At most
    ``candidates`` pairs are looked at: all of them up to 200 models, with more those of the least known
    models with neighbours and with others by chance. ``seed`` makes the chance repeatable.
    """

    fewest: float = 20.0
    explore: float = 0.1
    candidates: int = 20_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class NextPairs:
    """Pairs in the order to play them: ``first`` and ``second`` (N,) are places, ``reason`` (N,) why.

    ``before`` and ``after`` are the mean variance of a difference of two ratings, in squared points, now and
    as expected with these games, a model nobody knows having a spread of 350 points.
    """

    first: Indices
    second: Indices
    reason: tuple[str, ...]
    before: float
    after: float


class Search:
    """What greedy choice keeps up to date for Q candidate pairs: ``variance`` and ``reach`` |c|^2, (Q,)."""

    def __init__(self, covariance: Floats, rating: Floats, low: Indices, high: Indices) -> None:
        self.low, self.high = low, high
        self.start = covariance
        self.trace = float(np.trace(covariance))
        spread = np.diagonal(covariance)
        self.variance = spread[low] + spread[high] - 2 * covariance[low, high]
        self.reach = _reach(covariance, low, high)
        # An uncertain lead is, averaged over what it may be, a smaller one (MacKay 1992).
        win = expit((rating[low] - rating[high]) / np.sqrt(1 + pi / 8 * self.variance))
        self.weight = win * (1 - win)
        self.shares = np.zeros(0)
        self.played = np.zeros((0, len(covariance)))

    def gain(self) -> Floats:
        """By how much each candidate (Q,) would lower the trace."""
        return self.weight * self.reach / (1 + self.weight * self.variance)

    def play(self, pair: int) -> None:
        """Bring everything up to date with one game; C itself stays as it was, with a list of changes."""
        i, j = self.low[pair], self.high[pair]
        column = self.start[i] - self.start[j]
        column = column - (self.shares * (self.played[:, i] - self.played[:, j])) @ self.played
        further = self.start @ column - (self.shares * (self.played @ column)) @ self.played
        share = self.weight[pair] / (1 + self.weight[pair] * self.variance[pair])
        length = float(column @ column)
        lead = column[self.low] - column[self.high]
        self.reach += share * lead * (share * length * lead - 2 * (further[self.low] - further[self.high]))
        self.variance -= share * lead**2
        self.trace -= share * length
        self.shares = np.append(self.shares, share)
        self.played = np.vstack([self.played, column])


def choose_pairs(
    rating: Floats,
    covariance: Floats,
    games: Floats,
    count: int,
    *,
    room: Indices | None = None,
    policy: Policy | None = None,
) -> NextPairs:
    """Choose ``count`` pairs, or fewer when there is no room; a pair may come several times.

    ``rating`` (K,) in points and its ``covariance`` (K, K) in squared points, as in Ratings, any gauge, NaN
    where unknown; ``games`` (K,) played; ``room`` (K, K), symmetric, how many more games each pair can have.

    Raises ValueError for shapes that do not fit and for an exploration outside [0, 1].
    """
    policy = policy or Policy()
    _check(rating, covariance, games, policy)
    rng = np.random.default_rng(policy.seed)
    theta, spread = _known(rating, covariance)
    played = np.array(games, np.float64)
    low, high = _candidates(theta, np.diagonal(spread), played, policy, rng)
    left = np.full(len(low), np.iinfo(np.intp).max) if room is None else np.array(room[low, high], np.intp)
    search = Search(spread, theta, low, high)
    scale = POINTS_PER_NAT**2 * 2 / max(len(theta) - 1, 1)
    before = scale * search.trace
    picks: list[int] = []
    reasons = []
    while len(picks) < count and (left > 0).any():
        needy = _needy(np.minimum(played[low], played[high]), left > 0, policy.fewest)
        if needy.any():
            pair, reason = _best(search.gain(), needy), FEW_GAMES
        elif rng.random() < policy.explore:
            pair, reason = int(rng.choice(np.flatnonzero(left > 0))), BY_CHANCE
        else:
            pair, reason = _best(search.gain(), left > 0), SUREST
        search.play(pair)
        left[pair] -= 1
        played[[low[pair], high[pair]]] += 1
        picks.append(pair)
        reasons.append(reason)
    return NextPairs(low[picks], high[picks], tuple(reasons), before, scale * search.trace)


def _best(gain: Floats, mask: Mask) -> int:
    return int(np.where(mask, gain, -1.0).argmax())


def _needy(lowest: Floats, free: Mask, fewest: float) -> Mask:
    """The free candidates (Q,) of a model with the fewest games, while those are too few."""
    least = lowest[free].min()
    return free & (lowest == least) if least < fewest else np.zeros(len(free), bool)


def _known(rating: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Natural strengths (K,) and covariance (K, K), sum-zero gauge, with a guess for the unknown."""
    unknown = np.isnan(rating) | np.isnan(np.diagonal(covariance))
    middle = rating[~unknown].mean() if not unknown.all() else 0.0
    theta = np.where(unknown, 0.0, np.nan_to_num(rating) - middle) / POINTS_PER_NAT
    spread = np.nan_to_num(covariance / POINTS_PER_NAT**2)
    spread[unknown, :] = 0
    spread[:, unknown] = 0
    if not unknown.all():  # the known among themselves first: a gauge is no knowledge about newcomers
        inside = np.ix_(~unknown, ~unknown)
        spread[inside] = _centred(spread[inside])
    spread[unknown, unknown] = _UNKNOWN**2
    return theta, _centred(spread)


def _centred(spread: Floats) -> Floats:
    mean = spread.sum(axis=0) / max(len(spread), 1)
    return spread - mean[:, None] - mean[None, :] + mean.sum() / max(len(spread), 1)


def _candidates(
    theta: Floats, variance: Floats, games: Floats, policy: Policy, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    size = len(theta)
    if size * (size - 1) // 2 <= policy.candidates:
        low, high = np.triu_indices(size, 1)
        return low, high
    order = np.argsort(theta, kind="stable")
    place = np.empty(size, np.intp)
    place[order] = np.arange(size)
    worst = np.lexsort((-variance, np.minimum(games, policy.fewest)))
    some = worst[: max(policy.candidates // (2 * _NEAREST), 1)]
    near = np.array([step for step in range(-_NEAREST // 2, _NEAREST // 2 + 1) if step])
    rivals = np.concatenate(
        [order[(place[some][:, None] + near) % size], rng.integers(size, size=(len(some), _NEAREST))], axis=1
    )
    one, other = np.repeat(some, rivals.shape[1]), rivals.ravel()
    low, high = np.minimum(one, other), np.maximum(one, other)
    keys = np.unique((low * size + high)[low != high])
    return keys // size, keys % size


def _reach(covariance: Floats, low: Indices, high: Indices) -> Floats:
    """|C (e_low - e_high)|^2 (Q,): from all products at once where nearly all pairs are asked about."""
    size = len(covariance)
    if 4 * len(low) >= size * size:
        products = covariance @ covariance
        square = np.diagonal(products)
        return square[low] + square[high] - 2 * products[low, high]
    found = np.empty(len(low))
    for at in range(0, len(low), _ROWS):
        rows = slice(at, at + _ROWS)
        table = covariance[low[rows]] - covariance[high[rows]]
        found[rows] = np.einsum("qk,qk->q", table, table)
    return found


def _check(rating: Floats, covariance: Floats, games: Floats, policy: Policy) -> None:
    size = len(rating)
    if covariance.shape != (size, size) or len(games) != size:
        shapes = f"rating {size}, covariance {covariance.shape}, games {len(games)}"
        raise ValueError(f"shapes differ: {shapes}")
    if not 0 <= policy.explore <= 1:
        raise ValueError(f"explore {policy.explore:g} is not between 0 and 1")
