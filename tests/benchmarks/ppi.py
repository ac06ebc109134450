"""Whether a judge ever makes people's ratings worse, and what it gains: prints a table of simulated regimes.

``python -m tests.benchmarks.ppi [--runs 300]``. A match has a prompt and a mood of its own, which people and
good judges both see; the truth is the Bradley-Terry fit to the expected results of the pairs that people met.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from leaderboard.ratings import Matchups, NotConverged, fit_bradley_terry
from leaderboard.ratings.judged_matches import JudgedMatches
from leaderboard.ratings.ppi import fit_powered
from leaderboard.ratings.results import Ratings

MOOD = 1.5  # spread of a match's own lead around the pair's, in natural units
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True)
class Draw:
    """What a judge may look at: the lead of the first with the mood, people's verdict, lengths, prompts."""

    rng: np.random.Generator
    first: np.ndarray
    second: np.ndarray
    lead: np.ndarray
    people: np.ndarray
    longer: np.ndarray
    push: np.ndarray


@dataclass(frozen=True)
class Regime:
    judge: Callable[[Draw], np.ndarray]
    size: int = 12
    labelled: int = 600
    judged: int = 4000
    prompts: int = 40
    active: bool = False
    skewed: bool = False


def noisy(draw: Draw, lead: np.ndarray) -> np.ndarray:
    """Mean of two orders: each a coin with these odds."""
    return (draw.rng.random((2, len(lead))) < expit(lead)).mean(axis=0)


def useless(draw: Draw) -> np.ndarray:
    return noisy(draw, np.zeros(len(draw.lead)))


def opposite(draw: Draw) -> np.ndarray:
    return noisy(draw, -draw.lead)


def biased(draw: Draw) -> np.ndarray:
    """Gives the family of the four best models a lead of 260 points whatever they say."""
    return noisy(draw, draw.lead + 1.5 * family(draw))


def biased_by_prompt(draw: Draw) -> np.ndarray:
    """For the family on some prompts, against it on the others."""
    return noisy(draw, draw.lead + 1.5 * draw.push * family(draw))


def family(draw: Draw) -> np.ndarray:
    return (draw.first < 4).astype(float) - (draw.second < 4)


def perfect(draw: Draw) -> np.ndarray:
    return draw.people


def sensible(draw: Draw) -> np.ndarray:
    return noisy(draw, 1.5 * draw.lead)


def longest(draw: Draw) -> np.ndarray:
    return noisy(draw, 0.5 * draw.lead + 1.5 * draw.longer)


REGIMES = {
    "useless judge": Regime(useless),
    "opposite judge": Regime(opposite),
    "biased to one family": Regime(biased),
    "perfect judge": Regime(perfect),
    "sensible judge": Regime(sensible),
    "sensible, few labels": Regime(sensible, size=8, labelled=150),
    "useless, few labels": Regime(useless, size=8, labelled=150),
    "sensible, few judged": Regime(sensible, judged=300),
    "active sampling": Regime(sensible, active=True),
    "biased and active": Regime(biased, active=True),
    "prefers long answers": Regime(longest),
    "biased, other prompts": Regime(biased_by_prompt, skewed=True),
}


def draw_pairs(regime: Regime, number: int, rng: np.random.Generator, active: bool) -> tuple:
    size = regime.size
    first = rng.integers(size, size=number)
    if active:  # neighbours on the board meet far more often
        second = first + rng.choice([-2, -1, 1, 2], number)
        far = rng.random(number) < 0.2
        second = np.where(far, rng.integers(size, size=number), second) % size
    else:
        second = rng.integers(size, size=number)
    keep = first != second
    return first[keep], second[keep]


