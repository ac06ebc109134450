"""People and a judge together: prediction-powered Bradley-Terry ratings with a tuned weight, never a pool.

Angelopoulos, Duchi & Zrnic 2023 (PPI++, arXiv 2311.01453); Boyeau et al. 2024 (arXiv 2403.07008). People's
estimating equation stays; the judge only takes out noise. In each pair, the mean of people's n matches is
moved by how much luckier the judge found the matches that people were not asked about:

    z = mean(people) + lambda r (mean(judge, judge-only) - mean(judge, both)),   r = N / (n + N)

for N judge-only matches. Both means are of one pair, so a judge's love of a model cancels, and pairs drawn
by active sampling do no harm. Within a pair, judge-only matches are weighted by prompt, so that prompts come
as often as among the matches with both. lambda in [0, 1] minimises the trace of the covariance of the
ratings: 0 for a useless judge, near 1 for one that says what people say.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from leaderboard.ratings.bradley_terry import PairLikelihood
from leaderboard.ratings.connectivity import comparable_groups, main_group, unrated_reasons
from leaderboard.ratings.control import Control, quotient
from leaderboard.ratings.intervals import normal_quantile, sandwich
from leaderboard.ratings.judged_matches import JudgedMatches
from leaderboard.ratings.laplacian import laplacian
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import Minimum, NotConverged, minimise
from leaderboard.ratings.pairs import PairTotals, total_pairs
from leaderboard.ratings.ranks import rank_ranges, ranks
from leaderboard.ratings.results import (
    POINTS_PER_NAT,
    SCALE,
    Limits,
    Ratings,
    mean_points,
    standing_of,
)
from leaderboard.ratings.shapes import Floats, Indices, Mask, add_up


@dataclass(frozen=True, eq=False)
class PoweredRatings:
    """Ratings by people, sharpened by a judge, and what the judge's part in them was.

    ``weight`` is the tuned lambda, 0 when the judge took no part. ``gain`` is the trace of the covariance of
    people alone over that of ``ratings``: how many times more votes people alone would have needed.
    ``labelled`` counts the matches that people voted on, ``both`` those of them that the judge's part rests
    on, ``judge_only`` the matches by the judge alone that were used, and ``left_out`` those that were not,
    since people never voted on their pair or prompt or the pair is not rated. Intervals are normal, from the
    sandwich of the powered equation with the match as the unit.
    """

    ratings: Ratings
    weight: float
    gain: float
    labelled: int
    both: int
    judge_only: int
    left_out: int


@dataclass(frozen=True, eq=False)
class PoweredEquation:
    """The estimating equation for any lambda: people's totals of the P rated pairs, and the control."""

    pairs: PairTotals
    control: Control

    def solve(self, weight: float, start: Floats) -> Minimum:
        moved = weight * self.control.shift
        pairs = self.pairs
        totals = PairTotals(
            *(pairs.size, pairs.low, pairs.high, pairs.games),
            *(pairs.won + moved, pairs.lost - moved, pairs.squares),
        )
        return minimise(PairLikelihood(totals), start)

    def win(self, theta: Floats) -> Floats:
        return expit(theta[self.pairs.low] - theta[self.pairs.high])

    def covariance(self, weight: float, found: Minimum) -> Floats:
        """Sandwich (K, K) with one score a match, of people's and of the judge's part in it."""
        win = self.win(found.theta)
        own = self.pairs.squares - 2 * win * self.pairs.won + win**2 * self.pairs.games
        summed = own - 2 * weight * self.control.crossed(win) + weight**2 * self.control.squared
        meat = laplacian(self.pairs.low, self.pairs.high, np.maximum(summed, 0), self.pairs.size)
        return sandwich(found.hessian, meat)

    def tuned(self, alone: Minimum) -> float:
        """The lambda in [0, 1] that minimises the trace of the covariance, a parabola in lambda."""
        inverse = np.linalg.inv(alone.hessian)
        reach = inverse[self.pairs.low] - inverse[self.pairs.high]
        pull = np.einsum("pk,pk->p", reach, reach)
        noise = float(pull @ self.control.squared)
        if not noise > 0:
            return 0.0
        return float(np.clip(pull @ self.control.crossed(self.win(alone.theta)) / noise, 0, 1))


