"""The demo arena's files: their shape, and that they hold what the pages should have to show."""

import json
from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path
from statistics import fmean

import pytest

import leaderboard
from arena.outcomes import Verdict
from judging.verdicts import read_last_verdict

FOLDER = Path(leaderboard.__file__).parent / "demo"
CATEGORIES = {"writing", "reasoning", "math", "code", "knowledge", "language"}
BACK = {Verdict.FIRST: Verdict.SECOND, Verdict.SECOND: Verdict.FIRST, Verdict.TIE: Verdict.TIE}


def rows(name):
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def grades():
    found = {}
    for row in rows("answers.jsonl"):
        found.setdefault(row["model"], []).append(row["grade"])
    return found


@pytest.fixture(scope="module")
def prompts():
    return {row["id"]: row for row in rows("benchmark.jsonl")}


@pytest.fixture(scope="module")
def models():
    return {row["slug"]: row for row in rows("models.jsonl")}


@pytest.fixture(scope="module")
def answers():
    return {(row["model"], row["prompt"]): row["turns"] for row in rows("answers.jsonl")}


@pytest.fixture(scope="module")
def verdicts():
    return {row["key"]: read_last_verdict(row["text"]) for row in rows("rulings.jsonl")}


@pytest.mark.parametrize(
    ("name", "count", "keys"),
    [
        ("benchmark.jsonl", 24, ["id", "turns", "tags"]),
        ("models.jsonl", 7, ["slug", "name", "organisation", "description"]),
        ("answers.jsonl", 7 * 24, ["model", "prompt", "grade", "turns"]),
        # 7 * 6 ordered pairs of different models, on each of 24 prompts
        ("rulings.jsonl", 7 * 6 * 24, ["key", "text"]),
    ],
)
def test_each_file_has_its_rows_with_keys_in_one_order(name, count, keys):
    stored = rows(name)
    optional = ["reference"] if name == "benchmark.jsonl" else []
    assert len(stored) == count
    assert all(list(row) in (keys, keys + optional) for row in stored)


def test_the_files_are_small_and_one_object_a_line():
    files = list(FOLDER.iterdir())
    assert {file.name for file in files} == {
        "README.md",
        "answers.jsonl",
        "benchmark.jsonl",
        "models.jsonl",
        "rulings.jsonl",
    }
    assert sum(file.stat().st_size for file in files) < 600_000
    for file in files:
        data = file.read_bytes()
        assert data.endswith(b"\n")
        assert b"\r" not in data
        assert b"\0" not in data


def test_six_categories_of_four_prompts(prompts):
    assert Counter(row["tags"][0] for row in prompts.values()) == dict.fromkeys(CATEGORIES, 4)
    assert all(key == f"{row['tags'][0]}-{key[-1]}" for key, row in prompts.items())


def test_prompts_cover_turns_references_tables_and_languages(prompts):
    assert all(row["turns"] and all(turn.strip() for turn in row["turns"]) for row in prompts.values())
    assert [key for key, row in prompts.items() if len(row["turns"]) == 2] == [
        "writing-3",
        "reasoning-3",
        "math-3",
        "code-4",
    ]
    with_reference = [row for row in prompts.values() if "reference" in row]
    assert len(with_reference) == 7
    assert all(len(row["reference"]) == len(row["turns"]) for row in with_reference)
    assert "table" in prompts["knowledge-1"]["turns"][0]
    assert "\u0600" <= prompts["language-3"]["turns"][0][0] <= "\u06ff"  # Arabic, so right to left


def test_models_are_marked_as_made_up_and_differ_plainly(models, grades):
    assert all(row["name"].endswith("(demo)") for row in models.values())
    assert all(row["organisation"].startswith("Demo ") for row in models.values())
    assert all("made-up" in row["description"] for row in models.values())
    means = [fmean(grades[slug]) for slug in models]
    assert all(upper - lower >= 0.5 for upper, lower in pairwise(means))


def test_every_model_answers_every_turn_of_every_prompt(prompts, models, answers):
    assert set(answers) == {(slug, key) for slug in models for key in prompts}
    for (_, key), turns in answers.items():
        assert len(turns) == len(prompts[key]["turns"])


def test_exactly_one_answer_is_empty_and_one_is_long(answers):
    assert [place for place, turns in answers.items() if not any(turns)] == [("duckweed-1b", "code-3")]
    assert [place for place, turns in answers.items() if len(turns[0]) > 3000] == [
        ("lapwing-20b", "writing-4")
    ]


def test_answers_hold_tables_code_and_formulas(answers):
    best = {key: "\n".join(turns) for (slug, key), turns in answers.items() if slug == "hornbeam-70b"}
    assert "|---" in best["knowledge-1"]
    assert all("```" in best[f"code-{number}"] for number in (1, 2, 3, 4))
    assert all("$" in best[f"math-{number}"] for number in (1, 2, 3, 4))


def test_rulings_cover_every_pair_in_both_orders(prompts, models, verdicts):
    assert set(verdicts) == {f"{key}|{a}|{b}" for key in prompts for a, b in permutations(models, 2)}


def test_exactly_twelve_rulings_are_unreadable(verdicts):
    assert Counter(verdicts.values())[None] == 12


def test_some_rulings_quote_a_verdict_before_the_final_one():
    quoting = [row["text"] for row in rows("rulings.jsonl") if row["text"].count("[[") == 2]
    reversed_mind = [text for text in quoting if read_last_verdict(text) is not None]
    assert len(reversed_mind) == 14
    assert all("[[A]]" in text and "[[B]]" in text for text in reversed_mind)


def test_the_judge_has_a_first_slot_preference(verdicts):
    both_orders = []
    for key, verdict in verdicts.items():
        prompt, first, second = key.split("|")
        other = verdicts[f"{prompt}|{second}|{first}"]
        if first < second and verdict is not None and other is not None:
            both_orders.append((verdict, other))
    # 7 * 6 / 2 pairs on 24 prompts, less the 12 of which one order is unreadable
    assert len(both_orders) == 504 - 12
    inconsistent = [pair for pair in both_orders if pair[0] != BACK[pair[1]]]
    assert 0.08 <= len(inconsistent) / len(both_orders) <= 0.10
    counts = Counter(inconsistent)
    assert counts[Verdict.FIRST, Verdict.FIRST] > 4 * counts[Verdict.SECOND, Verdict.SECOND]