def simulate(regime: Regime, rng: np.random.Generator) -> tuple[JudgedMatches, np.ndarray]:
    """The matches and each model's strength (K,)."""
    strength = np.sort(rng.normal(0, 0.8, regime.size))[::-1]
    people_pairs = draw_pairs(regime, regime.labelled, rng, regime.active)
    judge_pairs = draw_pairs(regime, regime.judged, rng, active=False)
    first, second = (np.concatenate(side) for side in zip(people_pairs, judge_pairs, strict=True))
    voted = np.arange(len(first)) < len(people_pairs[0])
    prompt = rng.integers(regime.prompts, size=len(first))
    if regime.skewed:  # people see the first half of the prompts nine times in ten
        half = regime.prompts // 2
        prompt = np.where(voted & (rng.random(len(first)) < 0.9), rng.integers(half, size=len(first)), prompt)
    push = np.linspace(-1, 1, regime.prompts)[prompt]
    longer = rng.choice([-1.0, 1.0], len(first))
    lead = strength[first] - strength[second] + rng.normal(0, MOOD, len(first))
    people = (rng.random(len(first)) < expit(lead)).astype(float)
    judge = regime.judge(Draw(rng, first, second, lead, people, longer, push))
    seen = np.where(voted, people, np.nan)
    return JudgedMatches.from_rows(first, second, seen, judge, prompt=prompt), strength


def truth(matches: JudgedMatches, strength: np.ndarray) -> Ratings:
    """The fit to the expected results of the pairs that people met."""
    voted = matches.labelled
    low, high = matches.low[voted], matches.high[voted]
    order = np.array(matches.players)
    gap = strength[order[low]] - strength[order[high]]
    expected = expit(gap[:, None] + MOOD * NODES) @ NODE_WEIGHTS / NODE_WEIGHTS.sum()
    return fit_bradley_terry(Matchups(matches.players, low, high, expected, np.ones(len(low))))


def error(ratings: Ratings, target: Ratings) -> float:
    off = ratings.rating - target.rating
    return float(np.mean((off - off.mean()) ** 2))


def naive_pool(matches: JudgedMatches) -> Ratings:
    score = np.where(matches.labelled, matches.people, matches.judge)
    return fit_bradley_terry(Matchups(matches.players, matches.low, matches.high, score, np.ones(len(score))))


def once(regime: Regime, rng: np.random.Generator) -> tuple[float, ...] | None:
    """Squared errors of people alone, powered and pooled; lambda; gain; share of intervals that hold."""
    matches, strength = simulate(regime, rng)
    people = replace(matches, judge=np.full(len(matches.judge), np.nan))
    try:
        powered, alone = fit_powered(matches), fit_powered(people).ratings
    except NotConverged:
        return None
    if np.isnan(alone.rating).any():
        return None  # someone is not ratable by so few votes
    target = truth(matches, strength)
    shift = target.rating - powered.ratings.rating
    held = np.abs(shift) <= powered.ratings.rating_upper - powered.ratings.rating
    errors = (error(alone, target), error(powered.ratings, target), error(naive_pool(matches), target))
    return (*errors, powered.weight, powered.gain, float(held.mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    heads = ("people", "powered", "ratio", "+-", "pooled", "lambda", "gain", "holds", "runs")
    print(f"{'regime (mean squared error, points)':<36}" + "".join(f"{head:>9}" for head in heads))
    for name, regime in REGIMES.items():
        rng = np.random.default_rng(arguments.seed)
        runs = [found for _ in range(arguments.runs) if (found := once(regime, rng)) is not None]
        alone, powered, pooled, weight, gain, held = np.array(runs).T
        ratio = powered.mean() / alone.mean()
        wobble = np.std(powered - ratio * alone) / alone.mean() / np.sqrt(len(runs))
        print(
            f"{name:<36}{alone.mean():>9.0f}{powered.mean():>9.0f}{ratio:>9.3f}{wobble:>9.3f}"
            f"{pooled.mean() / alone.mean():>9.2f}{weight.mean():>9.2f}{gain.mean():>9.3f}"
            f"{held.mean():>9.3f}{len(runs):>9}",
            flush=True,
        )


if __name__ == "__main__":
    main()
