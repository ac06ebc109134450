"""Rows of votes and rulings become matches."""

import numpy as np
import pytest

from leaderboard.ratings.judged_matches import JudgedMatches

NONE = np.nan


def test_trap_11_several_votes_on_a_match_are_one_unit_with_their_mean():
    # Match m: people say 1, 0 (for b, so 1 for a) and 0.5 for a: mean (1 + 1 + 0.5) / 3 = 5/6. The judge's
    # two orders say 1 and 0.5 for a: 0.75; the third row has no ruling.
    matches = JudgedMatches.from_rows(
        ["a", "b", "a", "a"],
        ["b", "a", "b", "c"],
        [1, 0, 0.5, None],
        [1, 0.5, NONE, 0],
        match=["m", "m", "m", "n"],
    )
    assert matches.players == ("a", "b", "c")
    assert (matches.low.tolist(), matches.high.tolist()) == ([0, 0], [1, 2])
    np.testing.assert_allclose(matches.people, [5 / 6, NONE])
    np.testing.assert_allclose(matches.judge, [0.75, 0])
    assert (matches.labelled.tolist(), matches.judged.tolist()) == ([True, False], [True, True])


def test_without_labels_each_row_is_a_match_of_its_own():
    matches = JudgedMatches.from_rows(["a", "a"], ["b", "b"], [1, 0], [NONE, NONE])
    assert matches.people.tolist() == [1, 0]


def test_scores_are_seen_from_the_earlier_player():
    matches = JudgedMatches.from_rows(["a", "b"], ["b", "a"], [1, 1], [0.75, 0.75], prompt=["y", "x"])
    assert matches.people.tolist() == [1, 0]
    assert matches.judge.tolist() == [0.75, 0.25]
    assert matches.prompt.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "more", "message"),
    [
        ((["a", "a"], ["b", "a"], [1, 1], [1, 1]), {}, "row 1: 'a' cannot meet itself"),
        ((["a"], ["b"], [2], [1]), {}, "row 0: score 2 is outside"),
        ((["a"], ["b"], [1], [-1]), {}, "row 0: score -1 is outside"),
        (
            (["a", "a"], ["b", "c"], [1, 1], [1, 1]),
            {"match": [7, 7]},
            "row 1: another pair in the same match",
        ),
        (
            (["a", "a"], ["b", "b"], [1, 1], [1, 1]),
            {"match": [7, 7], "prompt": ["p", "q"]},
            "row 1: another prompt in the same match",
        ),
        ((["a"], ["b"], [1, 1], [1, 1]), {}, "columns differ in length"),
        ((["a"], ["b"], [1], [1]), {"match": [1, 2]}, "columns differ in length"),
    ],
)
def test_bad_rows_are_named(rows, more, message):
    with pytest.raises(ValueError, match=message):
        JudgedMatches.from_rows(*rows, **more)
