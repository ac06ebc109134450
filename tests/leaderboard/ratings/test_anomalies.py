"""Who votes unlike the board says, and how many honest ones are suspected."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from leaderboard.ratings import fit_bradley_terry
from leaderboard.ratings.anomalies import _leads_without_rater, discoveries, flag_raters, tails
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.votes import Votes
from tests.benchmarks.raters import Crowd, always_first, fan, random_clicker, simulate


def crowd(seed=0, **changes):
    return simulate(replace(Crowd(raters=60), **changes), np.random.default_rng(seed))


def test_tails_are_those_of_every_possible_outcome():
    rng = np.random.default_rng(2)
    law = rng.dirichlet([1, 1, 1], 5)
    halves, weight = np.array([0, 2, 1, 1, 2]), np.array([1, 3, 2, 1, 1])
    seen = weight @ halves  # 0 + 6 + 2 + 1 + 2 = 11
    outcomes = [
        (weight @ np.array(outcome), np.prod([law[at, value] for at, value in enumerate(outcome)]))
        for outcome in product(range(3), repeat=5)
    ]
    lower, upper, points, expected = tails(halves, law, weight)
    assert lower == pytest.approx(sum(chance for value, chance in outcomes if value <= seen))
    assert upper == pytest.approx(sum(chance for value, chance in outcomes if value >= seen))
    assert points == 5.5
    assert expected == pytest.approx(sum(value * chance for value, chance in outcomes) / 2)


def test_tails_of_fair_coins_are_binomial():
    # Ten of ten wins at even odds: 1 / 1024.
    _, upper, _, _ = tails(np.full(10, 2), np.tile([0.5, 0, 0.5], (10, 1)))
    assert upper == pytest.approx(1 / 1024)


def test_benjamini_hochberg_by_hand():
    # At 5 % of five tests the bars are .01, .02, .03, .04, .05: .029 is under its bar of .03 and takes .021,
    # over its own bar, along; .041 and .9 stay. The untested one is no test.
    p_value = np.array([0.041, 0.001, np.nan, 0.029, 0.9, 0.021])
    assert discoveries(p_value, 0.05).tolist() == [False, True, False, True, False, True]


def test_no_test_no_discovery():
    assert discoveries(np.array([np.nan, 0.2]), 0.05).tolist() == [False, False]
    assert discoveries(np.array([]), 0.05).tolist() == []


def test_honest_crowds_are_left_alone():
    # All honest: any flag is false, and a run has one with a chance of at most 5 %. In 20 runs, 4 or more
    # would have a chance of 1.6 %.
    flagged_runs = sum(flag_raters(crowd(seed)).flagged.any() for seed in range(20))
    assert flagged_runs <= 3


@pytest.mark.parametrize(
    ("attack", "votes", "reason"),
    [
        (always_first, 40, "leans to the answer shown first"),
        (random_clicker, 150, "does not follow the answers"),
        (fan, 200, "leans to 10"),
    ],
)
def test_attackers_are_found_with_the_reason(attack, votes, reason):
    found = flag_raters(crowd(attack=attack, attackers=3, votes=votes))
    flags = {flag.rater: flag for flag in found.flags()}
    assert set(flags) >= {0, 1, 2}
    assert {flags[rater].reason for rater in (0, 1, 2)} == {reason}
    assert all(flag.p_value <= found.rate for flag in flags.values())
    assert len(flags) <= 4  # one honest rater more has a chance of a few per cent


def test_a_flag_tells_points_seen_and_expected():
    flag = next(flag_raters(crowd(attack=always_first, attackers=1)).flags())
    assert flag.rater == 0
    assert flag.points == flag.votes  # each vote a point for the first
    assert flag.expected == pytest.approx(flag.votes / 2, abs=0.15 * flag.votes)


def test_the_board_without_a_rater_is_close_to_a_refit():
    votes = crowd(attack=always_first, attackers=1)
    theta = fit_bradley_terry(votes.matchups()).rating / POINTS_PER_NAT
    refit = fit_bradley_terry(votes.where(votes.rater != 0).matchups()).rating / POINTS_PER_NAT
    mine = votes.rater == 0
    first, second = votes.first[mine], votes.second[mine]
    guessed = _leads_without_rater(votes, theta)[mine]
    exact = refit[first] - refit[second]
    moved = np.abs(exact - (theta[first] - theta[second])).max()
    assert np.abs(guessed - exact).max() < 0.15 * moved


def test_brief_raters_are_not_tested():
    rows = [("u", 1)] * 6 + [("v", 0)] * 4
    rater, score = zip(*rows, strict=True)
    found = flag_raters(Votes.from_rows(rater, ["a"] * 10, ["b"] * 10, score), fewest=5)
    assert found.votes.tolist() == [6, 4]
    assert np.isnan(found.p_value).tolist() == [False, True]
    assert found.reason[1] == ""


def test_votes_on_unrated_players_are_not_tested():
    # x never lost: it has no rating, so nothing is predicted about it.
    votes = Votes.from_rows(
        ["u", "u", "v", "v"], ["a", "b", "x", "x"], ["b", "a", "a", "b"], [1, 1, 1, 1], players="abx"
    )
    assert flag_raters(votes, fewest=1).votes.tolist() == [2, 0]


def test_nothing_rated_tests_nobody():
    found = flag_raters(Votes.from_rows(["u"], ["a"], ["b"], [1]), fewest=1)
    assert (found.flagged.tolist(), list(found.flags())) == ([False], [])


def test_no_votes_at_all():
    assert list(flag_raters(Votes.from_rows([], [], [], [])).flags()) == []


@pytest.mark.parametrize("rate", [0, 1, 5])
def test_a_rate_outside_0_1_is_refused(rate):
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        flag_raters(crowd(), rate=rate)