def fit_powered(matches: JudgedMatches, *, level: float = 0.95, mean: float = 1000.0) -> PoweredRatings:
    """Rate by people's votes, with as much of the judge as makes the ratings surer.

    Who is rated, and against whom, is decided by people's votes alone. A match is one unit however many
    votes it has. Assumes that within a pair and a prompt, which matches people were asked about does not
    depend on what is in them. Should the tuned lambda leave no maximum (a handful of votes), it is halved.

    Raises NotConverged when people's votes alone have no maximum, ValueError for a level outside (0, 1).
    """
    quantile = normal_quantile(level)
    pairs = total_pairs(_people(matches))
    main = main_group(pairs, comparable_groups(pairs))
    rating, covariance = np.full(pairs.size, np.nan), np.full((pairs.size, pairs.size), np.nan)
    weight, gain, both, only = 0.0, 1.0, 0, 0
    if main.any():
        equation = _equation(matches, pairs, main)
        alone = equation.solve(0.0, np.zeros(np.count_nonzero(main)))
        weight, found = _powered(equation, alone)
        rating[main] = mean + POINTS_PER_NAT * found.theta
        spread = equation.covariance(weight, found)
        gain = _trace_ratio(equation.covariance(0.0, alone), spread)
        covariance[np.ix_(main, main)] = POINTS_PER_NAT**2 * spread
        both, only = (int(np.count_nonzero(mask)) for mask in (equation.control.both, equation.control.only))
    half = quantile * np.sqrt(np.diagonal(covariance))
    lower, upper = rank_ranges(rating, covariance, quantile)
    status, note = standing_of(rating, half, pairs.played, Limits())
    ratings = Ratings(
        method="ppi",
        scale=SCALE,
        level=level,
        players=matches.players,
        rating=rating,
        rating_lower=rating - half,
        rating_upper=rating + half,
        rank=ranks(rating),
        rank_lower=lower,
        rank_upper=upper,
        matches=pairs.played,
        score=mean_points(pairs.played, pairs.by_player(pairs.won, pairs.lost)),
        reason=unrated_reasons(pairs, main),
        covariance=covariance,
        status=status,
        note=note,
        quantile=np.full(pairs.size, quantile),
    )
    alone_judged = int(np.count_nonzero(matches.judged & ~matches.labelled))
    labelled = int(np.count_nonzero(matches.labelled))
    return PoweredRatings(ratings, weight, gain, labelled, both, only, alone_judged - only)


def _people(matches: JudgedMatches) -> Matchups:
    voted = matches.labelled
    once = np.ones(np.count_nonzero(voted))
    return Matchups(matches.players, matches.low[voted], matches.high[voted], matches.people[voted], once)


def _equation(matches: JudgedMatches, pairs: PairTotals, main: Mask) -> PoweredEquation:
    rated = pairs.within(main)
    met = pairs.low * pairs.size + pairs.high
    met = met[main[pairs.low] & main[pairs.high]]  # ascending, in the order of the rated pairs
    key = matches.low * pairs.size + matches.high
    place = np.minimum(np.searchsorted(met, key), len(met) - 1)
    inside = met[place] == key
    place, people, judge = place[inside], matches.people[inside], matches.judge[inside]
    judged = ~np.isnan(judge)
    prompt = matches.prompt[inside]
    both, only = _overlap(judged & ~np.isnan(people), judged & np.isnan(people), (prompt, place))
    size = int(prompt.max(initial=-1)) + 1
    share = quotient(_tally(prompt, both, size), _tally(prompt, only, size))[prompt]
    return PoweredEquation(rated, Control(place, people, judge, both, only, share, len(rated.low)))


def _overlap(both: Mask, only: Mask, keys: tuple[Indices, ...]) -> tuple[Mask, Mask]:
    """Keep of either kind of matches (M,) those whose every key the other kind has too."""
    left = -1  # dropping a pair can strip a prompt of its last match, and so on
    while left != (left := int(np.count_nonzero(both | only))):
        for key in keys:
            size = int(key.max(initial=-1)) + 1
            shared = (_tally(key, both, size) > 0) & (_tally(key, only, size) > 0)
            both, only = both & shared[key], only & shared[key]
    return both, only


def _tally(key: Indices, mask: Mask, size: int) -> Floats:
    return add_up(key[mask], np.ones(np.count_nonzero(mask)), size)


def _powered(equation: PoweredEquation, alone: Minimum) -> tuple[float, Minimum]:
    weight = equation.tuned(alone)
    for _ in range(4):
        if not weight > 0:
            break
        try:
            return weight, equation.solve(weight, alone.theta)
        except NotConverged:  # shifted points of a tiny pair can point beyond any rating
            weight /= 2
    return 0.0, alone


def _trace_ratio(one: Floats, other: Floats) -> float:
    known = ~np.isnan(np.diagonal(one)) & ~np.isnan(np.diagonal(other))
    below = float(np.diagonal(other)[known].sum())
    return float(np.diagonal(one)[known].sum()) / below if below > 0 else 1.0
