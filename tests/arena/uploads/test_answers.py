import json

import pytest

from arena.uploads import Problem, PromptInfo, RecordedAnswer
from tests.arena.uploads.files import PROMPTS, answers, jsonl, texts

TWO = {"p1": ("2",), "p2": ("Hello",)}


@pytest.mark.parametrize("id_name", ["id", "prompt_id", "question_id"])
@pytest.mark.parametrize("text_name", ["answer", "output"])
def test_jsonl_rows(id_name, text_name):
    checked = answers(jsonl({id_name: "p1", text_name: "2"}, {id_name: "p2", text_name: "Hello"}))
    assert texts(checked) == TWO
    # Three prompts, two answered.
    assert (checked.empty, checked.missing) == (0, 1)


def test_turns_and_a_number_as_id():
    checked = answers(jsonl({"id": 81, "turns": ["roses", "red"]}))
    assert checked.answers == [RecordedAnswer("81", 0, ("roses", "red"))]


def test_fastchat_choices_are_samples():
    row = {
        "question_id": 81,
        "model_id": "m",
        "choices": [{"index": 0, "turns": ["a", "b"]}, {"turns": ["c", "d"]}],
    }
    assert answers(jsonl(row)).answers == [
        RecordedAnswer("81", 0, ("a", "b")),
        RecordedAnswer("81", 1, ("c", "d")),
    ]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("filename", ["a.json", "a.txt", "A.JSON", ""])
def test_json_list(indent, filename):
    content = json.dumps([{"id": "p1", "answer": "2"}, {"id": "p2", "answer": "Hello"}], indent=indent)
    assert texts(answers(content, filename)) == TWO


def test_jsonl_named_json_is_read_by_its_content():
    assert texts(answers(jsonl({"id": "p1", "answer": "2"}), "a.json")) == {"p1": ("2",)}


def test_alpaca_eval_outputs_go_to_prompts_by_text():
    rows = [
        {"instruction": " What is 1 + 1?\n", "output": "2", "generator": "m", "dataset": "x"},
        {"instruction": "Say hello.", "output": "Hello", "generator": "m"},
    ]
    assert texts(answers(json.dumps(rows), "model_outputs.json")) == TWO


def test_an_instruction_that_no_prompt_or_several_have():
    twins = (*PROMPTS, PromptInfo("p3", ("Say hello. ",)))
    rows = [{"instruction": "What?", "output": "x"}, {"instruction": "Say hello.", "output": "x"}]
    assert answers(json.dumps(rows), "a.json", twins).problems == [
        Problem(1, "item 1: no prompt has the text “What?”"),
        Problem(1, "item 2: several prompts have the text “Say hello.”; give ids instead"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv(end):
    assert texts(answers(f"id,answer{end}p1,2{end}{end}p2,Hello", "a.csv")) == TWO


def test_csv_with_quotes_lines_and_other_columns():
    content = 'note,id, answer\nx,p1,"a ""quoted"", text\nwith lines"\ny,p2,Hello\n'
    assert texts(answers(content, "a.csv")) == {"p1": ('a "quoted", text\nwith lines',), "p2": ("Hello",)}


def test_csv_turns_and_empty_cells_beyond_the_last_turn():
    content = "id,turn_1,turn_2\np1,2,\n81,roses,\n"
    checked = answers(content, "a.csv")
    # p1 has one turn, so that its second cell does not count; 81 has two and keeps an empty one.
    assert texts(checked) == {"p1": ("2",), "81": ("roses", "")}
    assert checked.empty == 0


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "\t=1"])
def test_a_csv_cell_like_a_formula_is_kept_as_it_is(cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    assert texts(answers(f"id,answer\np1,{quoted}\n", "a.csv")) == {"p1": (cell,)}


def test_a_csv_cell_of_more_than_128_kib():
    assert texts(answers(f"id,answer\np1,{'x' * 500_000}\n", "a.csv"))["p1"] == ("x" * 500_000,)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("name,text", "“name”, “text”"),
        ("id;answer", "“id;answer”"),
        ("id,id,answer", "“id”, “id”, “answer”"),
        ("id,answer,output", "“id”, “answer”, “output”"),
        ("id,answer,turn_1", "“id”, “answer”, “turn_1”"),
        ("id,turn_2", "“id”, “turn_2”"),
        ("id,turn_1,turn_3", "“id”, “turn_1”, “turn_3”"),
        ("answer", "“answer”"),
        ("id", "“id”"),
    ],
)
def test_wrong_columns(columns, found):
    # One problem for the file, not one for each of its rows.
    assert answers(f"{columns}\na,b\nc,d\n", "a.csv").problems == [
        Problem(1, f"wrong columns: found {found}; wanted: id,answer or id,turn_1,turn_2")
    ]


def test_more_columns_than_can_be_named():
    [problem] = answers(",".join(f"c{n}" for n in range(5000)), "a.csv").problems
    assert len(problem.reason) < 250


def test_a_csv_row_of_another_length():
    assert answers("id,answer\np1,2,3\np2\n", "a.csv").problems == [
        Problem(2, "3 cells, but the first line names 2 columns"),
        Problem(3, "1 cells, but the first line names 2 columns"),
    ]


@pytest.mark.parametrize(
    "content", ['id,answer\np1,"never closed\n', 'id,answer\np1,"a"b\n', "id,answer\np1,a\rb\n"]
)
def test_broken_csv(content):
    [problem] = answers(content, "a.csv").problems
    assert problem.line == 2
    assert problem.reason.startswith("not valid CSV: ")


