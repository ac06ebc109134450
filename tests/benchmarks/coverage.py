"""How often the intervals and rank ranges hold, simulated: prints a table.

``python -m tests.benchmarks.coverage [--runs 400] [--models 60]``. Models are up to 350 points apart and
drawn with heavy tails: the rarest plays a twentieth of what the most frequent does. Clustered boards have 13,
24 or 80 prompts that each favour some models, with a standard deviation of 50 points.
"""

import argparse
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from leaderboard.ratings import Games, Matchups, fit_bradley_terry, simultaneous_ranks
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


class Arena(NamedTuple):
    """Strengths (K,) in natural units, how often each is drawn (K,), and how many prompts favour whom."""

    strength: np.ndarray
    share: np.ndarray
    prompts: int

    @property
    def favour(self) -> float:
        return FAVOUR if self.prompts else 0.0


def make_arena(models: int, prompts: int) -> Arena:
    strength = np.linspace(-1, 1, models)[np.random.default_rng(9).permutation(models)]
    share = 1 / np.arange(1, models + 1) ** 0.7
    return Arena(strength, share / share.sum(), prompts)


def draw(arena: Arena, games: int, rng: np.random.Generator) -> Games:
    models, prompts = len(arena.strength), max(arena.prompts, 1)
    first, second = rng.choice(models, (2, games), p=arena.share)
    kept = first != second
    first, second = first[kept], second[kept]
    prompt = rng.integers(0, prompts, len(first))
    favour = rng.normal(0, arena.favour, (prompts, models))
    lead = arena.strength[first] - arena.strength[second] + favour[prompt, first] - favour[prompt, second]
    won = rng.random(len(first)) < expit(lead)
    column = Column(tuple(range(prompts)), prompt)
    quarters = np.where(won, 4, 0).astype(np.int8)
    return Games(tuple(range(models)), first, second, quarters, None, {"prompt": column})


def true_ratings(arena: Arena) -> np.ndarray:
    """What a board of games without end on prompts without end says (K,), in points.

    Prompts that favour someone bring the chances nearer to a half, so it is narrower than the strengths.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    first, second = np.triu_indices(len(arena.strength), 1)
    lead = arena.strength[first] - arena.strength[second]
    noise = np.sqrt(2) * arena.favour * nodes
    won = expit(lead[:, None] + noise) @ weights / weights.sum()
    often = arena.share[first] * arena.share[second]
    size, one, nought = len(first), np.ones(len(first)), np.zeros(len(first))
    rows = (np.tile(first, 2), np.tile(second, 2), np.concatenate([one, nought]))
    count = np.concatenate([often * won, often * (1 - won)]) * size
    return fit_bradley_terry(Matchups(tuple(range(len(arena.strength))), *rows, count)).rating


def measure(arena: Arena, games: int, runs: int) -> Held:
    rng = np.random.default_rng(arena.prompts)
    models, true = len(arena.strength), true_ratings(arena)
    rank = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    intervals, ranks, simultaneous = [], [], []
    for _ in range(runs):
        board = fit_bradley_terry(draw(arena, games, rng), cluster=["prompt"] if arena.prompts else [])
        truth = 1000 + true - np.average(true, weights=board.matches)
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
        held = measure(make_arena(asked.models, prompts), asked.games, asked.runs)
        label = f"{prompts} prompts" if prompts else "independent"
        print(f"{label:<14}" + "".join(f"{100 * share:>13.1f}%" for share in held), flush=True)


if __name__ == "__main__":
    main()
