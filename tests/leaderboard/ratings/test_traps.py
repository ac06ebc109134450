"""The traps that other rating programs fall into, by number; more tests of a trap stand beside its method.

Clusters (6, 7, 8) are in test_clusters, intervals and ranks (9, 10) in test_intervals and test_separation,
people with a judge (11) in test_ppi, Davidson's scale (12) in test_davidson, a judge's orders (14) in
test_refresh too, the choice of pairs (15) in test_next_pairs.
"""

import sys

import numpy as np
import pytest

from leaderboard.ratings import (
    Limits,
    Matchups,
    bootstrap,
    fit_bradley_terry,
    fit_davidson,
    fit_elo,
    fit_shuffled_elo,
)
from leaderboard.ratings.connectivity import NOT_CONNECTED
from leaderboard.ratings.games import Column, Games
from leaderboard.ratings.tables import read_games
from tests.leaderboard.ratings.games import matchups_of, ring, simulate
from tests.leaderboard.ratings.test_clusters import clustered_games

BOTH = pytest.mark.parametrize("fit", [fit_bradley_terry, fit_davidson])
LIVELY = [*ring("abc"), ("a", "b", 0.5), ("b", "a", 1), ("c", "a", 0.5)]


@BOTH
def test_trap_1_every_model_is_at_its_maximum(fit):
    # x met only a, 3 games of 60,000; at the maximum its points are what was expected of it.
    rng = np.random.default_rng(1)
    first, second, score = simulate(rng.normal(0, 1, 12), 60_000, rng, ties=0.2)
    extra = (np.full(4, 12), np.zeros(4, int), np.array([1, 0, 0, 0.5]))
    columns = [np.concatenate(each) for each in zip((first, second, score), extra, strict=True)]
    ratings = fit(Matchups.from_rows(*columns, players=range(13)))
    lead = (ratings.rating[12] - ratings.rating[0]) / (400 / np.log(10))
    if fit is fit_bradley_terry:
        expected = 4 / (1 + np.exp(-lead))
    else:
        nu = ratings.coefficients[0].value
        expected = 4 * (np.exp(lead / 2) + nu / 2) / (np.exp(lead / 2) + np.exp(-lead / 2) + nu)
    assert expected == pytest.approx(1.5, abs=1e-6)


def test_trap_2_a_newcomers_interval_is_as_wide_as_its_games_say():
    # 40 games against equals: information 40 / 4 = 10, so a standard error of 173.7 / sqrt(10) = 54.9.
    rng = np.random.default_rng(2)
    first, second, score = simulate(np.zeros(10), 50_000, rng)
    games = (np.full(40, 10), np.arange(40) % 10, np.tile([1.0, 0.0], 20))
    columns = [np.concatenate(each) for each in zip((first, second, score), games, strict=True)]
    ratings = fit_bradley_terry(Matchups.from_rows(*columns, players=range(11)))
    half = ratings.rating_upper[10] - ratings.rating[10]
    assert half == pytest.approx(1.96 * 54.9, rel=0.02)


@BOTH
def test_trap_3_an_unbeaten_and_a_winless_model_have_no_rating_and_move_nobody(fit):
    alone = fit(matchups_of(LIVELY))
    ratings = fit(matchups_of([*LIVELY, ("u", "a", 1), ("u", "b", 1), ("a", "w", 1)]))
    assert ratings.status[3:] == ("unrated", "unrated")
    assert ratings.reason[3:] == (
        "won all 2 matches, so no upper bound yet",
        "lost its only match, so no lower bound yet",
    )
    assert np.isnan(ratings.rating[3:]).all()
    assert np.isnan(ratings.rating_lower[3:]).all()
    np.testing.assert_array_equal(ratings.rating[:3], alone.rating)
    np.testing.assert_array_equal(ratings.rating_upper[:3], alone.rating_upper)


@BOTH
def test_trap_4_disconnected_groups_are_rated_apart_and_labelled(fit):
    others = [("p", "q", 1), ("q", "p", 1), ("p", "q", 1), ("p", "q", 0.5)]
    ratings = fit(matchups_of([*LIVELY, *others, ("s", "t", 1), ("t", "s", 1), ("s", "t", 0.5)]))
    assert ratings.group.tolist() == [1, 1, 1, 2, 2, 3, 3]
    assert ratings.reason[3:] == (NOT_CONNECTED,) * 4
    second, third = ratings.apart
    assert (second.players, third.players) == (("p", "q"), ("s", "t"))
    alone = fit(matchups_of(others))
    np.testing.assert_array_equal(second.rating, alone.rating)
    np.testing.assert_allclose(third.rating, 1000)


def test_trap_4_games_with_clusters_are_parted_too():
    games = clustered_games(3, 9)
    shifted = Games(
        tuple(range(12)),
        np.concatenate([games.first, games.first[:200] + 6]),
        np.concatenate([games.second, games.second[:200] + 6]),
        np.concatenate([games.quarters, games.quarters[:200]]),
        None,
        {
            name: Column(each.labels, np.append(each.place, each.place[:200]))
            for name, each in games.columns.items()
        },
    )
    whole, part = fit_bradley_terry(shifted, cluster=["prompt"]), games.take(np.arange(200))
    np.testing.assert_allclose(whole.rating[:6], fit_bradley_terry(games).rating, atol=1e-6)
    alone = fit_bradley_terry(part, cluster=["prompt"])
    np.testing.assert_allclose(whole.apart[0].rating_upper, alone.rating_upper, atol=1e-6)


