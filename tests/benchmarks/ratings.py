"""How fast and how exact the ratings are beside their peers: prints a table, with the machine.

``OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.ratings [--rows 1000000] [--repeat 5]``. 200 models with
heavy-tailed pairs and 20 % ties, as a pandas DataFrame of strings. Times are medians of this process's CPU
time; arena-rank is left out where it is not installed, and FastChat's way, L-BFGS on the unique triples, is
written here. Memory is the peak above the input, in a process of its own.
"""

import argparse
import ctypes
import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import evalica
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.optimize import minimize
from scipy.special import expit

from leaderboard.ratings import fit_bradley_terry, fit_davidson, fit_elo, fit_style
from leaderboard.ratings.tables import read_games

STYLES = ("length", "headers", "lists", "bold")
WINNERS = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}


def make_votes(rows: int, models: int = 200, seed: int = 0) -> pd.DataFrame:
    """Votes in the arena's layout, with style differences of an answer against the other."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, models + 1) ** 0.7
    strength = rng.normal(0, 1, models)
    first, second = rng.choice(models, (2, rows), p=share / share.sum())
    second = np.where(first == second, (second + 1) % models, second)
    styles = rng.normal(0, 1, (rows, len(STYLES)))
    lead = strength[first] - strength[second] + styles @ np.array([0.2, 0.1, 0, -0.1])
    won = np.where(rng.random(rows) < 0.2, 2, rng.random(rows) < expit(lead))
    names = np.array([f"provider/model-{number:03d}-instruct" for number in range(models)], object)
    votes = {"model_a": names[first], "model_b": names[second]}
    votes["winner"] = np.array(["model_b", "model_a", "tie"], object)[won.astype(int)]
    return pd.DataFrame(votes, dtype="str").assign(
        category=rng.integers(0, 30, rows),
        prompt=rng.integers(0, 80, rows),
        voter=rng.integers(0, rows // 20, rows),
        **dict(zip(STYLES, styles.T, strict=True)),
    )


def fastchat(votes: pd.DataFrame) -> pd.Series:
    """FastChat's formulation: factorise, count unique (model, model, outcome), L-BFGS at its tolerance."""
    codes, names = pd.factorize(pd.concat([votes["model_a"], votes["model_b"]]), sort=True)
    outcome = votes["winner"].map({"model_a": 2, "model_b": 0, "tie": 1}).to_numpy()
    triples = np.column_stack([codes[: len(votes)], codes[len(votes) :], outcome])
    unique, weight = np.unique(triples, axis=0, return_counts=True)
    first, second, score = unique[:, 0], unique[:, 1], unique[:, 2] / 2

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        lead = theta[first] - theta[second]
        chance = expit(lead)
        value = -(weight * (score * np.log(chance) + (1 - score) * np.log1p(-chance))).sum()
        slope = weight * (chance - score)
        return value, np.bincount(first, slope, len(names)) - np.bincount(second, slope, len(names))

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"gtol": 1e-6})
    return pd.Series(found.x * 400 / np.log(10), names)


def evalica_ratings(votes: pd.DataFrame, **more: Any) -> pd.Series:
    winners = [WINNERS[winner] for winner in votes["winner"]]
    return 400 * np.log10(evalica.bradley_terry(votes["model_a"], votes["model_b"], winners, **more).scores)


def ours(votes: pd.DataFrame) -> pd.Series:
    ratings = fit_bradley_terry(read_games(votes))
    return pd.Series(ratings.rating, list(ratings.players))


def arena_rank() -> dict[str, Callable[[pd.DataFrame], Any]]:
    """arena-rank's ways, if it is installed."""
    try:
        from arena_rank.models.bradley_terry import BradleyTerry
        from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
        from arena_rank.utils.data_utils import ContextualPairDataset, PairDataset
    except ImportError:
        return {}

    def plain(votes: pd.DataFrame) -> pd.Series:
        dataset = PairDataset.from_pandas(votes)
        found = BradleyTerry(len(dataset.competitors)).compute_ratings_and_cis(dataset)
        return pd.Series(np.asarray(found["ratings"]), found["competitors"])

    def style(votes: pd.DataFrame) -> Any:
        dataset = ContextualPairDataset.from_pandas(votes, feature_cols=list(STYLES))
        model = ContextualBradleyTerry(len(dataset.competitors), len(STYLES))
        return np.asarray(model.compute_ratings_and_cis(dataset)["ratings"])

    return {"plain": plain, "style": style}


