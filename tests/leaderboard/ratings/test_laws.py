"""Laws on any games: a naive Bradley-Terry agrees; Davidson, style control and clusters follow theirs.

The other laws of Bradley-Terry stand beside its fit.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.ratings import fit_bradley_terry, fit_davidson, fit_style
from leaderboard.ratings.games import Column, Games
from tests.leaderboard.ratings import naive
from tests.leaderboard.ratings.games import NAMES, any_games, connected_games, laws, matchups_of, ring
from tests.leaderboard.ratings.test_bradley_terry import assert_same

decided = any_games.map(lambda rows: [row for row in rows if row[2] in (0.0, 0.5, 1.0)])
connected = decided.map(lambda rows: [*ring(), ("a", "c", 0.5), *rows])


@laws
@given(any_games)
def test_law_a_naive_implementation_agrees(rows):
    ours = fit_bradley_terry(matchups_of(rows, players=NAMES))
    rating, error = naive.fit(NAMES, rows)
    np.testing.assert_allclose(ours.rating, rating, atol=1e-4)
    np.testing.assert_allclose((ours.rating_upper - ours.rating_lower) / 2, 1.959964 * error, atol=1e-3)


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
@given(connected, st.randoms(), st.permutations(NAMES))
def test_law_row_order_and_labels_do_not_matter(rows, random, names):
    renamed = dict(zip(NAMES, names, strict=True))
    mixed = random.sample(rows, len(rows))
    other = fit([(renamed[first], renamed[second], score) for first, second, score in mixed])
    assert_same(fit(rows), other, [NAMES.index(renamed[name]) for name in NAMES])


@laws
@given(decided, st.data())
def test_law_a_weight_equals_duplicates(rows, data):
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    assert_same(fit(rows, counts), fit(repeated))


def games_of(rows, prompts, players=NAMES, length=None, count=None):
    columns = {"prompt": Column(tuple(range(8)), np.array(prompts, np.intp))}
    first = np.array([players.index(row[0]) for row in rows], np.intp)
    second = np.array([players.index(row[1]) for row in rows], np.intp)
    quarters = np.array([4 * row[2] for row in rows], np.int8)
    covariates = {} if length is None else {"length": np.array(length, float)}
    return Games(players, first, second, quarters, count, columns, covariates)


def styled(rows, data):
    """These games thrice, with differences in length that turn once, so that no length decides them."""
    length = [data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3])) for _ in rows]
    return [*rows, *rows, *rows], [*length, *length, *(-each for each in length)]


def controlled(rows, length, players=NAMES, count=None):
    games = games_of(rows, [0] * len(rows), players, length, count)
    return fit_style(games).controlled


def assert_same_control(one, other, order=None):
    assert_same(one, other, order)
    (ours,), (theirs,) = one.coefficients, other.coefficients
    np.testing.assert_allclose(ours[1:3], theirs[1:3], atol=1e-3)


@laws
@given(connected_games, st.data())
def test_law_style_mirrored_results_mirror_the_ratings(rows, data):
    rows, length = styled(rows, data)
    mirrored = [(second, first, score) for first, second, score in rows]
    ours, theirs = controlled(rows, length), controlled(mirrored, length)
    np.testing.assert_allclose(ours.rating - 1000, 1000 - theirs.rating, atol=1e-4)
    np.testing.assert_allclose(ours.rating_upper - 1000, 1000 - theirs.rating_lower, atol=1e-3)
    assert abs(ours.coefficients[0].value - theirs.coefficients[0].value) < 1e-4


@laws
@given(connected_games, st.randoms(), st.permutations(NAMES), st.data())
def test_law_style_row_order_and_labels_do_not_matter(rows, random, names, data):
    rows, length = styled(rows, data)
    order = random.sample(range(len(rows)), len(rows))
    mixed = controlled([rows[at] for at in order], [length[at] for at in order], tuple(names))
    assert_same_control(controlled(rows, length), mixed, [names.index(name) for name in NAMES])


@laws
@given(connected_games, st.data())
def test_law_style_a_weight_equals_duplicates(rows, data):
    rows, length = styled(rows, data)
    count = [data.draw(st.integers(1, 4)) for _ in rows]
    repeated = [at for at, times in enumerate(count) for _ in range(times)]
    loose = controlled([rows[at] for at in repeated], [length[at] for at in repeated])
    assert_same_control(controlled(rows, length, count=np.array(count, float)), loose)


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