def test_trap_5_only_ties_are_equals_without_an_interval():
    ratings = fit_bradley_terry(matchups_of([("a", "b", 0.5)] * 50 + [("b", "c", 0.5)] * 50))
    np.testing.assert_allclose(ratings.rating, 1000)
    assert np.isnan(ratings.rating_lower).all()
    assert set(ratings.note) == {"no interval: every result was as expected, so no spread was seen"}
    assert set(ratings.status) == {"provisional"}


@BOTH
def test_trap_5_no_games_are_an_empty_board(fit):
    assert list(fit(matchups_of([])).rows()) == []
    assert fit(matchups_of([], players="ab")).status == ("unrated", "unrated")


@BOTH
def test_trap_5_one_game_rates_nobody(fit):
    assert fit(matchups_of([("a", "b", 1)])).status == ("unrated", "unrated")


def test_trap_5_self_play_is_refused():
    with pytest.raises(ValueError, match="row 1, column model_b: 'x' cannot meet itself"):
        read_games({"model_a": ["x", "x"], "model_b": ["y", "x"], "winner": ["tie", "tie"]})


def test_trap_5_edges_one_way_only_are_no_comparison():
    # x and y beat each other and lost to the trio: connected, yet no number says how far below they are.
    ratings = fit_bradley_terry(matchups_of([*LIVELY, ("x", "y", 1), ("y", "x", 1), ("a", "x", 1)]))
    assert ratings.group.tolist() == [1, 1, 1, 2, 2]
    assert np.isnan(ratings.rating[3:]).all()
    # One tie is an edge both ways, and joins them.
    tied = fit_bradley_terry(matchups_of([*LIVELY, ("x", "y", 1), ("y", "x", 1), ("a", "x", 0.5)]))
    assert tied.group.tolist() == [1] * 5


def test_trap_5_duplicated_votes_are_one_opinion():
    table = {
        "model_a": ["x", "y", "x", "x"],
        "model_b": ["y", "x", "y", "y"],
        "winner": ["model_a", "model_a", "model_b", "tie"],
        "prompt": ["p", "p", "p", "q"],
        "voter": ["v", "v", "w", "v"],
    }
    # Row 1 is row 0's voter on the same pair and prompt, sides swapped: the first opinion stays.
    kept = read_games(table, keep=["prompt", "voter"]).without_repeats()
    assert kept.score.tolist() == [1, 0, 0.5]
    by_voter = read_games(table, keep=["prompt", "voter"]).without_repeats(["voter"])
    assert by_voter.score.tolist() == [1, 0]


def test_trap_9_the_bootstrap_on_counts_is_no_wider_than_the_sandwich():
    rng = np.random.default_rng(4)
    matchups = Matchups.from_rows(*simulate(rng.normal(0, 0.7, 8), 3000, rng), players=range(8))
    ratings, rounds = fit_bradley_terry(matchups), bootstrap(matchups, rounds=400)
    assert rounds.shape == (400, 8)
    # 400 rounds know a standard deviation to 3.5 %; allow four of those.
    np.testing.assert_allclose(rounds.std(axis=0), np.sqrt(np.diagonal(ratings.covariance)), rtol=0.15)
    np.testing.assert_allclose(rounds.mean(axis=0), ratings.rating, atol=3)


def test_trap_9_a_round_that_leaves_someone_unbeaten_says_nothing_of_it():
    rounds = bootstrap(matchups_of([*ring("abc"), ("u", "a", 1)]), rounds=50)
    assert np.isnan(rounds[:, 3]).all()  # never comparable
    assert 0 < np.isnan(rounds[:, 0]).sum() < 50  # 3 games drawn from a ring of 3: often not the whole ring
    assert np.isnan(bootstrap(matchups_of([("a", "b", 1)]), rounds=2)).all()


def test_trap_10_an_anchor_set_holds_its_mean_and_no_difference_moves():
    rng = np.random.default_rng(5)
    matchups = Matchups.from_rows(*simulate(rng.normal(0, 1, 6), 900, rng), players=range(6))
    plain = fit_bradley_terry(matchups)
    held = fit_bradley_terry(matchups, anchor={0: 1100, 3: 900})
    assert held.rating[[0, 3]].mean() == pytest.approx(1000)
    np.testing.assert_allclose(held.rating - held.rating[0], plain.rating - plain.rating[0], atol=1e-9)
    np.testing.assert_array_equal(held.rank_upper, plain.rank_upper)
    pick = np.array([0, 1, 0, 0, -1, 0])
    assert pick @ held.covariance @ pick == pytest.approx(pick @ plain.covariance @ pick)
    assert held.anchor == ((0, 1100), (3, 900))


