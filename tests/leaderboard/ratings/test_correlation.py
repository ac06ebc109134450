"""Two boards side by side."""

import pytest

from leaderboard.ratings import RankCorrelation, rank_correlation


def test_by_hand():
    # Ranks 1 2 3 4 against 1 3 2 4: rho = 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15) = 0.8; of 6 pairs 5 agree
    # and 1 does not: tau = 4 / 6.
    one = {"a": 4, "b": 3, "c": 2, "d": 1}
    other = {"d": 900, "b": 950, "c": 1000, "a": 1100}
    found = rank_correlation(one, other)
    assert found == (4, pytest.approx(0.8), pytest.approx(2 / 3))


def test_only_players_that_both_rate_count():
    one = {"a": 3.0, "b": 2.0, "c": 1.0, "d": None, "e": 5.0}
    other = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 9.0, "e": float("nan"), "f": 7.0}
    assert rank_correlation(one, other) == (3, pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(
    ("one", "other", "n"),
    [
        ({}, {}, 0),
        ({"a": 1}, {"b": 1}, 0),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, 2),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 3}, 3),
    ],
)
def test_too_little_to_correlate(one, other, n):
    assert rank_correlation(one, other) == RankCorrelation(n, None, None)
