"""Clustered intervals: against a naive implementation, with few clusters, with two columns."""

import numpy as np
import pytest

from leaderboard.ratings import Limits, fit_bradley_terry, fit_davidson, fit_style
from leaderboard.ratings.clusters import FEW, positive_part, summed_scores
from leaderboard.ratings.games import Column, Games
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.leaderboard.ratings.games import simulate


def clustered_games(seed, clusters, games=600, size=6, spread=0.5, voters=7):
    """Games on prompts that each favour some players, by voters without a will of their own."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(-0.8, 0.8, size)
    first, second = rng.integers(0, size, (2, games))
    kept = first != second
    first, second = first[kept], second[kept]
    prompt = rng.integers(0, clusters, len(first))
    favour = rng.normal(0, spread, (clusters, size))
    lead = strength[first] - strength[second] + favour[prompt, first] - favour[prompt, second]
    won = rng.random(len(first)) < 1 / (1 + np.exp(-lead))
    columns = {
        "prompt": Column(tuple(range(clusters)), prompt),
        "voter": Column(tuple(range(voters)), rng.integers(0, voters, len(first))),
    }
    style = {"length": rng.normal(0, 1, len(first))}
    return Games(tuple(range(size)), first, second, np.where(won, 4, 0).astype(np.int8), None, columns, style)


def design_of(games, size):
    design = np.zeros((len(games), size))
    design[np.arange(len(games)), games.first] = 1
    design[np.arange(len(games)), games.second] = -1
    return design


def naive_variance(games, ratings, place, bend):
    """(K, K) in natural units by explicit matrices of games: CR0 times G / (G - 1), or CR2."""
    size = len(games.players)
    theta = (ratings.rating - 1000) / POINTS_PER_NAT
    design = design_of(games, size)
    win = 1 / (1 + np.exp(-design @ theta))
    weight = win * (1 - win)
    inverse = np.linalg.pinv(design.T @ (design * weight[:, None]))
    meat = np.zeros((size, size))
    clusters = np.unique(place)
    for cluster in clusters:
        rows = place == cluster
        x, w, residual = design[rows], weight[rows], (games.score - win)[rows]
        if bend:
            root = np.sqrt(w)[:, None] * x
            hat = root @ inverse @ root.T
            values, vectors = np.linalg.eigh(np.eye(len(hat)) - hat)
            power = np.where(values > 1e-9, np.abs(values) ** -0.5, 0)
            residual = np.sqrt(w) * ((vectors * power) @ vectors.T @ (residual / np.sqrt(w)))
        score = x.T @ residual
        meat += np.outer(score, score)
    return inverse @ meat @ inverse * (1 if bend else len(clusters) / (len(clusters) - 1))


def contrasts(matrix):
    """Variances of all differences, which no gauge changes."""
    variance = np.diagonal(matrix)
    return variance[:, None] + variance[None, :] - 2 * matrix


@pytest.mark.parametrize("clusters", [8, FEW + 20])
def test_a_naive_implementation_agrees(clusters):
    games = clustered_games(1, clusters)
    ratings = fit_bradley_terry(games, cluster=["prompt"])
    naive = naive_variance(games, ratings, games.columns["prompt"].place, bend=clusters <= FEW)
    ours = contrasts(ratings.covariance) / POINTS_PER_NAT**2
    np.testing.assert_allclose(ours, contrasts(naive), rtol=1e-6, atol=1e-12)


def test_one_cluster_a_game_is_the_independent_sandwich():
    games = clustered_games(2, 5)
    alone = Games(*[getattr(games, name) for name in ("players", "first", "second", "quarters")])
    numbered = Games(
        games.players,
        games.first,
        games.second,
        games.quarters,
        None,
        {"game": Column(tuple(range(len(games))), np.arange(len(games)))},
    )
    plain, own = fit_bradley_terry(alone), fit_bradley_terry(numbered, cluster=["game"])
    share = len(games) / (len(games) - 1)
    np.testing.assert_allclose(own.covariance, share * plain.covariance, rtol=1e-9, atol=1e-9)


def test_trap_7_cells_with_counts_equal_their_rows():
    games = clustered_games(3, 10)
    twice = games.take(np.repeat(np.arange(len(games)), 2))
    counted = Games(
        games.players,
        games.first,
        games.second,
        games.quarters,
        np.full(len(games), 2.0),
        games.columns,
        games.covariates,
    )
    for fit in (fit_bradley_terry, fit_davidson_ready, lambda *a, **k: fit_style(*a, **k).controlled):
        one, other = fit(twice, cluster=["prompt"]), fit(counted, cluster=["prompt"])
        np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-7, atol=1e-7)


def fit_davidson_ready(games, **more):
    """Davidson needs ties: every seventh game becomes one."""
    quarters = np.where((games.first + 3 * games.second) % 7 == 0, 2, games.quarters).astype(np.int8)
    return fit_davidson(
        Games(games.players, games.first, games.second, quarters, games.count, games.columns), **more
    )


def test_many_clusters_take_a_sparse_table_and_the_same_sums():
    rng = np.random.default_rng(4)
    first, second, score = simulate(rng.normal(0, 1, 300), 3000, rng)
    games = Games(tuple(range(300)), first, second, (4 * score).astype(np.int8))
    scores = fit_scores(games)
    place, count = rng.integers(0, 40_000, len(games)), 40_000  # 12 million cells
    sparse = summed_scores(games, scores, place, count)
    dense = np.zeros((count, 300))
    np.add.at(dense, (place, games.first), scores.lead)
    np.add.at(dense, (place, games.second), -scores.lead)
    assert not isinstance(sparse, np.ndarray)
    np.testing.assert_allclose(sparse.toarray(), dense)


def fit_scores(games):
    from leaderboard.ratings.clusters import GameScores

    return GameScores(games.score - 0.5, np.zeros((len(games), 0)))


def test_trap_6_few_clusters_give_no_interval():
    few = fit_bradley_terry(clustered_games(5, 4), cluster=["prompt"])
    assert np.isnan(few.rating_lower).all()
    assert set(few.note) == {"too few prompts: 4 of the 6 that an interval needs"}
    assert set(few.status) == {"provisional"}
    assert few.rank.min() == 1
    assert few.rank_lower.tolist() == [0] * 6
    allowed = fit_bradley_terry(clustered_games(5, 4), cluster=["prompt"], limits=Limits(fewest_clusters=3))
    assert np.isfinite(allowed.rating_lower).all()


def test_trap_6_a_model_on_few_prompts_has_no_interval_beside_others_that_do():
    games = clustered_games(6, 12)
    newcomer = (games.first == 0) | (games.second == 0)
    early = games.columns["prompt"].place < 3
    ratings = fit_bradley_terry(games.take(~newcomer | early), cluster=["prompt"])
    assert np.isnan(ratings.rating_lower).tolist() == [True] + [False] * 5
    assert ratings.note[0] == "too few prompts: 3 of the 6 that an interval needs"


def test_trap_6_student_t_widens_few_clusters():
    # t(7) at 97.5 % is 2.364624 where the normal law has 1.959964.
    ratings = fit_bradley_terry(clustered_games(7, 8), cluster=["prompt"])
    half = (ratings.rating_upper - ratings.rating_lower) / 2
    np.testing.assert_allclose(half / np.sqrt(np.diagonal(ratings.covariance)), 2.364624, rtol=1e-6)


def test_trap_6_intervals_of_few_prompts_hold():
    # 150 boards of 6 models on 8 prompts that favour some: 900 intervals. The plain clustered sandwich with
    # the normal quantile, which the trap is about, held 86 % of the time here.
    strength = np.linspace(-0.8, 0.8, 6)
    held, plain = [], []
    for seed in range(150):
        games = clustered_games(seed, 8, games=400)
        ratings = fit_bradley_terry(games, cluster=["prompt"])
        place = games.columns["prompt"].place
        naive = naive_variance(games, ratings, place, bend=False) * 7 / 8 * POINTS_PER_NAT**2
        truth = pairwise(strength * POINTS_PER_NAT)
        error = np.abs(pairwise(ratings.rating) - truth)
        quantile = 2.364624  # t(7) at 97.5 %
        held.append(error < quantile * np.sqrt(contrasts(ratings.covariance)[UPPER]))
        plain.append(error < 1.959964 * np.sqrt(contrasts(naive)[UPPER]))
    assert 0.93 <= np.mean(held) <= 0.98
    assert np.mean(plain) < 0.9


UPPER = np.triu_indices(6, 1)


def pairwise(rating):
    return (rating[:, None] - rating[None, :])[UPPER]


def test_trap_6_two_way_clusters_are_repaired_to_positive_semi_definite():
    seen = 0
    for seed in range(30):
        games = clustered_games(seed, 6, games=60, spread=0, voters=6)
        ratings = fit_bradley_terry(games, cluster=["prompt", "voter"], limits=Limits(fewest_clusters=2))
        if np.isnan(ratings.covariance).any():
            continue
        seen += 1
        assert np.linalg.eigvalsh(ratings.covariance).min() > -1e-6 * np.trace(ratings.covariance)
        assert contrasts(ratings.covariance).min() > -1e-6 * np.trace(ratings.covariance)
    assert seen > 10


def test_a_repair_cuts_negative_directions_only():
    # Eigenvalues 3 and -1 along (1, 1) and (1, -1): what is left is 3/2 everywhere.
    np.testing.assert_allclose(positive_part(np.array([[1.0, 2.0], [2.0, 1.0]])), np.full((2, 2), 1.5))
    fine = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert positive_part(fine) is fine


def test_two_columns_are_the_sum_less_their_cells():
    games = clustered_games(8, 150, games=3000, voters=140)
    one, other = (fit_bradley_terry(games, cluster=[name]) for name in ("prompt", "voter"))
    both = fit_bradley_terry(games, cluster=["prompt", "voter"])
    place = games.columns["prompt"].place * 140 + games.columns["voter"].place
    joint = naive_variance(games, both, place, bend=False) * POINTS_PER_NAT**2
    expected = contrasts(one.covariance) + contrasts(other.covariance) - contrasts(joint)
    np.testing.assert_allclose(contrasts(both.covariance), expected, rtol=1e-6, atol=1e-6)


def test_trap_8_votes_on_one_prompt_tell_less_than_as_many_on_their_own():
    games = clustered_games(9, 40, games=8000, spread=0.8)
    plain, own = fit_bradley_terry(games), fit_bradley_terry(games, cluster=["prompt"])
    wider = (own.rating_upper - own.rating_lower) / (plain.rating_upper - plain.rating_lower)
    # Favour of 0.8 a prompt against a noise of about 2 / sqrt(67) = 0.24 on each of a model's prompts.
    assert (wider > 1.5).all()


@pytest.mark.parametrize("names", [["prompt", "voter", "day"], ["day"]])
def test_columns_that_are_not_there_are_refused(names):
    with pytest.raises(ValueError, match=r"not 3|no column 'day'; there are: prompt, voter"):
        fit_bradley_terry(clustered_games(1, 8), cluster=names)


def test_trap_7_counts_alone_cannot_be_clustered():
    with pytest.raises(ValueError, match="need Games"):
        fit_bradley_terry(clustered_games(1, 8).matchups(), cluster=["prompt"])


def test_trap_7_cells_keep_what_clusters_need():
    games = clustered_games(4, 9)
    cells = games.cells("prompt", "voter")
    assert cells.count.sum() == len(games)
    assert len(cells) < len(games)
    rows, kept = (
        {
            (
                each.columns["prompt"].place[at],
                each.columns["voter"].place[at],
                each.first[at],
                each.second[at],
            )
            for at in range(len(each))
        }
        for each in (games, cells)
    )
    assert rows == kept
    for names in (["prompt"], ["prompt", "voter"]):
        one, other = fit_bradley_terry(games, cluster=names), fit_bradley_terry(cells, cluster=names)
        np.testing.assert_allclose(one.rating, other.rating, atol=1e-6)
        np.testing.assert_allclose(one.rating_upper, other.rating_upper, atol=1e-6)
    assert len(games.take(np.zeros(0, int)).cells("prompt")) == 0


def test_one_cluster_shows_no_spread():
    games = clustered_games(1, 1)
    ratings = fit_bradley_terry(games, cluster=["prompt"], limits=Limits(fewest_clusters=1))
    assert np.isnan(ratings.rating_lower).all()
    assert ratings.note[0].startswith("no interval")
    assert (ratings.rank_lower.tolist(), ratings.rank_upper.tolist()) == ([1] * 6, [6] * 6)


def test_coefficients_take_students_t_and_need_clusters_too():
    # t(7) at 97.5 % is 2.364624, and every model meets all 8 prompts; 4 prompts are too few.
    games = clustered_games(7, 8)
    (eight,) = fit_style(games, cluster=["prompt"]).controlled.coefficients
    half = (eight.upper - eight.lower) / 2
    (many,) = fit_style(games, cluster=["prompt"], level=0.5).controlled.coefficients
    # t(7) at 75 % is 0.711142.
    assert half / ((many.upper - many.lower) / 2) == pytest.approx(2.364624 / 0.711142, rel=1e-5)
    (few,) = fit_style(clustered_games(7, 4), cluster=["prompt"]).controlled.coefficients
    assert (few.lower, few.upper) == (None, None)
