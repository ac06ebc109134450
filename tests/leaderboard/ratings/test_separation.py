"""Who is told apart from whom, for one and for all, and how many votes are missing."""

from dataclasses import replace

import numpy as np
import pytest

from leaderboard.ratings import (
    Matchups,
    fit_bradley_terry,
    fit_elo,
    overlap_ranks,
    separated,
    simultaneous_ranks,
    tied_with,
    votes_needed,
)
from leaderboard.ratings.separation import simultaneous_quantile
from tests.leaderboard.ratings.games import matchups_of, ring, simulate

NORMAL = 1.959964


def board(rating, covariance):
    """A board with these ratings (K,) and this covariance (K, K), in points."""
    size = len(rating)
    plain = fit_bradley_terry(matchups_of(ring("abcdefgh"[:size])))
    rating, half = np.array(rating, float), NORMAL * np.sqrt(np.diagonal(covariance))
    rank = 1 + (rating[None, :] > rating[:, None]).sum(axis=1)
    return replace(
        plain,
        rating=rating,
        rating_lower=rating - half,
        rating_upper=rating + half,
        covariance=np.array(covariance),
        rank=rank,
    )


def test_tied_with_by_hand():
    # Errors of 10 each: a gap needs 1.96 * 14.14 = 27.7. b (100) and c (80) are not apart, c and a (60)
    # neither, b and a are: being tied is not handed on.
    found = board([60, 100, 80, 0], 100 * np.eye(4))
    assert tied_with(found) == (("c",), ("c",), ("b", "a"), ())
    assert separated(found)[1].tolist() == [True, False, False, True]


def test_overlap_ranks_by_hand():
    # Intervals of +-19.6: 100 and 80 overlap, 100 and 60 touch nowhere (80.4 > 79.6) and 60 is below one.
    assert overlap_ranks(board([60, 100, 80, 0], 100 * np.eye(4))).tolist() == [2, 1, 1, 4]


def test_overlap_ranks_claim_less_than_differences():
    # 30 apart with errors of 10: the difference is 2.1 of its standard errors, the intervals overlap.
    found = board([30, 0, -500], 100 * np.eye(3))
    assert overlap_ranks(found).tolist() == [1, 1, 3]
    assert separated(found)[0, 1]


def test_votes_needed_by_hand():
    # Equal errors of 20: the gap of 40 has variance 800. It must come down to (40 / 1.96)^2 = 416.5 points^2.
    # In natural units 1 / 416.5 - 1 / 800 = 72.456 - 37.722 = 34.734 (times 173.7178^2), and a vote at a lead
    # of 40 / 173.7178 = 0.23026 brings s s' = 0.246716: 140.8 votes.
    found = board([40, 0, -500], 400 * np.eye(3))
    assert votes_needed(found, "a", "b") == votes_needed(found, "b", "a") == 141
    assert votes_needed(found, "a", "c") == 0


def test_so_many_votes_do_separate():
    # a takes 55 % of 200; with as many more as asked, in the same proportion, the two are just apart.
    first = fit_bradley_terry(matchups_of([("a", "b", 1), ("a", "b", 0)], [110, 90]))
    assert first.rank_upper.tolist() == [2, 2]
    total = 200 + votes_needed(first, "a", "b")
    for games, ranks in ((total + 2, [1, 2]), (total - 2, [2, 2])):
        again = fit_bradley_terry(matchups_of([("a", "b", 1), ("a", "b", 0)], [0.55 * games, 0.45 * games]))
        assert again.rank_upper.tolist() == ranks


def test_equals_need_votes_without_end():
    assert votes_needed(board([0, 0, -500], np.eye(3)), "a", "b") is None
    assert votes_needed(fit_bradley_terry(matchups_of([("a", "b", 0.5)])), "a", "b") is None


def test_trap_10_simultaneous_ranges_are_wider_than_those_per_model():
    rng = np.random.default_rng(1)
    first, second, score = simulate(np.linspace(-1, 1, 15), 2000, rng)
    ratings = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(15)))
    lower, upper = simultaneous_ranks(ratings)
    assert (lower <= ratings.rank_lower).all()
    assert (upper >= ratings.rank_upper).all()
    assert (upper - lower).sum() > (ratings.rank_upper - ratings.rank_lower).sum()


def test_the_simultaneous_quantile_of_two_is_the_normal_one_and_of_three_is_tukeys():
    # One difference: |N(0, 1)|. Three equal independent means: the studentised range at infinity,
    # 3.314493 / sqrt 2. 100,000 draws know it to about 0.02.
    assert simultaneous_quantile(board([3, 0], np.eye(2)), draws=100_000) == pytest.approx(NORMAL, abs=0.03)
    tukey = 3.314493 / np.sqrt(2)
    found = simultaneous_quantile(board([5, 3, 0], np.eye(3)), draws=100_000)
    assert found == pytest.approx(tukey, abs=0.03)


def test_trap_10_joint_coverage():
    # 100 boards of 12 models: jointly right in 95 % at least, allowing three standard errors of 2.2 %.
    rng, strength, held = np.random.default_rng(3), np.linspace(-0.6, 0.6, 12), 0
    truth = 12 - np.arange(12)
    for _ in range(100):
        ratings = fit_bradley_terry(Matchups.from_rows(*simulate(strength, 1500, rng), players=range(12)))
        lower, upper = simultaneous_ranks(ratings, draws=1000)
        held += bool(((lower <= truth) & (truth <= upper)).all())
    assert held >= 89


def test_those_without_an_interval_are_told_from_nobody():
    games = [*[("a", "b", 1)] * 90, *[("b", "a", 1)] * 10, ("x", "a", 0.5), ("z", "a", 1)]
    ratings = fit_bradley_terry(matchups_of(games))
    assert ratings.players == ("a", "b", "x", "z")
    assert tied_with(ratings) == (("x",), ("x",), ("a", "b"), ())
    assert overlap_ranks(ratings).tolist() == [1, 2, 0, 0]
    assert simultaneous_ranks(ratings).lower.tolist() == [1, 2, 0, 0]


def test_no_games_separate_nobody():
    empty = fit_bradley_terry(matchups_of([], players="ab"))
    assert np.isnan(simultaneous_quantile(empty))
    assert tied_with(empty) == ((), ())
    assert simultaneous_ranks(empty).upper.tolist() == [0, 0]


def test_elo_has_no_covariance_to_separate_by():
    with pytest.raises(ValueError, match="ratings by elo have no covariance"):
        tied_with(fit_elo(["a"], ["b"], [1]))
