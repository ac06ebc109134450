"""Pairs chosen so that differences become sure: the algebra, the order, the limits."""

import numpy as np
import pytest
from scipy.special import expit

from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.next_pairs import BY_CHANCE, FEW_GAMES, SUREST, Policy, choose_pairs
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.benchmarks.next_pairs import Setting, saving

SIZE = 8
GREEDY = Policy(explore=0, fewest=0)


class Board:
    """A board of eight with the covariance that its games' information gives."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.theta = rng.normal(0, 0.7, SIZE)
        self.theta -= self.theta.mean()
        self.low, self.high = np.triu_indices(SIZE, 1)
        self.number = rng.integers(1, 60, len(self.low)).astype(float)
        self.games = np.bincount(self.low, self.number, SIZE) + np.bincount(self.high, self.number, SIZE)
        self.rating = 1000 + POINTS_PER_NAT * self.theta
        win = expit(self.theta[self.low] - self.theta[self.high])
        hessian = laplacian(self.low, self.high, self.number * win * (1 - win), SIZE)
        self.inverse = inverse_over_differences(hessian)
        self.covariance = self.inverse * POINTS_PER_NAT**2

    def choose(self, count, policy=GREEDY, **more):
        return choose_pairs(self.rating, self.covariance, self.games, count, policy=policy, **more)

    def weight(self, i, j):
        """Information of one game, with the lead's spread averaged over (MacKay 1992)."""
        variance = self.inverse[i, i] + self.inverse[j, j] - 2 * self.inverse[i, j]
        win = expit((self.theta[i] - self.theta[j]) / np.sqrt(1 + np.pi / 8 * variance))
        return win * (1 - win)

    def spread_with(self, pairs):
        """Mean variance of all differences, one by one, inverting the information with more games."""
        low, high = (np.array(side, np.intp) for side in zip(*pairs, strict=True))
        weight = np.array([self.weight(i, j) for i, j in pairs])
        inverse = inverse_over_differences(np.linalg.pinv(self.inverse) + laplacian(low, high, weight, SIZE))
        spread = np.diagonal(inverse)
        return np.mean((spread[:, None] + spread - 2 * inverse)[self.low, self.high]) * POINTS_PER_NAT**2