def timed(work: Callable[[], Any], repeat: int) -> float:
    """Median CPU seconds, after one run to warm up when there are several."""
    if repeat > 1:
        work()
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return median(taken)


def gap(one: pd.Series, other: pd.Series) -> float:
    """Largest distance in points between two boards of the same models, both centred."""
    other = other.loc[one.index]
    return float(np.abs((one - one.mean()) - (other - other.mean())).max())


def show(name: str, seconds: float, beside: str = "") -> None:
    print(f"{name:<62}{1000 * seconds:>10,.0f} ms  {beside}", flush=True)


def compare(votes: pd.DataFrame, repeat: int) -> None:
    peers: dict[str, Callable[[], Any]] = {
        "FastChat's formulation": lambda: fastchat(votes),
        f"evalica {evalica.__version__}": lambda: evalica_ratings(votes),
    }
    rank = arena_rank()
    if rank:
        peers["arena-rank with its sandwich"] = lambda: rank["plain"](votes)
    own = timed(lambda: ours(votes), repeat)
    best = ours(votes)
    show("ours, with 95 % sandwich and rank ranges", own)
    for name, work in peers.items():
        taken = timed(work, min(repeat, 3))
        show(name, taken, f"{taken / own:.0f} times; {gap(best, work()):.1e} points from ours")
    exact = evalica_ratings(votes, tolerance=1e-12, limit=100_000)
    print(f"{'evalica run to the end (tolerance 1e-12)':<62}{'':>15}{gap(best, exact):.1e} points from ours")
    again = read_games(votes).matchups()
    once = evalica_round(votes)
    show(
        "evalica, one of the 100 rounds of a bootstrap",
        once,
        f"100 of them are {100 * once / own:.0f} times ours",
    )
    show("ours, from kept counts", timed(lambda: fit_bradley_terry(again), repeat))
    show("ours, Davidson from kept counts", timed(lambda: fit_davidson(again), repeat))
    games = read_games(votes, keep=["category", "prompt", "voter"])
    slices = timed(lambda: [fit_bradley_terry(each) for _, each in games.slices("category")], min(repeat, 3))
    show("ours, 30 categories", slices)
    for cluster in (("prompt",), ("voter",), ("prompt", "voter")):
        taken = timed(lambda cluster=cluster: fit_bradley_terry(games, cluster=cluster), 1)
        show(f"ours, clustered by {' and '.join(cluster)}", taken)
    style = timed(lambda: fit_style(read_games(votes, covariates=STYLES)), min(repeat, 3))
    show("ours, style control with 4 covariates, both boards", style)
    if rank:
        taken = timed(lambda: rank["style"](votes), 1)
        show("arena-rank, style control", taken, f"{taken / style:.0f} times")
    columns = (games.first, games.second, games.score)
    show("ours, online Elo", timed(lambda: fit_elo(*columns, players=range(len(games.players))), 1))


def evalica_round(votes: pd.DataFrame) -> float:
    sample = votes.sample(frac=1, replace=True, random_state=1)
    return timed(lambda: evalica_ratings(sample), 1)


def print_memory(rows: int) -> None:
    """In a process of its own: megabytes of the peak over what the input holds."""
    votes = make_votes(rows)[["model_a", "model_b", "winner"]]
    ours(votes.head(1000))
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)  # what making the input has left behind is no room for us
    before = resident()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    ours(votes)
    print(f"{resident('VmHWM') - before:.0f}")


def resident(field: str = "VmRSS") -> float:
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        print_memory(asked.rows)
        return
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(f"numpy {np.__version__}, pandas {pd.__version__}, {asked.rows:,} rows\n")
    compare(make_votes(asked.rows), asked.repeat)
    for rows, models in ((5 * asked.rows, 200), (asked.rows, 2000)):
        votes = make_votes(rows, models)
        show(f"ours, {rows:,} rows, {models:,} models", timed(lambda votes=votes: ours(votes), 3))
    command = [sys.executable, "-m", "tests.benchmarks.ratings", "--memory", "--rows", str(asked.rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"{'ours, memory above the input':<62}{done.stdout.strip():>10} MB")


if __name__ == "__main__":
    main()
