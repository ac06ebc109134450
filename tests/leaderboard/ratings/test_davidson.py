"""Davidson's model: by hand, its derivatives, a second implementation, and where it has no maximum."""

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize

from leaderboard.ratings import Matchups, fit_bradley_terry, fit_davidson
from leaderboard.ratings.davidson import NO_CIRCLE, DavidsonLikelihood
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.leaderboard.ratings.games import matchups_of, ring
from tests.leaderboard.ratings.test_bradley_terry import lively_games


def davidson_games(seed, games=4000, size=12, nu=1.2):
    """Games drawn from the model itself."""
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 0.8, size)
    first, second = rng.integers(0, size, (2, games))
    kept = first != second
    first, second = first[kept], second[kept]
    lead = strength[first] - strength[second]
    weights = np.exp(np.stack([-lead / 2, np.full(len(lead), np.log(nu)), lead / 2]))
    drawn = (rng.random(len(lead)) > np.cumsum(weights / weights.sum(axis=0), axis=0)).sum(axis=0)
    return strength, first, second, drawn / 2


def test_two_players_by_hand():
    # 6 wins, 4 ties, 2 losses of 12: two players and nu fit the three shares exactly. Odds of a win against
    # a loss are 3, so the gap is 400 log10(3) = 190.8485; nu = ties / sqrt(wins losses) = 4 / sqrt(12).
    ratings = fit_davidson(matchups_of([("a", "b", 1), ("a", "b", 0.5), ("a", "b", 0)], [6, 4, 2]))
    assert ratings.rating[0] - ratings.rating[1] == pytest.approx(190.8485, abs=1e-4)
    (nu,) = ratings.coefficients
    assert nu.value == pytest.approx(1.154701, abs=1e-6)
    # Delta method on a trinomial: var(log w/l) = 1/6 + 1/2 = 2/3, of log nu = 1/4 + 1/4 (1/6 + 1/2) = 5/12.
    assert np.log(nu.upper / nu.value) == pytest.approx(1.959964 * np.sqrt(5 / 12), abs=1e-5)
    half = 1.959964 * np.sqrt(2 / 3) / 2 * POINTS_PER_NAT
    assert ratings.rating_upper[0] - ratings.rating[0] == pytest.approx(half, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_derivatives(seed):
    _, first, second, score = davidson_games(seed, games=300, size=6)
    problem = DavidsonLikelihood(total_pairs(Matchups.from_rows(first, second, score, players=range(6))))
    theta = np.random.default_rng(seed).normal(0, 1, 7)
    assert check_grad(problem.objective, problem.gradient, theta) < 1e-5 * np.linalg.norm(
        problem.gradient(theta)
    )
    for place in range(7):
        error = check_grad(
            lambda at, place=place: problem.gradient(at)[place],
            lambda at, place=place: problem.hessian(at)[place],
            theta,
        )
        assert error < 1e-5 * np.linalg.norm(problem.hessian(theta)[place])


def test_a_naive_fit_game_by_game_agrees():
    _, first, second, score = davidson_games(3, games=800, size=5)

    def loss(theta):
        lead = theta[first] - theta[second]
        terms = np.stack([-lead / 2, np.full(len(lead), theta[5]), lead / 2])
        own = np.choose((2 * score).astype(int), terms)
        return -(own - np.log(np.exp(terms).sum(axis=0))).sum() + theta[:5].sum() ** 2

    naive = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-6}).x
    ours = fit_davidson(Matchups.from_rows(first, second, score, players=range(5)))
    np.testing.assert_allclose(
        ours.rating - ours.rating.mean(), POINTS_PER_NAT * (naive[:5] - naive[:5].mean()), atol=1e-2
    )
    assert ours.coefficients[0].value == pytest.approx(np.exp(naive[5]), rel=1e-4)


def test_trap_12_davidson_has_a_wider_scale_and_says_so():
    # 37 % of ties between equals make it 1 / (1 - .37) = 1.59 times wider.
    _, first, second, score = davidson_games(1, games=60_000, nu=1.3)
    matchups = Matchups.from_rows(first, second, score)
    ties = np.mean(score == 0.5)
    wide, plain = fit_davidson(matchups), fit_bradley_terry(matchups)
    assert np.std(wide.rating) / np.std(plain.rating) == pytest.approx(1 / (1 - ties), rel=0.06)
    assert np.corrcoef(wide.rating, plain.rating)[0, 1] > 0.999
    assert f"about {1 / (1 - ties):.2f} times as wide" in wide.scale


def test_without_a_circle_of_wins_nobody_is_rated():
    # a beat b and tied with b: with nu without end the likelihood grows for ever.
    ratings = fit_davidson(matchups_of([("a", "b", 1), ("a", "b", 0.5)]))
    assert ratings.reason == (NO_CIRCLE, NO_CIRCLE)
    assert ratings.status == ("unrated", "unrated")
    assert fit_bradley_terry(matchups_of([("a", "b", 1), ("a", "b", 0.5)])).rank.tolist() == [1, 2]


def test_without_a_tie_bradley_terry_is_the_model():
    ratings = fit_davidson(matchups_of(ring()))
    assert set(ratings.reason) == {
        "no game ended in a tie, so the share of ties has no maximum: use Bradley-Terry"
    }


def test_shares_of_a_point_are_refused():
    with pytest.raises(ValueError, match="a share of a point is none of them"):
        fit_davidson(matchups_of([("a", "b", 0.25)]))


def test_intervals_hold():
    # 60 boards of 12 models: 720 intervals; allow four standard errors of 0.8 %.
    held = []
    for seed in range(60):
        strength, first, second, score = davidson_games(seed, games=800)
        ratings = fit_davidson(Matchups.from_rows(first, second, score, players=range(12)))
        truth = 1000 + POINTS_PER_NAT * (strength - np.average(strength, weights=ratings.matches))
        held.append((ratings.rating_lower <= truth) & (truth <= ratings.rating_upper))
    assert 0.915 <= np.mean(held) <= 0.985


def test_law_mirrored_results_mirror_the_ratings():
    first, second, score = lively_games(4)
    ours = fit_davidson(Matchups.from_rows(first, second, score, players=range(20)))
    mirrored = fit_davidson(Matchups.from_rows(second, first, score, players=range(20)))
    np.testing.assert_allclose(ours.rating - 1000, 1000 - mirrored.rating, atol=1e-4)
    assert ours.coefficients[0].value == pytest.approx(mirrored.coefficients[0].value)
