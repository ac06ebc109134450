"""Laws of Davidson's model and of clustered intervals, on any games; Bradley-Terry's stand beside its fit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.ratings import fit_bradley_terry, fit_davidson
from leaderboard.ratings.games import Column, Games
from tests.leaderboard.ratings.games import NAMES, any_games, laws, matchups_of, ring
from tests.leaderboard.ratings.test_bradley_terry import assert_same

decided = any_games.map(lambda rows: [row for row in rows if row[2] in (0.0, 0.5, 1.0)])
connected = decided.map(lambda rows: [*ring(), ("a", "c", 0.5), *rows])


def fit(rows, count=None):
    return fit_davidson(matchups_of(rows, count, players=NAMES))


@laws
@given(decided)
def test_law_swapping_sides_changes_nothing(rows):
    assert_same(fit(rows), fit([(second, first, 1 - score) for first, second, score in rows]))


@laws
@given(connected)
def test_law_mirrored_results_mirror_the_ratings(rows):
    ours, mirrored = fit(rows), fit([(second, first, score) for first, second, score in rows])
    np.testing.assert_allclose(ours.rating - 1000, 1000 - mirrored.rating, atol=1e-4)
    np.testing.assert_allclose(ours.rating_upper - 1000, 1000 - mirrored.rating_lower, atol=1e-4)
    assert abs(ours.coefficients[0].value - mirrored.coefficients[0].value) < 1e-6


@laws
@given(decided, st.data())
def test_law_a_weight_equals_duplicates(rows, data):
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    assert_same(fit(rows, counts), fit(repeated))


def games_of(rows, prompts):
    columns = {"prompt": Column(tuple(range(8)), np.array(prompts, np.intp))}
    first = np.array([NAMES.index(row[0]) for row in rows], np.intp)
    second = np.array([NAMES.index(row[1]) for row in rows], np.intp)
    quarters = np.array([4 * row[2] for row in rows], np.int8)
    return Games(NAMES, first, second, quarters, None, columns)


@laws
@given(any_games, st.data())
def test_law_clusters_follow_their_rows_and_not_their_names(rows, data):
    prompts = data.draw(st.lists(st.integers(0, 7), min_size=len(rows), max_size=len(rows)))
    games, order = games_of(rows, prompts), data.draw(st.permutations(range(len(rows))))
    names = np.array(data.draw(st.permutations(range(8))), np.intp)
    moved = games_of(rows, names[prompts] if rows else []).take(np.array(order, np.intp))
    ours = fit_bradley_terry(games, cluster=["prompt"])
    assert_same(ours, fit_bradley_terry(moved, cluster=["prompt"]))
    assert_same(ours, fit_bradley_terry(games.cells("prompt"), cluster=["prompt"]))
