import json

import pytest

from arena.uploads import NewPrompt, Problem
from tests.arena.uploads.files import jsonl, prompts

GOOD = {"id": "p1", "prompt": "Why?"}


def test_prompts_with_everything():
    checked = prompts(
        jsonl(
            {"id": "p1", "prompt": "Why?", "category": "logic", "reference": "So."},
            {
                "question_id": 81,
                "category": "writing",
                "turns": ["Write.", "Shorter."],
                "reference": ["A", None],
            },
            {
                "id": "p3",
                "turns": ["Hm?"],
                "tags": ["a b", "x-y_2"],
                "categories": ["math"],
                "category": "math",
            },
        )
    )
    assert checked.problems == []
    assert checked.prompts == [
        NewPrompt("p1", ("Why?",), ("So.",), ("logic",)),
        NewPrompt("81", ("Write.", "Shorter."), ("A", ""), ("writing",)),  # null: no reference for that turn
        NewPrompt("p3", ("Hm?",), None, ("math", "a b", "x-y_2")),  # each tag once
    ]


def test_a_list_of_prompts():
    assert prompts(json.dumps([GOOD]), "a.json").prompts == [NewPrompt("p1", ("Why?",), None, ())]


@pytest.mark.parametrize("reference", [None, "", "  ", [None], [""]])
def test_an_empty_reference_is_none(reference):
    assert prompts(jsonl({**GOOD, "reference": reference})).prompts[0].reference is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": 1.5}, "id is a number, not text"),
        ({"id": "x" * 201}, f"the id “{'x' * 59}…” has 201 characters; the limit is 200"),
        ({"id": " p"}, "the id “ p” begins or ends with space, or holds signs that cannot be printed"),
        (
            {"id": "p\n2"},
            "the id “p\ufffd2” begins or ends with space, or holds signs that cannot be printed",
        ),
        ({"id": "p\0"}, "id holds a NUL character"),
        ({"prompt": None}, "prompt, entry 1 is null, not text"),
        ({"prompt": " "}, "a turn is empty"),
        ({"prompt": "a\0"}, "prompt, entry 1 holds a NUL character"),
        ({"prompt": "\udfff"}, "prompt, entry 1 holds half of a surrogate pair (\\ud800 to \\udfff)"),
        ({"prompt": "x" * 100_001}, "prompt, entry 1 has 100,001 characters; the limit is 100,000"),
        ({"turns": ["a"]}, "wanted either prompt or turns: found “id”, “prompt”, “turns”"),
        (
            {"category": "Maths!"},
            "the tag “Maths!” is not 1 to 60 of: a to z, 0 to 9, - and _, and spaces between them",
        ),
        ({"category": ""}, "the tag “” is not 1 to 60 of: a to z, 0 to 9, - and _, and spaces between them"),
        (
            {"category": " a"},
            "the tag “ a” is not 1 to 60 of: a to z, 0 to 9, - and _, and spaces between them",
        ),
        ({"category": ["a"]}, "category is a list, not text"),
        ({"tags": "a"}, "tags is text, not a list"),
        ({"tags": 0}, "tags is a number, not a list"),
        ({"categories": ["a", 1]}, "categories, entry 2 is a number, not text"),
        ({"tags": [f"t{n}" for n in range(21)]}, "21 tags; the limit is 20"),
        ({"reference": 5}, "reference, entry 1 is a number, not text"),
        ({"reference": []}, "reference has 0 entries; wanted 1, one a turn, null where there is none"),
        (
            {"reference": ["a", "b"]},
            "reference has 2 entries; wanted 1, one a turn, null where there is none",
        ),
    ],
)
def test_a_bad_prompt_is_named_with_its_line_and_nothing_is_taken(change, reason):
    checked = prompts(jsonl({"id": "other", "prompt": "x"}, {**GOOD, **change}))
    assert checked.problems == [Problem(2, reason)]
    assert checked.prompts == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "x"}, "no id: found “prompt”; wanted: id and prompt (or turns)"),
        ({"id": "a"}, "wanted either prompt or turns: found “id”"),
        ({"id": "a", "turns": []}, "turns is an empty list"),
        ({"id": "a", "turns": ["x"] * 9}, "turns has 9 entries; the limit is 8"),
        ({"id": "a", "turns": ["x", ""]}, "a turn is empty"),
        ({"id": "a", "turns": ["x", "y"], "reference": "z"}, "reference has 1 entries; wanted 2"),
    ],
)
def test_other_bad_rows(row, reason):
    [problem] = prompts(jsonl(row)).problems
    assert problem.reason.startswith(reason)


def test_an_id_comes_twice_also_as_a_number():
    rows = jsonl({"id": 7, "prompt": "x"}, {"id": "7", "prompt": "y"})
    assert prompts(rows).problems == [Problem(2, "the id “7” comes twice, first on line 1")]


@pytest.mark.parametrize("tag", ["a", "a" * 60, "0", "two words", "x-y_z"])
def test_good_tags(tag):
    assert prompts(jsonl({**GOOD, "category": tag})).prompts[0].tags == (tag,)


def test_a_tag_of_61_signs():
    assert prompts(jsonl({**GOOD, "category": "a" * 61})).problems


def test_csv_is_not_for_prompts():
    [problem] = prompts("id,prompt\np1,Why?\n", "a.csv").problems
    assert (problem.line, problem.reason.startswith("Prompts come as JSONL")) == (1, True)


def test_a_file_without_prompts(monkeypatch):
    assert prompts("[]", "a.json").problems == [Problem(None, "The file holds no prompts.")]
    assert prompts("").problems == [Problem(None, "The file is empty.")]


def test_more_prompts_than_a_benchmark_has(monkeypatch):
    monkeypatch.setattr("arena.uploads.benchmarks.MOST_PROMPTS", 1)
    rows = jsonl({"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x"})
    assert prompts(rows).problems == [Problem(2, "a benchmark has at most 1 prompts")]