def test_an_empty_answer_is_kept_and_counted():
    checked = answers(
        jsonl({"id": "p1", "answer": ""}, {"id": "p2", "answer": " \n"}, {"id": 81, "turns": ["", "x"]})
    )
    assert texts(checked) == {"p1": ("",), "p2": (" \n",), "81": ("", "x")}
    # p1 and p2; 81 says something in its second turn.
    assert (checked.empty, checked.missing) == (2, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"answer": "x"},
            "no id: found “answer”; wanted: id and answer (or turns), or instruction and output",
        ),
        ({}, "no id: found nothing; wanted: id and answer (or turns), or instruction and output"),
        ({"id": "", "answer": "x"}, "id is empty"),
        ({"id": None, "answer": "x"}, "id is null, not text"),
        ({"id": True, "answer": "x"}, "id is true or false, not text"),
        ({"id": 1.5, "answer": "x"}, "id is a number, not text"),
        ({"id": ["p1"], "answer": "x"}, "id is a list, not text"),
        ({"id": "p1", "prompt_id": "p1", "answer": "x"}, "has more than one id: “id”, “prompt_id”"),
        ({"id": "p9", "answer": "x"}, "no prompt has the id “p9”"),
        ({"id": "z" * 300, "answer": "x"}, "no prompt has the id “" + "z" * 59 + "…”"),
        ({"id": "a\nb\u202ec", "answer": "x"}, "no prompt has the id “a\ufffdb\ufffdc”"),
        (
            {"id": "p1", "text": "x"},
            "no answer: found “id”, “text”; wanted: id and answer (or turns), or instruction and output",
        ),
        (
            {"id": "p1", "answer": "x", "output": "y"},
            "more than one answer: found “id”, “answer”, “output”; "
            "wanted: id and answer (or turns), or instruction and output",
        ),
        ({"id": "p1", "answer": None}, "answer is null, not text"),
        ({"id": "p1", "answer": 2}, "answer is a number, not text"),
        ({"id": "p1", "answer": ["2"]}, "answer is a list, not text"),
        ({"id": "p1", "answer": "a\0b"}, "answer holds a NUL character"),
        ({"id": "p1", "answer": "a\ud800b"}, "answer holds half of a surrogate pair (\\ud800 to \\udfff)"),
        ({"id": "p\ud800", "answer": "x"}, "id holds half of a surrogate pair (\\ud800 to \\udfff)"),
        ({"id": "p1", "turns": "x"}, "turns is text, not a list"),
        ({"id": "p1", "turns": []}, "turns is an empty list"),
        ({"id": "p1", "turns": ["a", "b"]}, "wrong number of turns: 2, and “p1” has 1"),
        ({"id": "81", "answer": "a"}, "wrong number of turns: 1, and “81” has 2"),
        ({"id": "81", "turns": ["a", {}]}, "turns, entry 2 is an object, not text"),
        ({"id": "81", "choices": {}}, "choices is an object, not a list of choices"),
        ({"id": "81", "choices": []}, "choices is an empty list, not a list of choices"),
        ({"id": "81", "choices": ["a"]}, 'choices, entry 1: wanted {"turns": [...]}'),
        (
            {"id": "81", "choices": [{"turns": [1, 2]}]},
            "choices, entry 1, turns, entry 1 is a number, not text",
        ),
        ({"id": "p1", "choices": [{"turns": ["x"]}] * 17}, "choices has 17 entries; the limit is 16"),
        ({"instruction": 5, "output": "x"}, "instruction is a number, not text"),
        ([], "found a list where an object {...} was expected"),
        ("x", "found text where an object {...} was expected"),
        (None, "found null where an object {...} was expected"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_nothing_is_taken(row, reason):
    checked = answers(jsonl({"id": "p2", "answer": "fine"}, row))
    assert checked.problems == [Problem(2, reason)]
    assert checked.answers == []
    listed = answers(json.dumps([{"id": "p2", "answer": "fine"}, row], indent=0), "a.json")
    assert [problem.reason for problem in listed.problems] == ["item 2: " + reason]


def test_a_second_answer_to_a_prompt():
    rows = jsonl({"id": "p1", "answer": "x"}, {"id": "p2", "answer": "y"}, {"id": "p1", "answer": "x"})
    assert answers(rows).problems == [Problem(3, "a second answer to “p1”; the first is on line 1")]


def test_every_bad_line_is_listed():
    rows = '{"id": "p1", "answer": "x"}\n\n{"id": "q", "answer": "x"}\nnonsense\n{"id": "p2"}\n'
    assert [problem.line for problem in answers(rows).problems] == [3, 4, 5]


def test_problems_are_listed_up_to_a_limit():
    checked = answers("nonsense\n" * 1000, max_problems=3)
    assert [problem.line for problem in checked.problems] == [1, 2, 3, None]
    assert checked.problems[-1].reason == "Reading stopped here, after 3 problems."


@pytest.mark.parametrize("content", ["[]", "\n\n", " ", "id,answer\n"])
def test_a_file_without_answers(content):
    assert answers(content, "a").problems == [Problem(None, "The file holds no answers.")]
    assert answers("").problems == [Problem(None, "The file is empty.")]


def test_a_benchmark_without_prompts():
    assert (
        answers(jsonl({"id": "p1", "answer": "x"}), prompts=()).problems[0].reason
        == "no prompt has the id “p1”"
    )
