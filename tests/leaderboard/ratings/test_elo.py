"""Online Elo: by hand, against evalica, and what it does not claim."""

import evalica
import numpy as np
import pytest

from leaderboard.ratings import fit_elo
from tests.leaderboard.ratings.games import simulate


def test_two_games_by_hand():
    # Equal players: a's win is worth k / 2 = 16 each way. Then 1016 meets 984: a is expected to take
    # 1 / (1 + 10^(-32 / 400)) = 0.545922 and ties, so it gives back 32 * 0.045922 = 1.469498.
    ratings = fit_elo(["a", "b"], ["b", "a"], [1, 0.5], k=32)
    np.testing.assert_allclose(ratings.rating, [1014.530502, 985.469498], atol=1e-6)
    assert ratings.rank.tolist() == [1, 2]
    assert ratings.score.tolist() == [0.75, 0.25]


def test_agrees_with_evalica():
    rng = np.random.default_rng(2)
    first, second, score = simulate(rng.normal(0, 1, 15), 5000, rng, ties=0.2)
    ours = fit_elo(first, second, score, players=range(15))
    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.elo(first, second, [winner[value] for value in score.tolist()], k=4.0)
    np.testing.assert_allclose(ours.rating, theirs.scores.loc[list(range(15))].to_numpy(), atol=1e-6)


def test_trap_13_the_order_of_the_games_matters_so_no_interval_is_claimed():
    forwards = fit_elo(["a", "a"], ["b", "b"], [1, 0], k=32)
    backwards = fit_elo(["a", "a"], ["b", "b"], [0, 1], k=32)
    assert forwards.rating[0] < 1000 < backwards.rating[0]
    row = next(forwards.rows())
    assert (row.rating_lower, row.rating_upper, row.rank_lower, row.rank_upper) == (None,) * 4
    assert np.isnan(forwards.level)
    assert forwards.covariance is None


def test_an_unbeaten_player_has_an_elo_rating_and_an_absent_one_has_none():
    ratings = fit_elo(["a"], ["b"], [1], players=["z", "a", "b"], initial=1500)
    rows = {row.player: row for row in ratings.rows()}
    assert rows["a"].rating == 1502  # k = 4, half of it
    assert (rows["z"].rating, rows["z"].rank, rows["z"].reason) == (None, None, "no matches")


def test_points_are_kept():
    rng = np.random.default_rng(2)
    ratings = fit_elo(*simulate(rng.normal(0, 1, 5), 500, rng))
    assert ratings.rating.sum() == pytest.approx(5 * 1000)


def test_no_games():
    assert list(fit_elo([], [], []).rows()) == []


def test_an_absurd_k_does_not_overflow():
    assert np.isfinite(fit_elo(["a", "a"], ["b", "b"], [1, 0], k=1e9).rating).all()


@pytest.mark.parametrize("k", [0, -4, float("nan"), float("inf")])
def test_a_k_that_is_not_positive_is_refused(k):
    with pytest.raises(ValueError, match="is not positive"):
        fit_elo(["a"], ["b"], [1], k=k)


def test_bad_rows_are_refused_by_number():
    with pytest.raises(ValueError, match="row 1: 'b' cannot meet itself"):
        fit_elo(["a", "b"], ["b", "b"], [1, 1])
