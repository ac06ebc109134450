"""How fast and how exact the ratings are beside their peers: each figure with its goal and whether it is met.

``OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.ratings [--rows 1000000] [--repeat 5]``, and
``--arena-rank PYTHON`` for an interpreter that has arena-rank and its JAX, where ``arena_rank_times`` reads
the same votes. 200 models with heavy-tailed pairs and 20 % ties, as a pandas DataFrame of strings. Times are
medians of CPU time, warm; FastChat's way (L-BFGS on the unique triples, written here) and evalica take turns
with ours. Memory is the peak above the input, in a process of its own.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import choix
import evalica
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.optimize import minimize
from scipy.special import expit

from leaderboard.ratings import fit_bradley_terry, fit_davidson, fit_elo, fit_style
from leaderboard.ratings.tables import read_games

CLOSE = 1e-4  # points
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


def in_turns(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median CPU seconds of each, warm, in turns: a machine that gets busy then slows both."""
    taken = [(timed(one, 3), timed(other, 1)) for _ in range(rounds + 1)][1:]
    return median(each for each, _ in taken), median(each for _, each in taken)


def gap(one: pd.Series, other: pd.Series) -> float:
    """Largest distance in points between two boards of the same models, both centred."""
    other = other.loc[one.index]
    return float(np.abs((one - one.mean()) - (other - other.mean())).max())


def show(work: str, figure: str, beside: str = "", goal: str = "", met: bool | None = None) -> None:
    verdict = {True: "met", False: "MISSED", None: ""}[met]
    print(f"{work:<52}{figure:>10}  {beside:<46}{goal:<22}{verdict}".rstrip(), flush=True)


def in_ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def within(work: str, seconds: float, limit: float | None = None) -> None:
    if limit is None:
        show(work, in_ms(seconds))
    else:
        show(work, in_ms(seconds), "", f"under {in_ms(limit)}", seconds < limit)


def against(work: str, seconds: float, own: float, times: float, beside: str = "") -> None:
    """A peer's time beside ours, which should be so many times shorter."""
    ratio = seconds / own
    show(work, in_ms(seconds), f"{ratio:.0f} times ours{beside}", f"{times:.0f} times", ratio >= times)


def close(work: str, points: float) -> None:
    show(work, "", f"{points:.1e} points from ours", f"under {CLOSE:g} points", points < CLOSE)


def compare_points(votes: pd.DataFrame, rank: dict[str, Any], repeat: int) -> None:
    own, best = timed(lambda: ours(votes), repeat), ours(votes)
    show("ours, with 95 % sandwich and rank ranges", in_ms(own))
    for name, work in (
        ("FastChat's formulation", fastchat),
        (f"evalica {evalica.__version__}", evalica_ratings),
    ):
        own, taken = in_turns(lambda: ours(votes), lambda work=work: work(votes), repeat)
        against(f"{name}, points alone", taken, own, 15, f", ends {gap(best, work(votes)):.1e} points away")
    sample = votes.sample(frac=1, replace=True, random_state=1)
    own, once = in_turns(lambda: ours(votes), lambda: evalica_ratings(sample), 1)
    against("evalica, 100 bootstrap rounds (100 times one)", 100 * once, own, 200)
    if rank:
        name = f"arena-rank {rank['version']}"
        away = gap(best, pd.Series(rank["ratings"]))
        against(f"{name}, points alone", rank["points"], own, 20, f", ends {away:.1e} points away")
        against(f"{name}, with its sandwich", rank["intervals"], own, 25)
    else:
        show("arena-rank", "", "not measured: --arena-rank names no interpreter")


def compare_exactness(votes: pd.DataFrame) -> None:
    """evalica and choix run to their end, on these votes and on small samples of them."""
    cases = {f"{len(votes):,} votes": votes} | {
        f"{size:,} votes": make_votes(size, models, seed=size) for size, models in ((50_000, 50), (5_000, 8))
    }
    for name, case in cases.items():
        best = ours(case)
        assert not best.isna().any(), "not connected"
        close(
            f"evalica run to the end, {name}",
            gap(best, evalica_ratings(case, tolerance=1e-12, limit=100_000)),
        )
        close(f"choix run to the end, {name}", gap(best, choix_ratings(case)))


def choix_ratings(votes: pd.DataFrame) -> pd.Series:
    codes, names = pd.factorize(pd.concat([votes["model_a"], votes["model_b"]]))
    first, second = codes[: len(votes)], codes[len(votes) :]
    score = votes["winner"].map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}).to_numpy()
    wins = np.zeros((len(names), len(names)))
    np.add.at(wins, (first, second), score)
    np.add.at(wins, (second, first), 1 - score)
    return pd.Series(choix.ilsr_pairwise_dense(wins, max_iter=10_000, tol=1e-11) * 400 / np.log(10), names)


def compare_boards(votes: pd.DataFrame, rank: dict[str, Any], repeat: int) -> None:
    again = read_games(votes).matchups()
    within("ours, from kept counts", timed(lambda: fit_bradley_terry(again), repeat), 0.015)
    within("ours, Davidson from kept counts", timed(lambda: fit_davidson(again), repeat))
    games = read_games(votes, keep=["category", "prompt", "voter"])
    few = min(repeat, 3)
    each = timed(lambda: [fit_bradley_terry(own) for _, own in games.slices("category")], few)
    within("ours, 30 categories", each, 0.5)
    for cluster in (("prompt",), ("voter",), ("prompt", "voter")):
        taken = timed(lambda cluster=cluster: fit_bradley_terry(games, cluster=cluster), few)
        within(f"ours, clustered by {' and '.join(cluster)}", taken)
    style = timed(lambda: fit_style(read_games(votes, covariates=STYLES)), few)
    within("ours, style with 4 covariates, both boards, sandwich", style)
    if rank:
        against(f"arena-rank {rank['version']}, style with its sandwich", rank["style"], style, 20)
    columns = (games.first, games.second, games.score)
    within("ours, online Elo", timed(lambda: fit_elo(*columns, players=range(len(games.players))), 1))


def arena_rank(python: str | None, votes: pd.DataFrame) -> dict[str, Any]:
    """What ``arena_rank_times`` tells of these votes; nothing without an interpreter."""
    if python is None:
        return {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "votes.parquet"
        votes.to_parquet(path)
        script = Path(__file__).with_name("arena_rank_times.py")
        command = [python, str(script), str(path), ",".join(STYLES)]
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}  # XLA tells how long it compiles
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet)
    return json.loads(done.stdout)


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


def memory(rows: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.ratings", "--memory", "--rows", str(rows)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--arena-rank", metavar="PYTHON", help="an interpreter that has arena-rank installed")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        print_memory(asked.rows)
        return
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(f"numpy {np.__version__}, pandas {pd.__version__}, {asked.rows:,} rows\n")
    votes = make_votes(asked.rows)
    rank = arena_rank(asked.arena_rank, votes)
    compare_points(votes, rank, asked.repeat)
    compare_boards(votes, rank, asked.repeat)
    for rows, models, limit in ((5 * asked.rows, 200, 0.8), (asked.rows, 2000, 2.0)):
        many = make_votes(rows, models)
        taken = timed(lambda many=many: ours(many), min(asked.repeat, 3))
        within(f"ours, {rows:,} rows, {models:,} models", taken, limit)
    above = memory(asked.rows)
    show("ours, memory above the input", f"{above:.0f} MB", "", "under 150 MB", above < 150)
    compare_exactness(votes)


if __name__ == "__main__":
    main()
