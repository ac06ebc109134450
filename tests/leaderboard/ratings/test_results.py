"""Rows of a board, in the order they are shown."""

from leaderboard.ratings import fit_bradley_terry
from tests.leaderboard.ratings.games import matchups_of, ring


def test_rows_come_by_rank_then_the_unrated_by_score():
    games = [*ring(["a", "b", "c"]), ("a", "b", 1), ("w", "a", 1), ("l", "c", 0)]
    rows = list(fit_bradley_terry(matchups_of(games, players=["z", "l", "w", "c", "b", "a"])).rows())
    assert [row.player for row in rows] == ["a", "c", "b", "w", "l", "z"]
    # Within the ring and the extra game a took 2 of 3 and b 1 of 3, c 1 of 2: c stands between them.
    assert [row.rank for row in rows] == [1, 2, 3, None, None, None]
    assert [row.score for row in rows[3:]] == [1.0, 0.0, None]
    # a's lost match against the unbeaten w counts among its matches, not in its rating.
    assert (rows[0].matches, rows[0].score) == (4, 0.5)


def test_rows_are_plain_python():
    row = next(fit_bradley_terry(matchups_of([("a", "b", 1), ("b", "a", 1)])).rows())
    kinds = [int, int, int, float, float, float, int, float, str, str, str, int]
    assert [type(value) for value in row[1:]] == kinds


def test_fractional_weights_stay_fractional():
    row = next(fit_bradley_terry(matchups_of([("a", "b", 1), ("b", "a", 1)], [0.25, 1])).rows())
    assert row.matches == 1.25


def test_odd_scores_leave_the_matches_whole():
    # Ten tenths of a point and ten times nine do not add up to exactly ten games; their count does.
    rows = fit_bradley_terry(matchups_of([("a", "b", 0.1)] * 10)).rows()
    assert [row.matches for row in rows] == [10, 10]


def test_the_scale_and_the_level_are_stated():
    ratings = fit_bradley_terry(matchups_of(ring()), level=0.9)
    assert (ratings.method, ratings.level) == ("bt", 0.9)
    assert "400" in ratings.scale
