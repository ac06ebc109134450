"""Who can be rated, and what is said of the others."""

import numpy as np
import pytest

from leaderboard.ratings import Matchups, fit_bradley_terry
from leaderboard.ratings.connectivity import NOT_CONNECTED, NOTHING_COMPARABLE, comparable_groups
from leaderboard.ratings.pairs import total_pairs
from tests.leaderboard.ratings.games import matchups_of, ring

TRIO = ring(["a", "b", "c"])  # each wins one and loses one: the smallest lively main group


def rated(rows, **more):
    ratings = fit_bradley_terry(matchups_of(rows, **more))
    return ratings, {row.player: row for row in ratings.rows()}


def unchanged_but(extra_rows):
    """The ratings of the trio with and without the extra rows are the same to the last digit."""
    alone, _ = rated(TRIO, players="abc")
    with_extra = fit_bradley_terry(matchups_of(TRIO + extra_rows))
    for field in ("rating", "rating_lower", "rating_upper", "rank", "rank_lower", "rank_upper"):
        np.testing.assert_array_equal(getattr(alone, field), getattr(with_extra, field)[:3])
    return {row.player: row for row in with_extra.rows()}


def test_an_unbeaten_model_is_not_rated_and_changes_nobody():
    rows = unchanged_but([("x", "a", 1), ("x", "b", 1), ("c", "x", 0)])
    assert rows["x"].reason == "won all 3 matches, so no upper bound yet"
    assert (rows["x"].rating, rows["x"].rank, rows["x"].rating_lower) == (None, None, None)
    assert (rows["x"].matches, rows["x"].score) == (3, 1.0)


def test_a_winless_model_is_not_rated_and_changes_nobody():
    rows = unchanged_but([("x", "a", 0)] * 2)
    assert rows["x"].reason == "lost all 2 matches, so no lower bound yet"
    assert rows["x"].score == 0.0


def test_one_match_is_called_its_only_one():
    assert unchanged_but([("x", "a", 1)])["x"].reason == "won its only match, so no upper bound yet"


def test_one_tie_makes_an_unbeaten_model_comparable():
    _, rows = rated([*TRIO, ("x", "a", 1), ("x", "b", 0.5)])
    assert rows["x"].reason == ""
    assert rows["x"].rank == 1


def test_a_disconnected_group_is_not_put_on_the_same_scale():
    rows = unchanged_but([("x", "y", 1), ("y", "x", 1)])
    assert rows["x"].reason == rows["y"].reason == NOT_CONNECTED == "not connected to the other models"


def test_a_group_that_only_loses_to_the_main_one_is_beneath_it():
    # x and y beat each other, so neither lost all; yet no point ever came from the trio.
    rows = unchanged_but([("x", "y", 1), ("y", "x", 1), ("a", "x", 1)])
    reason = "no points from the rated models, so no lower bound yet"
    assert rows["x"].reason == rows["y"].reason == reason


def test_a_group_that_only_beats_the_main_one_is_above_it():
    rows = unchanged_but([("x", "y", 1), ("y", "x", 1), ("x", "a", 1)])
    reason = "no points lost to the rated models, so no upper bound yet"
    assert rows["x"].reason == rows["y"].reason == reason


def test_a_chain_below_is_told_by_its_own_record():
    # y beat z and lost to a: beneath the trio without having lost all.
    rows = unchanged_but([("a", "y", 1), ("y", "z", 1)])
    assert rows["y"].reason == "no points from the rated models, so no lower bound yet"
    assert rows["z"].reason == "lost its only match, so no lower bound yet"


def test_the_main_group_has_most_games_then_most_players():
    # Three games among two outweigh a ring of three; with a fourth, four players outweigh two... by games.
    duel = [("x", "y", 1), ("y", "x", 1), ("x", "y", 1), ("y", "x", 1)]
    _, rows = rated(TRIO + duel)
    assert {name for name, row in rows.items() if row.rank} == {"x", "y"}
    _, rows = rated(TRIO + duel[:3])  # 3 games each: the trio has more players
    assert {name for name, row in rows.items() if row.rank} == {"a", "b", "c"}


def test_weights_choose_the_main_group_too():
    _, rows = rated([*TRIO, ("x", "y", 0.5)], count=[1, 1, 1, 10])
    assert {name for name, row in rows.items() if row.rank} == {"x", "y"}


def test_two_players_with_wins_both_ways_are_rated():
    # a takes 2 of 3: the odds are 2 to 1, so the gap is 400 log10(2) = 120.41, centred on 1000.
    _, rows = rated([("a", "b", 1), ("a", "b", 1), ("b", "a", 1)])
    assert rows["a"].rating == pytest.approx(1000 + 60.205999, abs=1e-5)
    assert rows["b"].rating == pytest.approx(1000 - 60.205999, abs=1e-5)


def test_one_game_rates_nobody():
    _, rows = rated([("a", "b", 1)])
    assert rows["a"].reason == "won its only match, so no upper bound yet"
    assert rows["b"].reason == "lost its only match, so no lower bound yet"


def test_results_all_one_way_rate_nobody():
    _, rows = rated([("a", "b", 1), ("b", "c", 1)])
    assert rows["b"].reason == NOTHING_COMPARABLE
    assert all(row.rank is None for row in rows.values())


@pytest.mark.parametrize("players", [[], ["a"], ["a", "b"]])
def test_no_games_rate_nobody_and_raise_nothing(players):
    ratings = fit_bradley_terry(Matchups.from_rows([], [], [], players=players))
    assert [row.reason for row in ratings.rows()] == ["no matches"] * len(players)
    assert all(row.score is None and row.matches == 0 for row in ratings.rows())


def test_a_player_without_matches_beside_rated_ones():
    _, rows = rated(TRIO, players="abcz")
    assert rows["z"].reason == "no matches"


def test_a_tiny_share_of_a_point_connects():
    # 0.1 summed ten times is not exactly 1, but a score of 1 leaves exactly nothing to the loser.
    one_way = matchups_of([("a", "b", 1)] * 10, [0.1] * 10)
    assert len(set(comparable_groups(total_pairs(one_way)).tolist())) == 2
    both_ways = matchups_of([("a", "b", 1), ("a", "b", 1 - 1e-9)])
    assert len(set(comparable_groups(total_pairs(both_ways)).tolist())) == 1
