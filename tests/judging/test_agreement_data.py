"""The published figures of three real data sets, read where they lie: they are not part of the repository."""

import csv
import json
import os
from functools import cache
from pathlib import Path

import pytest

from arena.outcomes import INCONSISTENT, Order, Verdict, Winner, winner_of
from judging.agreement import RULES, RulingRow, VoteRow, agree, between_voters

DATA = Path(os.environ.get("ARENA_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")

pytestmark = pytest.mark.data


@cache
def folder(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"The data set {name} is not in {DATA}; ARENA_DATA says where it is.")
    return DATA / name


def place(left, right, said):
    """(winner, order) of a match whose answer_a belongs to the model that is first by name."""
    order = Order.AB if left < right else Order.BA
    verdict = {"left": Verdict.FIRST, "right": Verdict.SECOND, "tie": Verdict.TIE}[said]
    return winner_of(verdict, order), order


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- LLMFAO


@cache
def llmfao_votes():
    rows = read_csv(folder("llmfao") / "crowd-comparisons.csv")
    return [
        VoteRow(row["id"], row["worker"], "worker", *place(row["left"], row["right"], row["winner"]))
        for row in rows
    ]


def llmfao_rulings(judge):
    rows = read_csv(folder("llmfao") / f"{judge}-comparisons.csv")
    return [RulingRow(row["id"], *place(row["left"], row["right"], row["winner"])) for row in rows]


@pytest.mark.parametrize(
    ("judge", "agreed", "percent", "kappa"), [("gpt4", 3705, 41.48, 0.1564), ("gpt3", 3355, 37.57, 0.0816)]
)
def test_llmfao(judge, agreed, percent, kappa):
    result = agree("each-vote", llmfao_rulings(f"{judge}-crowd"), llmfao_votes())
    assert (result.n, result.agreed) == (8931, agreed)
    assert round(100 * result.agreement, 2) == percent
    assert round(result.kappa, 4) == kappa
    assert (result.human_n, result.human_agreed) == (15112, 8043)
    assert round(100 * result.human_agreement, 2) == 53.22
    # The longer file holds the coding prompts too, on which nobody voted: they change nothing.
    assert agree("each-vote", llmfao_rulings(judge), llmfao_votes()) == result


def test_llmfao_between_workers():
    pairs = between_voters(llmfao_votes())
    assert all(pair.n >= 20 for pair in pairs)
    assert [pair.n for pair in pairs] == sorted((pair.n for pair in pairs), reverse=True)


# --- PandaLM


@cache
def pandalm_votes():
    items = json.loads((folder("pandalm") / "testset-v1.json").read_text(encoding="utf-8"))
    names = {1: Winner.MODEL_A, 2: Winner.MODEL_B, 0: Winner.TIE}
    return [
        VoteRow(item["idx"], f"annotator{n}", "annotator", names[item[f"annotator{n}"]], Order.AB)
        for item in items
        for n in (1, 2, 3)
    ]


def pandalm_rulings(file, key):
    items = json.loads((folder("pandalm") / file).read_text(encoding="utf-8"))
    names = {"1": Winner.MODEL_A, "2": Winner.MODEL_B, "0": Winner.TIE, "tie": Winner.TIE}
    return [RulingRow(item["idx"], names.get(str(item[key]).lower()), Order.AB) for item in items]


@pytest.mark.parametrize(
    ("file", "key", "percents"),
    [
        ("gpt-3.5-turbo-testset-v1.json", "gpt_result", (71.07, 58.79, 57.36, 57.55)),
        ("pandalm-7b-testset-v1.json", "pandalm_result", (66.77, 57.38, 57.50, 57.43)),
    ],
)
def test_pandalm(file, key, percents):
    result = agree("pandalm", pandalm_rulings(file, key), pandalm_votes())
    assert (result.n, result.against) == (999, "majority")
    shares = map(result.value, ("agreement", "precision", "recall", "f1"))
    assert tuple(round(100 * share, 2) for share in shares) == percents


def test_pandalm_between_annotators():
    pairs = {(pair.first, pair.second): pair for pair in between_voters(pandalm_votes())}
    kappas = {names: round(pair.kappa, 2) for names, pair in pairs.items()}
    assert {pair.n for pair in pairs.values()} == {999}
    assert kappas == {
        ("annotator1", "annotator2"): 0.85,
        ("annotator1", "annotator3"): 0.88,
        ("annotator2", "annotator3"): 0.86,
    }


# --- MT-bench


def mtbench_row(row):
    """(item, winner): the key of the pair is unordered, so the winner turns with its models."""
    pair = tuple(sorted((row["model_a"], row["model_b"])))
    item = (row["question_id"], pair, row["turn"])
    if row["winner"] not in ("model_a", "model_b"):
        return item, INCONSISTENT if "inconsistent" in row["winner"] else Winner.TIE
    return item, Winner.MODEL_A if row[row["winner"]] == pair[0] else Winner.MODEL_B


@cache
def mtbench(turn):
    """Rulings and votes of one turn, or of both when it is None."""
    rulings, votes = [], []
    for row in read_jsonl(folder("mtbench") / "gpt4_pair.jsonl"):
        rulings.append(RulingRow(*mtbench_row(row), Order.FOLDED))
    for row in read_jsonl(folder("mtbench") / "human.jsonl"):
        item, winner = mtbench_row(row)
        votes.append(VoteRow(item, row["judge"], row["judge"].split("_")[0], winner, Order.UNKNOWN))
    wanted = {1, 2} if turn is None else {turn}
    return [r for r in rulings if r.item[2] in wanted], [v for v in votes if v.item[2] in wanted]


@pytest.mark.parametrize(
    ("turn", "rule", "judge", "human", "percents"),
    [
        (1, "mtbench-s1", (886, 1343), (454, 721), (66, 63)),
        (1, "mtbench-s2", (727, 859), (388, 479), (85, 81)),
        (2, "mtbench-s1", (871, 1325), (471, 707), (66, 67)),
        (2, "mtbench-s2", (731, 864), (388, 474), (85, 82)),
    ],
)
def test_mtbench(turn, rule, judge, human, percents):
    result = agree(rule, *mtbench(turn))
    assert result.against == "experts"
    assert (result.agreed, result.n) == judge
    assert (result.human_agreed, result.human_n) == human
    assert (round(100 * result.agreement), round(100 * result.human_agreement)) == percents


def test_mtbench_inconsistent_pairs():
    rulings, votes = mtbench(None)
    assert len(rulings) == 2400
    for rule in RULES:
        assert agree(rule, rulings, votes).inconsistent == 380
    assert round(100 * 380 / 2400, 2) == 15.83