def test_trap_10_an_anchor_of_unknown_spread_leaves_the_others_their_intervals():
    # x tied its only match, so nothing is known of its spread.
    games = [*[("a", "b", 1)] * 60, *[("b", "a", 1)] * 40, ("x", "a", 0.5)]
    plain, held = (
        fit_bradley_terry(matchups_of(games)),
        fit_bradley_terry(matchups_of(games), anchor={"x": 1114}),
    )
    assert held.rating[2] == pytest.approx(1114)
    np.testing.assert_allclose(held.rating_upper - held.rating, plain.rating_upper - plain.rating)
    assert np.isfinite(held.rating_upper[:2]).all()


def test_trap_10_an_anchor_must_be_rated():
    for name, message in (("z", "not among the players"), ("u", "cannot be rated on these games")):
        with pytest.raises(ValueError, match=message):
            fit_bradley_terry(matchups_of([*LIVELY, ("u", "a", 1)]), anchor={name: 1000})


def test_trap_13_the_order_of_the_games_moves_elo_and_not_the_board():
    rng = np.random.default_rng(6)
    first, second, score = simulate(rng.normal(0, 1, 6), 600, rng)
    order = np.argsort(score, kind="stable")
    forwards, backwards = ((first[rows], second[rows], score[rows]) for rows in (order, order[::-1]))
    elo = [fit_elo(*games, players=range(6)).rating for games in (forwards, backwards)]
    board = [
        fit_bradley_terry(Matchups.from_rows(*games, players=range(6))).rating
        for games in (forwards, backwards)
    ]
    assert np.abs(elo[0] - elo[1]).max() > 10
    np.testing.assert_allclose(board[0], board[1], atol=1e-9)


def test_trap_13_shuffled_elo_tells_the_spread_of_the_order():
    # a won 5 and lost 5: early wins or late ones decide where one order ends. The average is near even.
    columns = (["a"] * 10, ["b"] * 10, [1] * 5 + [0] * 5)
    one = fit_elo(*columns, k=32)
    many = fit_shuffled_elo(*columns, k=32)
    assert one.rating[0] < 975
    assert many.rating[0] == pytest.approx(1000, abs=5)
    assert many.rating_lower[0] < many.rating[0] - 5
    assert np.isnan(many.level)
    assert many.rating.tolist() == fit_shuffled_elo(*columns, k=32).rating.tolist()
    with pytest.raises(ValueError, match="1 rounds have no spread"):
        fit_shuffled_elo(*columns, rounds=1)


def test_trap_14_two_orders_of_a_judge_are_one_observation():
    # Ten pairs judged in both orders: a mean each, ten games. As twenty games the variance would be half.
    means = matchups_of([("a", "b", 1)] * 5 + [("a", "b", 0)] * 3 + [("a", "b", 0.5)] * 2)
    assert fit_bradley_terry(means).matches.tolist() == [10, 10]
    twice = Matchups(means.players, means.first, means.second, means.score, 2 * means.count)
    one, other = fit_bradley_terry(means), fit_bradley_terry(twice)
    width = (one.rating_upper - one.rating_lower) / (other.rating_upper - other.rating_lower)
    np.testing.assert_allclose(width, np.sqrt(2))


def test_the_status_follows_the_stated_limits():
    rows = [("a", "b", 1)] * 30 + [("b", "a", 1)] * 20 + [("c", "a", 1), ("a", "c", 1)]
    ratings = fit_bradley_terry(matchups_of(rows))
    assert ratings.status == ("rated", "rated", "provisional")
    assert ratings.note[2] == "few matches: 2 of 30"
    lax = fit_bradley_terry(matchups_of(rows), limits=Limits(fewest_games=2, widest=1e9))
    assert lax.status == ("rated",) * 3
    strict = fit_bradley_terry(matchups_of(rows), limits=Limits(fewest_games=2, widest=50))
    assert strict.note[0].startswith("wide interval: ")
    assert strict.limits.widest == 50


def test_all_slices_in_one_pass_equal_each_by_itself():
    games = clustered_games(6, 5)
    slices = dict(games.slices("prompt"))
    assert list(slices) == [0, 1, 2, 3, 4]
    for label, matchups in slices.items():
        own = games.take(games.columns["prompt"].place == label).matchups()
        for field in ("players", "first", "second", "score", "count"):
            np.testing.assert_array_equal(getattr(matchups, field), getattr(own, field))


def test_a_frame_is_a_dict_of_lists_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # as if it were not installed
    frame = fit_bradley_terry(matchups_of([*LIVELY, ("u", "a", 1)])).to_frame()
    assert frame["player"][-1] == "u"
    assert frame["rating"][-1] is None
    assert frame["status"] == ["provisional"] * 3 + ["unrated"]


def test_a_frame_has_the_rows():
    frame = fit_bradley_terry(matchups_of(LIVELY)).to_frame()
    assert frame.columns[:3].tolist() == ["player", "rank", "rank_lower"]
    assert frame["player"].tolist() == [row.player for row in fit_bradley_terry(matchups_of(LIVELY)).rows()]
