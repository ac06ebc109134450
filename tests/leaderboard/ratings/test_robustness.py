"""How few votes decide first place: by hand, by trying everything, and what is said when there are none."""

from itertools import chain, combinations_with_replacement

import numpy as np
import pytest

from leaderboard.ratings import Matchups, fit_bradley_terry
from leaderboard.ratings.robustness import first_place_robustness
from tests.leaderboard.ratings.games import matchups_of, simulate

DUEL = [("a", "b", 1), ("b", "a", 1)]


def board_without(matchups, found):
    """The board after dropping what is reported."""
    left = matchups.count.copy()
    for drop in found.dropped:
        first, second = matchups.players.index(drop.first), matchups.players.index(drop.second)
        row = (matchups.first == first) & (matchups.second == second) & (matchups.score == drop.score)
        left[row] -= drop.votes
    kept = left > 0
    columns = (matchups.first, matchups.second, matchups.score, left)
    return fit_bradley_terry(Matchups(matchups.players, *(column[kept] for column in columns)))


def test_two_players_by_hand():
    # a leads by 60 to 50. Without 10 of its wins they are equal, without 11 b is first: 11 of 110 is 10 %.
    found = first_place_robustness(matchups_of(DUEL, [60, 50]), limit=0.2)
    assert (found.leader, found.challenger, found.votes, found.total) == ("a", "b", 11, 110)
    assert found.share == pytest.approx(0.1)
    assert found.dropped == (("a", "b", 1.0, 11.0),)


def test_not_found_within_the_limit_is_said():
    # 5 % of 110 is 5 votes; 11 are needed.
    found = first_place_robustness(matchups_of(DUEL, [60, 50]))
    assert (found.leader, found.limit) == ("a", 0.05)
    assert (found.challenger, found.votes, found.share, found.dropped) == (None, None, None, ())


def test_a_shared_first_place_takes_none():
    found = first_place_robustness(matchups_of(DUEL, [5, 5]))
    assert {found.leader, found.challenger} == {"a", "b"}
    assert (found.votes, found.share, found.dropped) == (0, 0, ())


def test_a_rarely_played_challenger_is_found():
    # a leads b by 600 to 400, which is hard to overturn.
    rows = [*DUEL, ("a", "c", 1), ("c", "a", 1)]
    matchups = matchups_of(rows, [600, 400, 5, 4])
    found = first_place_robustness(matchups)
    # a beat c by 5 to 4: without two of those c leads by 4 to 3.
    assert (found.challenger, found.votes) == ("c", 2)
    assert found.dropped == (("a", "c", 1.0, 2.0),)
    assert next(row.player for row in board_without(matchups, found).rows()) == "c"


def fewest_by_trying(matchups, most):
    """The smallest number of dropped votes, up to ``most``, with which a rated leader loses first place."""
    leader = int(np.nanargmax(fit_bradley_terry(matchups).rating))
    rows = range(len(matchups.count))
    for taken in chain.from_iterable(combinations_with_replacement(rows, size + 1) for size in range(most)):
        left = matchups.count - np.bincount(taken, minlength=len(rows))
        kept = left > 0
        columns = (matchups.first, matchups.second, matchups.score, left)
        rating = fit_bradley_terry(Matchups(matchups.players, *(column[kept] for column in columns))).rating
        if not np.isnan(rating[leader]) and np.nanmax(rating) > rating[leader] + 1e-3:
            return len(taken)
    return None


@pytest.mark.parametrize("seed", range(6))
def test_no_smaller_set_does_it(seed):
    # Three players, some 60 votes of 12 kinds (who stood first is one); all sets of up to 2 votes are tried.
    rng = np.random.default_rng(seed)
    matchups = Matchups.from_rows(*simulate(np.array([0.1, 0.0, -0.1]), 90, rng), players=range(3))
    best = fewest_by_trying(matchups, 2)
    found = first_place_robustness(matchups, limit=0.3)
    assert found.votes == best if best else found.votes > 2


@pytest.mark.parametrize("seed", range(3))
def test_what_is_reported_has_happened(seed):
    rng = np.random.default_rng(seed)
    first, second, score = simulate(rng.normal(0, 0.2, 12), 3000, rng, ties=0.2)
    matchups = Matchups.from_rows(first, second, score, players=range(12))
    found = first_place_robustness(matchups, limit=0.3)
    before, after = fit_bradley_terry(matchups), board_without(matchups, found)
    assert before.players[int(before.rating.argmax())] == found.leader
    assert after.players[int(after.rating.argmax())] == found.challenger != found.leader
    assert sum(drop.votes for drop in found.dropped) == found.votes
    assert found.votes == pytest.approx(found.share * found.total)


def test_votes_on_unrated_players_are_no_votes_of_the_board():
    # x never lost: its 9 votes do not count towards the total, nor is it a challenger.
    found = first_place_robustness(matchups_of([*DUEL, ("x", "b", 1)], [60, 50, 9]), limit=0.2)
    assert (found.challenger, found.votes, found.total) == ("b", 11, 110)


def test_a_sole_vote_between_two_does_not_unrate_its_way_to_first_place():
    # One win each and 2 ties more for a: dropping all of a's wins would leave b unbeaten, which is no rating.
    found = first_place_robustness(matchups_of(DUEL, [2, 1]), limit=0.9)
    assert (found.leader, found.votes) == ("a", None)


def test_nothing_rated_has_no_leader():
    found = first_place_robustness(matchups_of([("a", "b", 1)]))
    assert (found.leader, found.votes, found.total) == (None, None, 0)


def test_no_rows_at_all():
    assert first_place_robustness(matchups_of([])).leader is None


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_a_limit_outside_0_1_is_refused(limit):
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        first_place_robustness(matchups_of(DUEL), limit=limit)
