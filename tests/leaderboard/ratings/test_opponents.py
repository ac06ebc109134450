"""Opponents of one player, chosen so that its differences become sure."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit

from leaderboard.ratings import Matchups, Policy, choose_opponents, fit_bradley_terry, fit_elo
from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.results import POINTS_PER_NAT

LADDER = ("lowest", "low", "middle", "high", "highest")
GREEDY = Policy(explore=0)
PLENTY = dict.fromkeys(LADDER, 1000)


def fit(newcomer=(0, 1), extra=(), games=30):
    """A ladder in which each beats the one below by 3 to 1, and a newcomer with 12 games against the middle.

    ``newcomer`` are the scores of six of its games and of the other six; a step has four times ``games``.
    """
    steps = list(pairwise(LADDER))
    rows = [(upper, lower, 1, 3 * games) for lower, upper in steps]
    rows += [(upper, lower, 0, games) for lower, upper in steps]
    rows += [("new", "middle", score, 6) for score in newcomer]
    first, second, score, count = zip(*rows, *extra, strict=True)
    return fit_bradley_terry(Matchups.from_rows(first, second, score, count))


def spread_with(ratings, opponents):
    """Mean variance of the newcomer's differences, one by one, inverting the information with these games."""
    place = np.array([ratings.players.index(each) for each in opponents], np.intp)
    mine = ratings.players.index("new")
    theta, size = ratings.rating / POINTS_PER_NAT, len(ratings.players)
    centre = np.eye(size) - 1 / size
    inverse = centre @ ratings.covariance @ centre / POINTS_PER_NAT**2
    variance = inverse[mine, mine] + np.diagonal(inverse)[place] - 2 * inverse[mine, place]
    win = expit((theta[mine] - theta[place]) / np.sqrt(1 + np.pi / 8 * variance))
    more = laplacian(np.full(len(place), mine), place, win * (1 - win), size)
    after = inverse_over_differences(np.linalg.pinv(inverse) + more)
    return np.mean([after[mine, mine] + after[i, i] - 2 * after[mine, i] for i in range(size) if i != mine])


def test_each_pick_is_the_best_after_those_before():
    ratings = fit()
    picks = choose_opponents(ratings, "new", PLENTY, 8, policy=GREEDY)
    for number, pick in enumerate(picks):
        found = {each: spread_with(ratings, [*picks[:number], each]) for each in LADDER}
        assert found[pick] == pytest.approx(min(found.values()), rel=1e-9)


def test_those_near_it_come_more_often():
    # Six wins and six losses against the middle: the newcomer stands there.
    met = Counter(choose_opponents(fit(games=3000), "new", PLENTY, 60, policy=GREEDY))
    assert met["middle"] == 60
    # 10.5 points of 12, odds of 7 to 1: nearer to the highest (9 to 1) than to the high (3 to 1).
    strong = fit(newcomer=(1, 0.75), games=3000)
    met = Counter(choose_opponents(strong, "new", PLENTY, 60, policy=GREEDY))
    assert met["highest"] + met["high"] == 60


def test_nobody_is_met_for_its_own_sake():
    # A rival of whom little is known, level with the middle: a game with it tells little of the newcomer.
    ratings = fit(games=3000, extra=[("vague", "middle", 0.5, 2)])
    met = choose_opponents(ratings, "new", {**PLENTY, "vague": 1000}, 60, policy=GREEDY)
    assert met.count("vague") < 10


def test_room_is_kept_to():
    room = {"low": 2, "high": 1, "middle": 0, "new": 5}
    assert sorted(choose_opponents(fit(), "new", room, 10)) == ["high", "low", "low"]
    assert choose_opponents(fit(), "new", {}, 10) == ()


def test_a_share_is_left_to_chance():
    # Of 200 picks 40 by chance among five; the lowest is never the surest, so it gets 8 of them (sd 2.7).
    met = Counter(choose_opponents(fit(newcomer=(1, 0.75)), "new", PLENTY, 200, policy=Policy(explore=0.2)))
    assert 1 <= met["lowest"] <= 18


def test_the_unrated_are_met_by_chance_alone():
    ratings = fit(extra=[("winless", "middle", 0, 9)])
    room = {**PLENTY, "winless": 1000}
    assert "winless" not in choose_opponents(ratings, "new", room, 60, policy=GREEDY)
    by_chance = choose_opponents(ratings, "new", room, 60, policy=Policy(explore=0.5))
    assert 0 < by_chance.count("winless") < 15
    assert choose_opponents(ratings, "new", {"winless": 2}, 3, policy=GREEDY) == ("winless", "winless")


def test_the_same_seed_gives_the_same_opponents():
    one, same, other = (
        choose_opponents(fit(), "new", PLENTY, 40, policy=Policy(seed=seed)) for seed in (3, 3, 4)
    )
    assert one == same != other


@pytest.mark.parametrize("player", ["winless", "nobody"])
def test_a_player_without_a_rating_is_refused(player):
    ratings = fit(extra=[("winless", "middle", 0, 9)])
    with pytest.raises(ValueError, match=f"'{player}' is not rated with a variance"):
        choose_opponents(ratings, player, PLENTY, 3)


def test_ratings_without_variances_are_refused():
    with pytest.raises(ValueError, match="'a' is not rated with a variance"):
        choose_opponents(fit_elo(["a"], ["b"], [1.0]), "a", {"b": 1}, 3)


def test_an_exploration_outside_0_1_is_refused():
    with pytest.raises(ValueError, match="explore 2 is not between 0 and 1"):
        choose_opponents(fit(), "new", PLENTY, 1, policy=Policy(explore=2))
