"""People and a judge together: what the judge may move, and what it may not."""

from dataclasses import replace

import numpy as np
import pytest

from leaderboard.ratings import fit_bradley_terry
from leaderboard.ratings.judged_matches import JudgedMatches
from leaderboard.ratings.ppi import fit_powered
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.benchmarks.ppi import REGIMES, Regime, error, naive_pool, simulate, truth, useless
from tests.leaderboard.ratings.games import matchups_of

NONE = np.nan


def without_judge(matches):
    return replace(matches, judge=np.full(len(matches.judge), NONE))


def simulated(name, seed=0, **changes):
    return simulate(replace(REGIMES[name], **changes), np.random.default_rng(seed))


def assert_same_board(one, other):
    for field in ("rating", "rating_lower", "rating_upper", "rank", "rank_lower", "rank_upper", "matches"):
        np.testing.assert_allclose(getattr(one, field), getattr(other, field), atol=1e-6, err_msg=field)
    assert one.reason == other.reason


def test_people_alone_are_the_plain_fit():
    rows = [("a", "b", 1), ("b", "a", 1), ("a", "c", 0.5), ("c", "b", 1), ("b", "c", 1)]
    first, second, score = zip(*rows, strict=True)
    powered = fit_powered(JudgedMatches.from_rows(first, second, score, [NONE] * 5))
    assert_same_board(powered.ratings, fit_bradley_terry(matchups_of(rows)))
    assert (powered.weight, powered.gain, powered.labelled, powered.both) == (0, 1, 5, 0)


def test_two_models_by_hand():
    # People: a takes 6 of 10, the judge agrees on each of the 10, and gives a 45 of 90 more. With the judge
    # equal to people, crossed = 10 * 0.24 * r * f and squared = r^2 (10 * 0.24 f^2 + 100 / 90 * f^2 * s),
    # where r = 90 / 100, the judge's mean of the pair is 0.9 * 0.5 + 0.1 * 0.6 = 0.51, f^2 = 100 / 99:
    #   own      = 6 * 0.49 * 0.4 + 4 * 0.51 * 0.6        = 2.4    (residual times deviation)
    #   squares  = 6 * 0.49^2 + 4 * 0.51^2                = 2.481
    #   others   = (10 / 90)^2 * (45 * 0.49^2 + 45 * 0.51^2) = 0.2777889 (90 * 0.2501 / 81)
    # lambda = 0.9 f 2.4 / (0.81 f^2 (2.481 + 0.2777889)) = 0.9617834 with f = 1.0050378
    # a's points move by lambda * 10 * 0.9 * (0.5 - 0.6) = -0.8656051, to 5.1343949 of 10.
    people = [1] * 6 + [0] * 4 + [NONE] * 90
    judge = [1] * 6 + [0] * 4 + [1] * 45 + [0] * 45
    powered = fit_powered(JudgedMatches.from_rows(["a"] * 100, ["b"] * 100, people, judge))
    weight = 0.9 * 2.4 / (0.81 * np.sqrt(100 / 99) * (2.481 + 90 * 0.2501 / 81))
    points = 6 - weight * 0.9
    assert powered.weight == pytest.approx(weight)
    lead = powered.ratings.rating[0] - powered.ratings.rating[1]
    assert lead == pytest.approx(POINTS_PER_NAT * np.log(points / (10 - points)))
    assert (powered.labelled, powered.both, powered.judge_only, powered.left_out) == (10, 10, 90, 0)


def test_a_useless_judge_gets_next_to_no_weight():
    matches, _ = simulated("useless judge", labelled=3000)
    powered = fit_powered(matches)
    # The standard error of lambda is about 1 / sqrt(3000) over the spread of the judge (0.35): 0.03.
    assert powered.weight < 0.1
    alone = fit_powered(without_judge(matches)).ratings
    np.testing.assert_allclose(powered.ratings.rating, alone.rating, atol=5)


def test_a_judge_that_says_the_opposite_gets_none():
    matches, _ = simulated("opposite judge")
    powered = fit_powered(matches)
    assert (powered.weight, powered.gain) == (0, 1)
    assert_same_board(powered.ratings, fit_powered(without_judge(matches)).ratings)


def test_a_perfect_judge_is_worth_its_matches():
    # 600 labels and 4,000 judged as people would: the variance falls towards 600 / 4,600, a gain of 7.7.
    powered = fit_powered(simulated("perfect judge")[0])
    assert powered.weight > 0.9
    assert powered.gain > 4


def test_trap_11_a_love_of_one_model_cancels_where_a_pool_would_believe_it():
    # The same judge, and one that always rules for model 0, say the same within each pair.
    matches, _ = simulated("sensible judge", labelled=1500)
    favourite = matches.players.index(0)
    adored = np.where(matches.low == favourite, 1.0, np.where(matches.high == favourite, 0.0, matches.judge))
    loved = fit_powered(replace(matches, judge=adored)).ratings
    alone = fit_powered(without_judge(matches)).ratings
    deviation = (alone.rating_upper - alone.rating)[favourite] / 1.96
    assert abs(loved.rating[favourite] - alone.rating[favourite]) < deviation
    pooled = naive_pool(replace(matches, judge=adored))
    assert pooled.rating[favourite] - alone.rating[favourite] > 10 * deviation  # what a pool would do


