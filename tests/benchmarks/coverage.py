"""How often the intervals and rank ranges hold, simulated: prints a table.

``python -m tests.benchmarks.coverage [--runs 400] [--models 60]``. Models are up to 350 points apart and
drawn with heavy tails: the rarest plays a twentieth of what the most frequent does. Clustered boards have 13,
24 or 80 prompts that each favour some models, with a standard deviation of 50 points.
"""

import argparse
from typing import NamedTuple

import numpy as np

from leaderboard.ratings import Games, fit_bradley_terry, simultaneous_ranks
from leaderboard.ratings.games import Column
from leaderboard.ratings.results import POINTS_PER_NAT

FAVOUR = 50 / POINTS_PER_NAT


class Held(NamedTuple):
    """Shares that hold the truth: intervals, all and of the rarest fifth; rank ranges, one by one or all."""

    intervals: float
    rarest: float
    ranks: float
    ranks_at_once: float
    simultaneous: float


def draw(models: int, games: int, prompts: int, rng: np.random.Generator) -> tuple[np.ndarray, Games]:
    """True strengths (K,) and games; ``prompts`` of 0 is games that do not depend on each other."""
    strength = np.linspace(-1, 1, models)[np.random.default_rng(9).permutation(models)]
    share = 1 / np.arange(1, models + 1) ** 0.7
    first, second = rng.choice(models, (2, games), p=share / share.sum())
    kept = first != second
    first, second = first[kept], second[kept]
    prompt = rng.integers(0, max(prompts, 1), len(first))
    favour = rng.normal(0, FAVOUR if prompts else 0, (max(prompts, 1), models))
    lead = strength[first] - strength[second] + favour[prompt, first] - favour[prompt, second]
    won = rng.random(len(first)) < 1 / (1 + np.exp(-lead))
    column = Column(tuple(range(prompts)), prompt)
    quarters = np.where(won, 4, 0).astype(np.int8)
    return strength, Games(tuple(range(models)), first, second, quarters, None, {"prompt": column})


def measure(models: int, games: int, prompts: int, runs: int) -> Held:
    rng = np.random.default_rng(prompts)
    intervals, ranks, simultaneous = [], [], []
    for _ in range(runs):
        strength, played = draw(models, games, prompts, rng)
        board = fit_bradley_terry(played, cluster=["prompt"] if prompts else [])
        truth = 1000 + POINTS_PER_NAT * (strength - np.average(strength, weights=board.matches))
        rank = 1 + (strength[None, :] > strength[:, None]).sum(axis=1)
        intervals.append((board.rating_lower <= truth) & (truth <= board.rating_upper))
        ranks.append((board.rank_lower <= rank) & (rank <= board.rank_upper))
        lower, upper = simultaneous_ranks(board, draws=1000)
        simultaneous.append(bool(((lower <= rank) & (rank <= upper)).all()))
    rare = slice(models - models // 5, None)  # the later, the rarer
    return Held(
        float(np.mean(intervals)),
        float(np.mean([row[rare] for row in intervals])),
        float(np.mean(ranks)),
        float(np.mean([row.all() for row in ranks])),
        float(np.mean(simultaneous)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--games", type=int, default=12_000)
    asked = parser.parse_args()
    names = ("all", "rarest fifth", "rank ranges", "all at once", "simultaneous")
    print(f"{'clusters':<14}" + "".join(f"{name:>14}" for name in names))
    for prompts in (0, 13, 24, 80):
        held = measure(asked.models, asked.games, prompts, asked.runs)
        label = f"{prompts} prompts" if prompts else "independent"
        print(f"{label:<14}" + "".join(f"{100 * share:>13.1f}%" for share in held), flush=True)


if __name__ == "__main__":
    main()
