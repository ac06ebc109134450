"""Rows in, games out: what is joined, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.ratings import Matchups
from leaderboard.ratings.pairs import total_pairs
from tests.leaderboard.ratings.games import any_games, laws, matchups_of


def test_equal_rows_are_joined():
    # a-b 1 twice with counts 1 and 3 is 4 games; b-a 0 is the same result seen from the other side and
    # stays a row of its own, since who came first is kept.
    matchups = Matchups.from_rows(["a", "b", "a"], ["b", "a", "b"], [1, 0, 1], [1, 2, 3])
    assert matchups.players == ("a", "b")
    rows = zip(matchups.first, matchups.second, matchups.score, matchups.count, strict=True)
    assert sorted(rows) == [(0, 1, 1.0, 4.0), (1, 0, 0.0, 2.0)]


def test_count_is_one_a_row_by_default():
    matchups = Matchups.from_rows(["a", "a", "a"], ["b", "b", "b"], [0.25, 0.25, 0.75])
    assert matchups.score.tolist() == [0.25, 0.75]
    assert matchups.count.tolist() == [2, 1]


def test_scores_need_not_be_quarters():
    matchups = Matchups.from_rows(["a", "a", "a"], ["b", "b", "b"], [0.1, 1 / 3, 0.1])
    assert matchups.score.tolist() == [0.1, 1 / 3]
    assert matchups.count.tolist() == [2, 1]


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda names: np.array(names, object)])
def test_labels_come_as_sequences_or_arrays(kind):
    matchups = Matchups.from_rows(kind(["x", "y"]), kind(["y", "z"]), [1, 0])
    assert matchups.players == ("x", "y", "z")


def test_integer_labels_stay_python_integers():
    matchups = Matchups.from_rows(np.array([7, 9]), np.array([9, 7]), [1, 0])
    assert matchups.players == (7, 9)
    assert all(type(player) is int for player in matchups.players)


def test_stated_players_keep_their_order_and_may_have_no_game():
    matchups = matchups_of([("a", "b", 1)], players=["c", "b", "a"])
    assert matchups.players == ("c", "b", "a")
    assert (matchups.first.tolist(), matchups.second.tolist()) == ([2], [1])


@pytest.mark.parametrize("players", [None, [], ["a", "b"]])
def test_no_rows_are_no_games(players):
    matchups = Matchups.from_rows([], [], [], players=players)
    assert matchups.players == tuple(players or ())
    assert len(matchups.count) == 0


def test_many_players_with_few_games_need_no_table_of_all_pairs():
    # 30,000 players make 9e8 possible pairs, for which a table is out of the question.
    names = list(range(30_000))
    matchups = Matchups.from_rows(names, names[1:] + names[:1], np.ones(30_000))
    assert total_pairs(matchups).games.sum() == 30_000


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((["a", "b"], ["b", "b"], [1, 1]), r"row 1: 'b' cannot meet itself"),
        ((["a", "a"], ["b", "b"], [1, 1.5]), r"row 1: score 1.5 is outside \[0, 1\]"),
        ((["a", "a"], ["b", "b"], [-0.5, 1]), r"row 0: score -0.5 is outside \[0, 1\]"),
        ((["a", "a"], ["b", "b"], [1, np.nan]), r"row 1: score nan is outside \[0, 1\]"),
        ((["a", "a"], ["b", "b"], [1, None]), r"row 1: score nan is outside \[0, 1\]"),
        ((["a", "a"], ["b", "b"], [1, 1], [1, 0]), r"row 1: count 0 is not positive"),
        ((["a", "a"], ["b", "b"], [1, 1], [-1, 1]), r"row 0: count -1 is not positive"),
        ((["a", "a"], ["b", "b"], [1, 1], [1, np.nan]), r"row 1: count nan is not positive"),
        ((["a", "a"], ["b", "b"], [1, 1], [1, np.inf]), r"row 1: count inf is not positive"),
        ((["a", "a"], ["b"], [1, 1]), r"first 2, second 1, score 2 \(row 1 is incomplete\)"),
        ((["a", "a"], ["b", "b"], [1, 1], [1]), r"score 2, count 1 \(row 1 is incomplete\)"),
        ((["a", None], ["b", "b"], [1, 1]), r"row 1: the label is missing"),
        ((["a", "a"], ["b", float("nan")], [1, 1]), r"row 1: the label is missing"),
    ],
)
def test_bad_rows_are_refused_by_number(columns, message):
    with pytest.raises(ValueError, match=message):
        Matchups.from_rows(*columns)


def test_a_label_outside_the_stated_players_is_refused():
    with pytest.raises(ValueError, match="row 1: 'z' is not among the players"):
        matchups_of([("a", "b", 1), ("a", "z", 1)], players=["a", "b"])


def test_a_player_stated_twice_is_refused():
    with pytest.raises(ValueError, match="the same label stands twice"):
        matchups_of([("a", "b", 1)], players=["a", "b", "a"])


def test_places_are_checked_when_built_from_arrays():
    one, other = np.array([0]), np.array([2])
    with pytest.raises(ValueError, match="row 0: no such place among 2 players"):
        Matchups(("a", "b"), one, other, np.array([1.0]), np.array([1.0]))
    with pytest.raises(ValueError, match="row 0: 'a' cannot meet itself"):
        Matchups(("a", "b"), one, one, np.array([1.0]), np.array([1.0]))


def test_pair_totals_see_every_game_from_the_earlier_player():
    # Order a, b. From a: a 0.25 against b; b's 1 against a is a's 0. Two games, won 0.25, lost 0.75 + 1,
    # squares 0.25^2 + 0^2.
    pairs = total_pairs(matchups_of([("a", "b", 0.25), ("b", "a", 1)]))
    assert (pairs.low.tolist(), pairs.high.tolist()) == ([0], [1])
    assert (pairs.games.tolist(), pairs.won.tolist(), pairs.lost.tolist()) == ([2], [0.25], [1.75])
    assert pairs.squares.tolist() == [0.0625]


@laws
@given(any_games, st.data())
def test_joining_keeps_every_game(rows, data):
    counts = data.draw(st.lists(st.integers(1, 5), min_size=len(rows), max_size=len(rows)))
    matchups = matchups_of(rows, counts)
    naive = {}
    for row, count in zip(rows, counts, strict=True):
        naive[row] = naive.get(row, 0) + count
    names = matchups.players
    joined = {
        (names[one], names[other], score): count
        for one, other, score, count in zip(
            matchups.first, matchups.second, matchups.score, matchups.count, strict=True
        )
    }
    assert joined == naive
