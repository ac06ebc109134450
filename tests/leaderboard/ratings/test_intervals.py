"""Intervals and rank ranges: by hand, against the bootstrap, and by how often they hold."""

import numpy as np
import pytest

from leaderboard.ratings import Matchups, fit_bradley_terry
from leaderboard.ratings.intervals import normal_quantile, sandwich
from leaderboard.ratings.ranks import rank_ranges, ranks
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.leaderboard.ratings.games import matchups_of, simulate


def test_two_players_by_hand():
    # a wins 6, loses 2: s = 3/4. Curvature of the gap: n s (1 - s) = 1.5; squared residuals:
    # 6 (1/4)^2 + 2 (3/4)^2 = 1.5; variance of the gap 1.5 / 1.5^2 = 2/3 in natural units. Each of the two
    # stands half the gap from the mean, so its standard error is sqrt(2/3) / 2 * 173.7178 = 70.9200.
    ratings = fit_bradley_terry(matchups_of([("a", "b", 1)] * 6 + [("b", "a", 1)] * 2))
    half = 1.959964 * 70.9200
    np.testing.assert_allclose(ratings.rating_upper - ratings.rating, half, atol=1e-2)
    np.testing.assert_allclose(ratings.rating - ratings.rating_lower, half, atol=1e-2)
    # The gap is 190.85 with standard error 141.84: 1.35 of them, so the two are not told apart.
    assert (ratings.rank_lower.tolist(), ratings.rank_upper.tolist()) == ([1, 1], [2, 2])


def test_trap_9_ties_carry_less_noise_than_the_inverse_fisher_says():
    # 4 wins, 4 losses: squared residuals 8 / 4 = 2. With 2, 2 and 4 ties: 1. Curvature is 2 both times.
    decisive = fit_bradley_terry(matchups_of([("a", "b", 1), ("a", "b", 0)], [4, 4]))
    mixed = fit_bradley_terry(matchups_of([("a", "b", 1), ("a", "b", 0), ("a", "b", 0.5)], [2, 2, 4]))
    ratio = (mixed.rating_upper - mixed.rating) / (decisive.rating_upper - decisive.rating)
    np.testing.assert_allclose(ratio, np.sqrt(1 / 2), rtol=1e-6)


def test_a_level_sets_the_width():
    matchups = matchups_of([("a", "b", 1)] * 6 + [("b", "a", 1)] * 2)
    wide, narrow = fit_bradley_terry(matchups, level=0.95), fit_bradley_terry(matchups, level=0.5)
    ratio = (wide.rating_upper - wide.rating) / (narrow.rating_upper - narrow.rating)
    np.testing.assert_allclose(ratio, 1.959964 / 0.674490, rtol=1e-5)  # normal quantiles of .975 and .75
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


def test_only_ties_are_equal_with_no_interval():
    ratings = fit_bradley_terry(matchups_of([("a", "b", 0.5), ("b", "c", 0.5), ("b", "c", 0.5)]))
    np.testing.assert_allclose(ratings.rating, 1000, atol=1e-9)
    assert np.isnan(ratings.rating_lower).all()
    assert np.isnan(ratings.rating_upper).all()
    assert ratings.rank.tolist() == [1, 1, 1]
    assert ratings.rank_lower.tolist() == ratings.rank_upper.tolist() == [0, 0, 0]


def test_a_model_known_by_one_tie_alone_has_no_interval():
    # x tied a once: its rating is a's, but no spread was ever seen, and it separates from nobody.
    rows = [("a", "b", 1)] * 90 + [("b", "a", 1)] * 10
    alone = fit_bradley_terry(matchups_of(rows))
    ratings = fit_bradley_terry(matchups_of([*rows, ("x", "a", 0.5)]))
    assert ratings.rating[2] == pytest.approx(ratings.rating[0])
    assert np.isnan(ratings.rating_lower).tolist() == [False, False, True]
    assert (alone.rank_lower.tolist(), alone.rank_upper.tolist()) == ([1, 2], [1, 2])
    assert (ratings.rank_lower.tolist(), ratings.rank_upper.tolist()) == ([1, 2, 0], [2, 3, 0])


def test_trap_10_a_newcomer_widens_nobody():
    # In the sum-zero gauge the noise of one player with 3 games reaches everyone.
    rng = np.random.default_rng(7)
    first, second, score = simulate(rng.normal(0, 0.5, 10), 4000, rng)
    newcomer = (np.full(3, 10), np.array([0, 1, 2]), np.array([1.0, 0.0, 1.0]))
    before = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(10)))
    joined = [np.concatenate(pair) for pair in zip((first, second, score), newcomer, strict=True)]
    after = fit_bradley_terry(Matchups.from_rows(*joined, players=range(11)))
    width = (after.rating_upper - after.rating_lower)[:10] / (before.rating_upper - before.rating_lower)
    np.testing.assert_allclose(width, 1, atol=0.01)
    np.testing.assert_allclose(after.rating[:10], before.rating, atol=1)
    centred = np.eye(11) - 1 / 11
    sum_zero = np.sqrt(np.diagonal(centred @ after.covariance @ centred))[:10]
    assert (sum_zero > 1.2 * np.sqrt(np.diagonal(after.covariance))[:10]).all()  # what the gauge spares us


