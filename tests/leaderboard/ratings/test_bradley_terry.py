"""The fit against oracles, its derivatives, its laws."""

import choix
import evalica
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from leaderboard.ratings import Matchups, NotConverged, fit_bradley_terry
from leaderboard.ratings.bradley_terry import PairLikelihood
from leaderboard.ratings.newton import minimise
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.leaderboard.ratings.games import (
    NAMES,
    any_games,
    connected_games,
    laws,
    matchups_of,
    ring,
    simulate,
)

CLOSE = 1e-4  # points
WINNER = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}


def lively_games(seed, games=3000, size=20, ties=0.2):
    """Connected games of players up to some 700 points apart, some of them rarely seen."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, size + 1)
    first, second, score = simulate(rng.normal(0, 1, size), games, rng, ties, share / share.sum())
    everyone = np.arange(size)
    return (
        np.concatenate([first, everyone]),
        np.concatenate([second, np.roll(everyone, 1)]),
        np.concatenate([score, np.full(size, 0.5)]),
    )


def gaps(points):
    return points - points.mean()


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_evalica(seed):
    first, second, score = lively_games(seed)
    ours = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(20)))
    theirs = evalica.bradley_terry(
        first, second, [WINNER[value] for value in score.tolist()], tolerance=1e-12, limit=100_000
    )
    strength = theirs.scores.loc[list(range(20))].to_numpy()
    np.testing.assert_allclose(gaps(ours.rating), gaps(400 * np.log10(strength)), atol=CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_choix(seed):
    first, second, score = lively_games(seed)
    ours = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(20)))
    wins = np.zeros((20, 20))
    np.add.at(wins, (first, second), score)
    np.add.at(wins, (second, first), 1 - score)
    theirs = choix.ilsr_pairwise_dense(wins, max_iter=10_000, tol=1e-11)
    np.testing.assert_allclose(gaps(ours.rating), gaps(POINTS_PER_NAT * theirs), atol=CLOSE)


def test_three_players_by_hand():
    # b and c split evenly, a takes 3 of 4 from each. Symmetry makes b = c, and then each of a's games is
    # won with 3/4: the gap is 400 log10(3) = 190.8485. Games: a 8, b 6, c 6 of 20, so a stands
    # 190.8485 * 12 / 20 = 114.5091 above 1000 and the others 190.8485 * 8 / 20 = 76.3394 below.
    rows = (
        [("a", "b", 1)] * 3
        + [("a", "c", 1)] * 3
        + [("b", "a", 1), ("c", "a", 1), ("b", "c", 1), ("c", "b", 1)]
    )
    ratings = fit_bradley_terry(matchups_of(rows, players="abc"))
    np.testing.assert_allclose(ratings.rating, [1114.5091, 923.6606, 923.6606], atol=CLOSE)
    assert ratings.rank.tolist() == [1, 2, 2]


def test_the_mean_weighted_by_games_is_as_asked():
    first, second, score = lively_games(1)
    ratings = fit_bradley_terry(Matchups.from_rows(first, second, score), mean=1500)
    assert np.average(ratings.rating, weights=ratings.matches) == pytest.approx(1500, abs=1e-6)


def likelihood(seed):
    first, second, score = lively_games(seed, games=200, size=8)
    return PairLikelihood(total_pairs(Matchups.from_rows(first, second, score)))


@pytest.mark.parametrize("seed", range(3))
def test_derivatives(seed):
    problem = likelihood(seed)
    theta = np.random.default_rng(seed).normal(0, 1, 8)  # off the gauge, so that its terms are seen too
    scale = np.linalg.norm(problem.gradient(theta))
    assert check_grad(problem.objective, problem.gradient, theta) < 1e-5 * scale
    for place in range(8):
        error = check_grad(
            lambda at, place=place: problem.gradient(at)[place],
            lambda at, place=place: problem.hessian(at)[place],
            theta,
        )
        assert error < 1e-5 * np.linalg.norm(problem.hessian(theta)[place])


def test_the_objective_is_the_likelihood_game_by_game():
    matchups = matchups_of([("a", "b", 0.75), ("b", "a", 0.5), ("a", "b", 1)], players="ab")
    # At a lead of 1 for a: s = 1 / (1 + e^-1); points of a are 0.75 + 0.5 + 1 = 2.25 of 3. Both played 3
    # of 6 player-games, so the weighted mean of (1, 0) is 1/2 and the gauge adds 3/2 * (1/2)^2.
    win = 1 / (1 + np.exp(-1))
    expected = -(2.25 * np.log(win) + 0.75 * np.log(1 - win)) + 1.5 * 0.25
    assert PairLikelihood(total_pairs(matchups)).objective(np.array([1.0, 0.0])) == pytest.approx(expected)


def test_a_rarely_played_model_is_at_its_maximum_too():
    # Trap 1: x took 1 of 3 from a, whose other 200,000 games drown x's gradient. Its gap to a is exactly
    # 400 log10(1/2) since a is the only bridge.
    counts = [1e5, 1e5, 1, 2]
    ratings = fit_bradley_terry(
        matchups_of([("a", "b", 1), ("b", "a", 1), ("x", "a", 1), ("a", "x", 1)], counts, players="abx")
    )
    assert ratings.rating[2] - ratings.rating[0] == pytest.approx(400 * np.log10(0.5), abs=1e-6)


def test_huge_gaps_converge():
    # 9,999 to 1 in a chain of four: each gap is 400 log10(9999) = 1599.98.
    rows = [row for one, other in ("ab", "bc", "cd") for row in ((one, other, 1), (other, one, 1))]
    ratings = fit_bradley_terry(matchups_of(rows, [9999, 1] * 3, players="abcd"))
    np.testing.assert_allclose(-np.diff(ratings.rating), 400 * np.log10(9999), atol=CLOSE)


def test_trap_1_a_fit_that_stops_early_is_refused():
    with pytest.raises(NotConverged, match="no minimum after 2 Newton steps"):
        minimise(likelihood(0), np.zeros(8), limit=2)


def test_a_hopelessly_one_sided_result_is_refused():
    with pytest.raises(NotConverged):
        fit_bradley_terry(matchups_of([("a", "b", 1), ("b", "a", 1)], [1.0, 1e-300]))


@pytest.mark.parametrize("level", [0, 1, -0.5, 95])
def test_a_level_outside_0_1_is_refused(level):
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        fit_bradley_terry(matchups_of(ring()), level=level)


# ---- laws, on any games: rated or not must follow them too

FIELDS = ("rating", "rating_lower", "rating_upper", "matches", "score")


def assert_same(one, other, order=None):
    order = np.arange(len(one.players)) if order is None else order
    for field in FIELDS:
        np.testing.assert_allclose(
            getattr(one, field), getattr(other, field)[order], atol=CLOSE, err_msg=field
        )
    for field in ("rank", "rank_lower", "rank_upper"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field)[order], err_msg=field)
    assert one.reason == tuple(np.array(other.reason)[order].tolist())


def fit(rows, count=None):
    return fit_bradley_terry(matchups_of(rows, count, players=NAMES))


@laws
@given(any_games)
def test_law_swapping_sides_changes_nothing(rows):
    assert_same(fit(rows), fit([(second, first, 1 - score) for first, second, score in rows]))


@laws
@given(connected_games)
def test_law_mirrored_results_mirror_the_ratings(rows):
    ours, mirrored = fit(rows), fit([(second, first, score) for first, second, score in rows])
    np.testing.assert_allclose(ours.rating - 1000, 1000 - mirrored.rating, atol=CLOSE)
    np.testing.assert_allclose(ours.rating_upper - 1000, 1000 - mirrored.rating_lower, atol=CLOSE)


@laws
@given(any_games, st.randoms())
def test_law_row_order_does_not_matter(rows, random):
    assert_same(fit(rows), fit(random.sample(rows, len(rows))))


@laws
@given(connected_games, st.permutations(NAMES))
def test_law_labels_do_not_matter(rows, names):
    renamed = dict(zip(NAMES, names, strict=True))
    other = fit([(renamed[first], renamed[second], score) for first, second, score in rows])
    assert_same(fit(rows), other, [NAMES.index(renamed[name]) for name in NAMES])


@laws
@given(any_games, st.data())
def test_law_a_weight_equals_duplicates(rows, data):
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    assert_same(fit(rows, counts), fit(repeated))


@laws
@given(connected_games)
def test_law_counts_equal_rows(rows):
    joined = matchups_of(rows, players=NAMES)
    first, second, score = zip(*rows, strict=True)
    loose = Matchups(
        NAMES,
        np.array([NAMES.index(name) for name in first]),
        np.array([NAMES.index(name) for name in second]),
        np.array(score),
        np.ones(len(rows)),
    )
    assert_same(fit_bradley_terry(joined), fit_bradley_terry(loose))


@laws
@given(any_games)
def test_law_every_row_is_whole(rows):
    ratings = fit(rows)
    rated = int((ratings.rank > 0).sum())
    for row in ratings.rows():
        assert (row.rank is None) == (row.rating is None) == (row.reason != "")
        if row.rank_lower is not None:
            assert 1 <= row.rank_lower <= row.rank <= row.rank_upper <= rated
            assert row.rating_lower < row.rating < row.rating_upper
        else:
            assert (row.rank_upper, row.rating_lower, row.rating_upper) == (None, None, None)