def pairs_of(chosen):
    return list(zip(chosen.first.tolist(), chosen.second.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_trap_15_the_first_pick_is_the_best_of_all_pairs(seed):
    board = Board(seed)
    all_pairs = list(zip(board.low.tolist(), board.high.tolist(), strict=True))
    best = min(all_pairs, key=lambda pair: board.spread_with([pair]))
    assert pairs_of(board.choose(1)) == [best]


def test_each_pick_is_the_best_after_those_before():
    board = Board(4)
    picks = pairs_of(board.choose(6))
    all_pairs = list(zip(board.low.tolist(), board.high.tolist(), strict=True))
    for number, pick in enumerate(picks):
        best = min(board.spread_with([*picks[:number], pair]) for pair in all_pairs)
        assert board.spread_with([*picks[:number], pick]) == pytest.approx(best, rel=1e-9)


def test_what_is_promised_is_the_spread_of_the_new_information():
    board = Board(5)
    chosen = board.choose(25)
    spread = np.diagonal(board.covariance)
    before = np.mean((spread[:, None] + spread - 2 * board.covariance)[board.low, board.high])
    assert chosen.before == pytest.approx(before)
    assert chosen.after == pytest.approx(board.spread_with(pairs_of(chosen)))
    assert chosen.after < chosen.before


def test_the_gauge_does_not_matter():
    # The covariance of the same differences with the first model held fixed.
    board = Board(6)
    expected = pairs_of(board.choose(10))
    fixed = np.eye(SIZE) - np.eye(SIZE)[:, [0]].T
    board.covariance = fixed @ board.covariance @ fixed.T
    assert pairs_of(board.choose(10)) == expected


def test_sums_beat_chance():
    board = Board(7)
    by_chance = [board.choose(30, Policy(explore=1, fewest=0, seed=seed)).after for seed in range(5)]
    assert board.choose(30).after < min(by_chance)


def test_trap_15_chosen_pairs_need_fewer_votes_than_uniform_ones():
    # tests/benchmarks/next_pairs.py has the long table (14-18 % fewer); four short runs here.
    setting = Setting(20, start=400, games=2400, batch=100)
    fewer = [saving(setting, seed)[0] for seed in range(4)]
    assert np.mean(fewer) > 0.06


def test_a_model_with_few_games_gets_its_games_first():
    # Model 2 has 3 games and 5 has 5; up to 6 are wanted: 2 until it has 5, then either until both have 6,
    # each with one of the others or with one another.
    board = Board()
    board.games[2], board.games[5] = 3, 5
    chosen = board.choose(8, Policy(fewest=6, explore=0))
    early = [set(pair) for pair, why in zip(pairs_of(chosen), chosen.reason, strict=True) if why == FEW_GAMES]
    assert chosen.reason == (FEW_GAMES,) * len(early) + (SUREST,) * (8 - len(early))
    assert all(2 in pair for pair in early[:2])
    assert all(pair & {2, 5} for pair in early)
    games = board.games.copy()
    for pair in early:
        games[list(pair)] += 1
    assert games.min() >= 6


def test_a_model_nobody_knows_is_asked_about_first():
    board = Board()
    board.rating[3] = np.nan
    board.covariance[3, :] = board.covariance[:, 3] = np.nan
    board.games[3] = 0
    chosen = board.choose(5, Policy(fewest=5, explore=0))
    assert all(3 in pair for pair in pairs_of(chosen))
    assert len(set(pairs_of(chosen))) > 1  # not all against the same one
    assert np.isfinite([chosen.before, chosen.after]).all()


def test_a_board_without_a_game_spreads_them():
    nothing = np.full(6, np.nan), np.full((6, 6), np.nan), np.zeros(6)
    chosen = choose_pairs(*nothing, 6, policy=Policy(fewest=2))
    games = np.bincount(np.concatenate([chosen.first, chosen.second]), minlength=6)
    assert games.tolist() == [2] * 6


def test_room_is_kept_to():
    board = Board()
    room = np.zeros((SIZE, SIZE), int)
    room[0, 1] = room[1, 0] = 2
    room[4, 6] = room[6, 4] = 1
    chosen = board.choose(10, room=room)
    assert sorted(pairs_of(chosen)) == [(0, 1), (0, 1), (4, 6)]


def test_a_needy_model_without_room_holds_nobody_up():
    board = Board()
    board.games[2] = 0
    room = np.ones((SIZE, SIZE), int)
    room[2, :] = room[:, 2] = 0
    chosen = board.choose(3, Policy(fewest=1, explore=0), room=room)
    assert chosen.reason == (SUREST,) * 3


def test_a_share_is_left_to_chance():
    # 400 picks at 1/4: 100 with a standard deviation of 8.7.
    chosen = Board().choose(400, Policy(explore=0.25, fewest=0))
    assert 70 <= chosen.reason.count(BY_CHANCE) <= 130


def test_the_same_seed_gives_the_same_pairs():
    one, other = (pairs_of(Board().choose(40, Policy(explore=0.5, fewest=0, seed=9))) for _ in range(2))
    assert one == other
    assert pairs_of(Board().choose(40, Policy(explore=0.5, fewest=0, seed=10))) != one


def test_a_large_board_is_searched_in_part():
    # 300 models have 44,850 pairs, of which 2,000 are looked at; ten have few games and must be among them.
    rng = np.random.default_rng(1)
    games = np.full(300, 100.0)
    games[:10] = 0
    chosen = choose_pairs(
        rng.normal(1000, 100, 300),
        np.diag(rng.uniform(50, 500, 300)),
        games,
        40,
        policy=Policy(fewest=2, candidates=2000, explore=0),
    )
    played = np.bincount(np.concatenate([chosen.first, chosen.second]), minlength=300)
    assert played[:10].min() >= 2
    assert (chosen.first < chosen.second).all()
    assert chosen.after < chosen.before


def test_part_of_the_pairs_measures_as_all_do():
    # Above 4 / size^2 of the pairs the reach comes from one product, below from each pair's own difference.
    rng = np.random.default_rng(2)
    root = rng.normal(0, 20, (80, 80))
    board = rng.normal(1000, 100, 80), root @ root.T / 80, np.full(80, 50.0)
    whole = choose_pairs(*board, 1, policy=Policy(explore=0))
    part = choose_pairs(*board, 1, policy=Policy(explore=0, candidates=600))
    assert part.before == pytest.approx(whole.before)
    assert whole.after <= part.after < part.before


@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_models_have_no_pair(size):
    chosen = choose_pairs(np.zeros(size), np.zeros((size, size)), np.zeros(size), 5)
    assert pairs_of(chosen) == []


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="shapes differ: rating 3, covariance \\(2, 2\\), games 3"):
        choose_pairs(np.zeros(3), np.zeros((2, 2)), np.zeros(3), 1)


def test_an_exploration_outside_0_1_is_refused():
    with pytest.raises(ValueError, match="explore 2 is not between 0 and 1"):
        Board().choose(1, Policy(explore=2))
