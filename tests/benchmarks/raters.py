"""Honest crowds and attackers: who is flagged, prints a table.

``python -m tests.benchmarks.raters [--runs 20]``. "false" is the share of honest raters among the flagged,
averaged over runs (none flagged counts 0), which the stated rate of 0.05 bounds; "found" the share of the
attackers who were flagged; "moved" the mean change of the attacked board's ratings without the flagged.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from leaderboard.ratings.anomalies import flag_raters
from leaderboard.ratings.raters import without_raters
from leaderboard.ratings.votes import Votes


def honest(rng, win, first, second):
    return (rng.random(len(win)) < win).astype(float)


def always_first(rng, win, first, second):
    return np.ones(len(win))


def random_clicker(rng, win, first, second):
    return rng.choice([0.0, 0.5, 1.0], len(win), p=[0.4, 0.2, 0.4])


def fan(rng, win, first, second):
    """Votes for the middling model 10 whenever it is there, and honestly otherwise."""
    fair = honest(rng, win, first, second)
    return np.where(first == 10, 1.0, np.where(second == 10, 0.0, fair))


@dataclass(frozen=True)
class Crowd:
    attack: Callable = honest
    attackers: int = 0
    raters: int = 300
    votes: int = 40  # a rater, on average; heavy-tailed
    ties: float = 0.2
    models: int = 20


CROWDS = {
    "honest": Crowd(),
    "honest, no ties": Crowd(ties=0.0),
    "honest, few and busy": Crowd(raters=30, votes=300),
    "honest, many and brief": Crowd(raters=1500, votes=12),
    "10 always vote first": Crowd(always_first, 10),
    "10 click at random": Crowd(random_clicker, 10),
    "10 fans of one model": Crowd(fan, 10),
    "10 fans, 150 votes each": Crowd(fan, 10, votes=150),
    "10 random, 150 votes each": Crowd(random_clicker, 10, votes=150),
}


def simulate(crowd: Crowd, rng: np.random.Generator) -> Votes:
    """Rater number r attacks when r < attackers."""
    number = np.maximum(5, rng.exponential(crowd.votes, crowd.raters)).astype(int)
    number[: crowd.attackers] = np.maximum(number[: crowd.attackers], crowd.votes)
    strength = np.sort(rng.normal(0, 1, crowd.models))
    rater = np.repeat(np.arange(crowd.raters), number)
    first = rng.integers(crowd.models, size=len(rater))
    second = (first + rng.integers(1, crowd.models, size=len(rater))) % crowd.models
    win = expit(strength[first] - strength[second])
    score = honest(rng, win, first, second)
    score[rng.random(len(rater)) < crowd.ties * 4 * win * (1 - win)] = 0.5
    bad = rater < crowd.attackers
    score[bad] = crowd.attack(rng, win[bad], first[bad], second[bad])
    return Votes.from_rows(rater, first, second, score, players=range(crowd.models))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    heads = ("flagged", "false", "any false", "found", "moved", "ms")
    print(f"{'crowd':<28}" + "".join(f"{head:>11}" for head in heads))
    for name, crowd in CROWDS.items():
        rng = np.random.default_rng(1)
        rows = []
        for _ in range(runs):
            votes = simulate(crowd, rng)
            start = time.perf_counter()
            found = flag_raters(votes)
            taken = 1000 * (time.perf_counter() - start)
            names = [flag.rater for flag in found.flags()]
            false = sum(rater >= crowd.attackers for rater in names)
            change = without_raters(votes, names)
            moved = np.nanmean(np.abs(change.after.rating - change.before.rating))
            caught = (len(names) - false) / crowd.attackers if crowd.attackers else np.nan
            rows.append((len(names), false / max(len(names), 1), false > 0, caught, moved, taken))
        flagged, false, any_false, caught, moved, taken = np.mean(rows, axis=0)
        print(
            f"{name:<28}{flagged:>11.2f}{false:>11.3f}{any_false:>11.2f}"
            f"{caught:>11.2f}{moved:>11.2f}{taken:>11.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
