"""Agreement of raters with the rest, and the board without some of them."""

import numpy as np
import pytest

from leaderboard.ratings.raters import rater_reliability, wilson, without_raters
from leaderboard.ratings.votes import Votes


def reliability(rows, level=0.95):
    """From (rater, match, score) rows; match names are two players."""
    rater, match, score = zip(*rows, strict=True)
    first, second = zip(*match, strict=True)
    return rater_reliability(Votes.from_rows(rater, first, second, score, match=match), level=level)


def test_agreement_is_with_the_others_only():
    # ab: u and v say 1, w says 0. u agrees with one of two others: 1/2; w with none.
    # cd: u and w agree on a tie: 1 each. ef: nobody but v.
    # u: (1/2 + 1) / 2; v: 1/2 of one match; w: (0 + 1) / 2.
    found = reliability(
        [("u", "ab", 1), ("v", "ab", 1), ("w", "ab", 0), ("u", "cd", 0.5), ("w", "cd", 0.5), ("v", "ef", 1)]
    )
    assert found.raters == ("u", "v", "w")
    assert found.votes.tolist() == [2, 2, 2]
    assert found.shared.tolist() == [2, 1, 2]
    assert found.agreement.tolist() == [0.75, 0.5, 0.5]


def test_a_verdict_is_the_same_from_either_side():
    votes = Votes.from_rows(["u", "v"], ["a", "b"], ["b", "a"], [1, 0], match=[1, 1])
    assert rater_reliability(votes).agreement.tolist() == [1, 1]


def test_a_repeated_vote_counts_once_as_the_last():
    found = reliability([("u", "ab", 0), ("u", "ab", 1), ("v", "ab", 1)])
    assert found.votes.tolist() == [1, 1]
    assert found.agreement.tolist() == [1, 1]


def test_a_rater_alone_has_no_agreement():
    found = reliability([("u", "ab", 1), ("v", "cd", 1)])
    assert found.shared.tolist() == [0, 0]
    assert np.isnan([found.agreement, found.lower, found.upper]).all()


def test_the_interval_is_wilsons():
    # 8 of 10 at 95 %: z^2 = 3.841459; centre (0.8 + 0.192073) / 1.384146 = 0.716740, half
    # 1.959964 sqrt(0.016 + 3.841459 / 400) / 1.384146 = 0.226577.
    lower, upper = wilson(np.array([0.8]), np.array([10.0]), 1.959964)
    assert lower[0] == pytest.approx(0.716740 - 0.226577, abs=1e-5)
    assert upper[0] == pytest.approx(0.716740 + 0.226577, abs=1e-5)


def test_full_agreement_still_has_a_width():
    found = reliability([("u", "ab", 1), ("v", "ab", 1)])
    assert found.upper[0] == 1
    assert found.lower[0] == pytest.approx(1 / (1 + 1.959964**2))  # Wilson: n / (n + z^2)


def test_the_interval_holds():
    # Three raters who are right 80 % of the time agree in 0.8^2 + 0.2^2 = 0.68; 60 matches, 400 runs.
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        score = (rng.random((60, 3)) < 0.8).astype(float).ravel()
        match, rater = np.divmod(np.arange(180), 3)
        votes = Votes.from_rows(rater, ["a"] * 180, ["b"] * 180, score, match=match)
        found = rater_reliability(votes)
        held += found.lower[0] <= 0.68 <= found.upper[0]
    assert held >= 0.94 * 400  # three standard errors below 0.97, what such a mean's Wilson interval holds


def test_leaving_raters_out_says_what_changes():
    # a and b split 2 to 2, then the fan gives b 6 more; without the fan a leads by 3 to 2.
    rows = [("u", 1), ("v", 1), ("w", 1), ("u", 0), ("v", 0)] + [("fan", 0)] * 6
    rater, score = zip(*rows, strict=True)
    change = without_raters(Votes.from_rows(rater, ["a"] * 11, ["b"] * 11, score), ["fan"])
    assert (change.raters, change.votes) == (1, 6)
    assert [(move.player, move.rank_before, move.rank_after) for move in change.moves()] == [
        ("b", 1, 2),
        ("a", 2, 1),
    ]
    lead = change.after.rating[0] - change.after.rating[1]
    assert lead == pytest.approx(400 * np.log10(3 / 2))
    assert change.before.rating[1] - change.before.rating[0] == pytest.approx(400 * np.log10(8 / 3))


def test_leaving_nobody_out_moves_nobody():
    change = without_raters(Votes.from_rows(["u", "v"], ["a", "a"], ["b", "b"], [1, 0]), [])
    assert (change.raters, change.votes, list(change.moves())) == (0, 0, [])


def test_a_player_can_become_unrated():
    votes = Votes.from_rows(["u", "v"], ["a", "a"], ["b", "b"], [1, 0])
    moves = list(without_raters(votes, ["v"]).moves())
    assert [(move.rank_after, move.rating_after) for move in moves] == [(None, None)] * 2


def test_an_unknown_rater_is_named():
    with pytest.raises(ValueError, match="'x' is not among the raters"):
        without_raters(Votes.from_rows(["u"], ["a"], ["b"], [1]), ["x"])


def test_no_votes_at_all():
    found = rater_reliability(Votes.from_rows([], [], [], []))
    assert (found.raters, len(found.agreement)) == ((), 0)


def test_a_missing_column_entry_is_told():
    with pytest.raises(ValueError, match="columns differ in length: rater 1, scores 2"):
        Votes.from_rows(["u"], ["a", "a"], ["b", "b"], [1, 0])
