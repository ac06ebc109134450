"""What A-optimal pairs save against uniform ones, and how long a choice takes: prints two tables.

``python -m tests.benchmarks.next_pairs [--runs 10]``. Both start from the same uniform games and are refitted
after each batch; the mean variance of a difference comes from each fit's own information.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from leaderboard.ratings import Matchups, fit_bradley_terry
from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.next_pairs import Policy, choose_pairs
from leaderboard.ratings.results import POINTS_PER_NAT


@dataclass(frozen=True)
class Setting:
    size: int
    start: int
    games: int
    batch: int
    spread: float = 1.0
    newcomers: int = 0  # so many join with the batches, having met nobody


SETTINGS = {
    "30 models": Setting(30, 900, 6000, 150),
    "30 models, far apart": Setting(30, 900, 6000, 150, spread=1.6),
    "60 models": Setting(60, 2400, 9000, 300),
    "30 models, 5 new": Setting(30, 900, 6000, 150, newcomers=5),
}


def uniform(size, number, rng):
    first = rng.integers(size, size=number)
    return first, (first + rng.integers(1, size, size=number)) % size


def spread_of(strength, first, second):
    """Mean variance (squared points) of a difference, by the information of these games at the truth."""
    win = expit(strength[first] - strength[second])
    inverse = inverse_over_differences(laplacian(first, second, win * (1 - win), len(strength)))
    return 2 / (len(strength) - 1) * np.trace(inverse) * POINTS_PER_NAT**2


def choose(played, count, size, seed):
    first, second, score = played
    ratings = fit_bradley_terry(Matchups.from_rows(first, second, score, players=range(size)))
    policy = Policy(seed=seed)
    chosen = choose_pairs(ratings.rating, ratings.covariance, ratings.matches, count, policy=policy)
    return chosen.first, chosen.second


def play(setting, optimal, rng):
    """Games so far and the mean variance with them, after each batch."""
    strength = rng.normal(0, setting.spread, setting.size)
    first, second = uniform(setting.size - setting.newcomers, setting.start, rng)
    score = (rng.random(len(first)) < expit(strength[first] - strength[second])).astype(float)
    track = []
    while len(first) < setting.games:
        seed = int(rng.integers(1 << 30))
        if optimal:
            more = choose((first, second, score), setting.batch, setting.size, seed)
        else:
            more = uniform(setting.size, setting.batch, rng)
        win = expit(strength[more[0]] - strength[more[1]])
        first, second = np.concatenate([first, more[0]]), np.concatenate([second, more[1]])
        score = np.concatenate([score, (rng.random(len(win)) < win).astype(float)])
        if np.bincount(np.concatenate([first, second]), minlength=setting.size).min() > 0:
            track.append((len(first), spread_of(strength, first, second)))
    return np.array(track)


def saving(setting, seed):
    """The share of games after the start that optimal pairs spare for the variance uniform ones end with."""
    slow = play(setting, False, np.random.default_rng(seed))
    quick = play(setting, True, np.random.default_rng(seed))
    target = slow[-1, 1]
    needed = np.interp(-target, -quick[:, 1], quick[:, 0])
    return 1 - needed / setting.games, 1 - quick[-1, 1] / target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    print(f"{'setting':<28}{'fewer games, %':>16}{'+-':>8}{'less variance, %':>18}")
    for name, setting in SETTINGS.items():
        found = 100 * np.array([saving(setting, seed) for seed in range(runs)])
        wobble = found[:, 0].std() / np.sqrt(runs)
        fewer, less = found.mean(axis=0)
        print(f"{name:<28}{fewer:>16.1f}{wobble:>8.1f}{less:>18.1f}", flush=True)
    print(f"\n{'models':<28}{'ms for 100 picks':>18}")
    for size in (60, 200, 1000, 3000):
        rng = np.random.default_rng(1)
        root = rng.normal(0, 20, (size, 50))
        covariance = root @ root.T / 50 + np.diag(rng.uniform(100, 900, size))
        rating, games = rng.normal(1000, 150, size), rng.integers(5, 500, size).astype(float)
        taken = []
        for _ in range(5):
            start = time.perf_counter()
            choose_pairs(rating, covariance, games, 100)
            taken.append(1000 * (time.perf_counter() - start))
        print(f"{size:<28}{sorted(taken)[2]:>18.0f}", flush=True)


if __name__ == "__main__":
    main()