@pytest.mark.parametrize("name", ["useless judge", "biased to one family", "active sampling"])
def test_trap_11_never_much_worse_than_people_alone(name):
    # The long table is tests/benchmarks/ppi.py; 20 runs leave some 5 % of noise on the ratio.
    totals = np.zeros(2)
    for seed in range(20):
        matches, strength = simulated(name, seed)
        target = truth(matches, strength)
        totals += (
            error(fit_powered(matches).ratings, target),
            error(fit_powered(without_judge(matches)).ratings, target),
        )
    assert totals[0] < 1.05 * totals[1]


def test_intervals_get_narrower_by_what_the_gain_says():
    matches, _ = simulated("sensible judge", labelled=2000)
    powered, alone = fit_powered(matches), fit_powered(without_judge(matches)).ratings
    traces = np.trace(alone.covariance) / np.trace(powered.ratings.covariance)
    assert powered.gain == pytest.approx(traces)
    assert powered.gain > 1.05


def test_trap_11_people_asked_about_other_prompts_do_no_harm():
    # The judge gives a 9 points of 10 on prompt p and 1 of 10 on q; people, mostly asked on p, split evenly
    # on both. Unweighted, judge-only matches (half on q) would look unlucky for a.
    rng = np.random.default_rng(5)
    prompt = np.r_[rng.random(600) < 0.1, rng.random(4000) < 0.5]
    judge = (rng.random(4600) < np.where(prompt, 0.1, 0.9)).astype(float)
    people = np.r_[judge[:600], [NONE] * 4000]
    names = ["a"] * 4600, ["b"] * 4600
    by_prompt = fit_powered(JudgedMatches.from_rows(*names, people, judge, prompt=prompt))
    blind = fit_powered(JudgedMatches.from_rows(*names, people, judge))
    alone = by_prompt.ratings.score[0]
    expected = 0.9 * 0.9 + 0.1 * 0.1  # by people's own mix of prompts: 0.82
    assert alone == pytest.approx(expected, abs=0.04)

    def share(board):
        return 1 / (1 + 10 ** ((board.ratings.rating[1] - board.ratings.rating[0]) / 400))

    assert share(by_prompt) == pytest.approx(expected, abs=0.02)
    assert share(blind) < 0.7  # drawn to 0.5, the judge-only mix


def test_matches_that_nobody_voted_on_are_counted_as_left_out():
    # a-c has no votes; prompt q has none either.
    matches = JudgedMatches.from_rows(
        ["a", "b", "a", "a", "a"],
        ["b", "a", "c", "b", "b"],
        [1, 1, NONE, NONE, NONE],
        [1, 1, 1, 1, 0],
        prompt=["p", "p", "p", "q", "p"],
    )
    powered = fit_powered(matches)
    assert (powered.labelled, powered.both, powered.judge_only, powered.left_out) == (2, 2, 1, 2)
    assert powered.ratings.reason == ("", "", "no matches")


def test_a_weight_that_leaves_no_maximum_is_halved():
    # Twenty models split 4 matches with the hub, the judge agrees each time and splits 40 more: lambda is
    # high. Then c: one vote each way, the judge said 1/2 and 0 there but 1 in 40 more. Its 1 point of 2 would
    # move by lambda * 2 * 40/42 * (1 - 1/4) = 1.43 lambda, beyond 2 of 2 for any lambda over 0.7.
    first, people, judge = [], [], []
    for player in range(20):
        first += [player] * 44
        people += [1, 0, 1, 0] + [NONE] * 40
        judge += [1, 0, 1, 0] + [1, 0] * 20
    first += ["c"] * 42
    people += [1, 0] + [NONE] * 40
    judge += [0.5, 0] + [1] * 40
    powered = fit_powered(JudgedMatches.from_rows(first, ["hub"] * len(first), people, judge))
    assert np.isfinite(powered.ratings.rating).all()
    assert 0.35 < powered.weight <= 0.5


def test_nothing_comparable_gives_a_board_without_ratings():
    powered = fit_powered(JudgedMatches.from_rows(["a"], ["b"], [1], [1]))
    assert np.isnan(powered.ratings.rating).all()
    assert powered.ratings.reason[0] == "won its only match, so no upper bound yet"


def test_no_rows_at_all():
    powered = fit_powered(JudgedMatches.from_rows([], [], [], []))
    assert (powered.ratings.players, powered.weight, powered.labelled) == ((), 0, 0)


def test_swapping_sides_changes_nothing():
    matches, _ = simulate(Regime(useless, labelled=300, judged=900), np.random.default_rng(3))
    labels = np.array(matches.players)
    rows = (labels[matches.low], labels[matches.high], matches.people, matches.judge)
    mirrored = (labels[matches.high], labels[matches.low], 1 - matches.people, 1 - matches.judge)
    one = fit_powered(JudgedMatches.from_rows(*rows))
    other = fit_powered(JudgedMatches.from_rows(*mirrored))
    place = [other.ratings.players.index(player) for player in one.ratings.players]
    np.testing.assert_allclose(one.ratings.rating, other.ratings.rating[place], atol=1e-6)
    assert one.weight == pytest.approx(other.weight)
