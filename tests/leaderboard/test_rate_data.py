"""``manage.py rate`` on real votes in every layout, beside evalica's ratings of the same votes."""

import csv
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path

import evalica
import numpy as np
import pytest

from tests.leaderboard.test_rate import rated, write

DATA = Path(os.environ.get("ARENA_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
WINNERS = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
CLOSE = 1e-4  # points

pytestmark = pytest.mark.data


@cache
def votes(name):
    """The people's votes in the arena's layout: columns by name."""
    if not (DATA / name).is_dir():
        pytest.skip(f"The data set {name} is not in {DATA}; ARENA_DATA says where it is.")
    return {"llmfao": llmfao, "mtbench": mtbench}[name](DATA / name)


def llmfao(folder):
    with (folder / "crowd-comparisons.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    winner = {"left": "model_a", "right": "model_b", "tie": "tie"}
    return {
        "model_a": [row["left"] for row in rows],
        "model_b": [row["right"] for row in rows],
        "winner": [winner[row["winner"]] for row in rows],
        "prompt": [row["prompt"] for row in rows],
        "voter": [row["worker"] for row in rows],
    }


def mtbench(folder):
    rows = [json.loads(line) for line in (folder / "human.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        "model_a": [row["model_a"] for row in rows],
        "model_b": [row["model_b"] for row in rows],
        "winner": [row["winner"] if row["winner"] in WINNERS else "tie" for row in rows],
        "prompt": [str(row["question_id"]) for row in rows],
        "voter": [row["judge"] for row in rows],
        "turn": [str(row["turn"]) for row in rows],
    }


def counts(table):
    seen = Counter(zip(table["model_a"], table["model_b"], table["winner"], strict=True))
    pairs = list(dict.fromkeys((one, other) for one, other, _ in seen))
    by_name = {"win": "model_a", "loss": "model_b", "tie": "tie"}
    return {
        "model_a": [one for one, _ in pairs],
        "model_b": [other for _, other in pairs],
        **{name: [seen[*pair, winner] for pair in pairs] for name, winner in by_name.items()},
    }


def assert_as_evalica(rows, table, keep=lambda place: True):
    """The rated of one board beside evalica's ratings of the same models' votes; both centred."""
    names = {row["model"] for row in rows if row["rating"] is not None and row["group"] == 1}
    kept = [
        place
        for place, pair in enumerate(zip(table["model_a"], table["model_b"], strict=True))
        if keep(place) and names.issuperset(pair)
    ]
    first, second, said = (
        [table[name][place] for place in kept] for name in ("model_a", "model_b", "winner")
    )
    scores = evalica.bradley_terry(
        first, second, [WINNERS[winner] for winner in said], tolerance=1e-13, limit=1_000_000
    ).scores
    assert len(names) == len(scores) > 1
    ours = np.array([row["rating"] for row in rows if row["model"] in names])
    theirs = 400 * np.log10([scores[row["model"]] for row in rows if row["model"] in names])
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=CLOSE)


@pytest.mark.parametrize("name", ["llmfao", "mtbench"])
@pytest.mark.parametrize("layout", [dict, counts])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_layout_and_kind_of_file(tmp_path, name, layout, ending):
    path = write(tmp_path / f"votes.{ending}", layout(votes(name)))
    rows = rated(path)
    assert len(rows) == {"llmfao": 59, "mtbench": 6}[name]
    assert_as_evalica(rows, votes(name))
    davidson = rated(path, "--method", "davidson")
    assert {row["model"] for row in davidson} == {row["model"] for row in rows}


@pytest.mark.parametrize("name", ["llmfao", "mtbench"])
@pytest.mark.parametrize("cluster", ["prompt", "voter"])
def test_clusters_move_intervals_alone(tmp_path, name, cluster):
    path = write(tmp_path / "votes.parquet", votes(name))
    plain, own = rated(path), rated(path, "--cluster", cluster)
    assert [row["rating"] for row in own] == [row["rating"] for row in plain]
    assert [row["rating_upper"] for row in own] != [row["rating_upper"] for row in plain]


@pytest.mark.parametrize("name", ["llmfao", "mtbench"])
def test_each_prompt_by_itself(tmp_path, name):
    table = votes(name)
    rows = rated(write(tmp_path / "votes.csv", table), "--by", "prompt")
    for prompt in sorted(set(table["prompt"])):
        board = [row for row in rows if row["prompt"] == prompt]
        if sum(row["rating"] is not None and row["group"] == 1 for row in board) > 1:
            assert_as_evalica(board, table, lambda place, prompt=prompt: table["prompt"][place] == prompt)


def test_a_vote_on_each_turn_counts(tmp_path):
    table = votes("mtbench")
    given = zip(*(table[name] for name in ("model_a", "model_b", "prompt", "voter", "turn")), strict=True)
    distinct = {(frozenset((one, other)), *rest) for one, other, *rest in given}
    rows = rated(write(tmp_path / "votes.csv", table), "--cluster", "prompt,voter")
    # Each vote is a match of two models; one vote of the data set stands twice.
    assert sum(row["matches"] for row in rows) == 2 * len(distinct) == 2 * 3354