def test_the_gauge_does_not_move_differences():
    # The covariance of differences is the same from any generalised inverse of the curvature.
    rng = np.random.default_rng(3)
    first, second, score = simulate(rng.normal(0, 1, 6), 500, rng)
    ratings = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(6)))
    theta = (ratings.rating - 1000) / POINTS_PER_NAT
    win = 1 / (1 + np.exp(theta[second] - theta[first]))
    design = np.zeros((len(score), 6))
    design[np.arange(len(score)), first] = 1
    design[np.arange(len(score)), second] = -1
    inverse = np.linalg.pinv(design.T @ (design * (win * (1 - win))[:, None]))
    naive = inverse @ design.T @ (design * ((score - win) ** 2)[:, None]) @ inverse * POINTS_PER_NAT**2
    for one, other in ((0, 1), (2, 5), (3, 4)):
        pick = np.zeros(6)
        pick[one], pick[other] = 1, -1
        assert pick @ ratings.covariance @ pick == pytest.approx(pick @ naive @ pick, rel=1e-8)


def test_the_bootstrap_gives_the_same_widths():
    rng = np.random.default_rng(11)
    first, second, score = simulate(rng.normal(0, 0.7, 8), 2000, rng, ties=0.2)
    matchups = Matchups.from_rows(first, second, score, players=range(8))
    ratings = fit_bradley_terry(matchups)
    games = int(matchups.count.sum())
    rounds = []
    for _ in range(400):
        count = rng.multinomial(games, matchups.count / games).astype(float)
        drawn = count > 0
        columns = (column[drawn] for column in (matchups.first, matchups.second, matchups.score, count))
        rounds.append(fit_bradley_terry(Matchups(matchups.players, *columns)).rating)
    spread = np.std(rounds, axis=0)
    # 400 rounds know a standard deviation to about 1 / sqrt(800) = 3.5 %; allow four of those.
    np.testing.assert_allclose(np.sqrt(np.diagonal(ratings.covariance)), spread, rtol=0.15)


def test_trap_9_95_percent_intervals_hold_95_percent_of_the_time():
    # 300 boards of 12 models, 1,200 games: 3,600 intervals, whose share that holds has a standard error of
    # about sqrt(.95 * .05 / 3600) = 0.4 % if independent, less than 1 % as they are.
    rng = np.random.default_rng(5)
    strength = np.linspace(-1, 1, 12)
    held, in_range, total = 0, 0, 0
    for _ in range(300):
        first, second, score = simulate(strength, 1200, rng)
        ratings = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(12)))
        truth = 1000 + POINTS_PER_NAT * (strength - np.average(strength, weights=ratings.matches))
        rank = 12 - np.arange(12)
        held += np.sum((ratings.rating_lower <= truth) & (truth <= ratings.rating_upper))
        in_range += np.sum((ratings.rank_lower <= rank) & (rank <= ratings.rank_upper))
        total += 12
    assert 0.93 <= held / total <= 0.97
    assert in_range / total >= 0.95


def test_rank_ranges_by_hand():
    # Independent errors of 10 each: a gap needs 1.96 * 14.14 = 27.7. 100 and 80 are not apart (20), 80 and
    # 60 neither, 100 and 60 are (40), 0 is below them all.
    lower, upper = rank_ranges(np.array([60.0, 100.0, 80.0, 0.0]), 100 * np.eye(4), 1.96)
    assert lower.tolist() == [2, 1, 1, 4]
    assert upper.tolist() == [3, 2, 3, 4]


def test_trap_10_rank_ranges_use_the_correlation():
    # The same gap of 20, errors of 10 that move together (0.9): the difference has 10 * sqrt(0.2) = 4.47.
    together = 100 * np.array([[1, 0.9], [0.9, 1]])
    assert rank_ranges(np.array([20.0, 0.0]), together, 1.96).upper.tolist() == [1, 2]
    assert rank_ranges(np.array([20.0, 0.0]), 100 * np.eye(2), 1.96).upper.tolist() == [2, 2]


def test_a_difference_known_without_error_separates_nobody():
    same_error = np.full((2, 2), 100.0)
    assert rank_ranges(np.array([20.0, 0.0]), same_error, 1.96).upper.tolist() == [2, 2]


def test_equals_share_a_rank_in_spite_of_rounding():
    assert ranks(np.array([1000, np.nan, 1000 + 1e-12, 900, 1100])).tolist() == [2, 0, 2, 4, 1]


def test_a_parameter_without_residuals_has_no_variance():
    covariance = sandwich(np.diag([2.0, 4.0]), np.diag([2.0, 0.0]))
    # 2 / 2^2 = 0.5 for the first; the second was met exactly.
    assert covariance[0, 0] == pytest.approx(0.5)
    assert np.isnan(covariance[[0, 1, 1], [1, 0, 1]]).all()
