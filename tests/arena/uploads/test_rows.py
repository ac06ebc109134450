"""What is not specific to answers: encodings, sizes, and broken JSON."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.uploads import Problem
from tests.arena.uploads.files import answers, jsonl, prompts, texts

GOOD = '{"id": "p1", "answer": "ä 😀"}\n'
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (GOOD, "a.jsonl"),
        ("[" + GOOD + "]", "a.json"),
        ("id,answer\np1,ä 😀\n", "a.csv"),
    ],
)
def test_a_byte_order_mark_is_accepted(content, filename):
    assert texts(answers(b"\xef\xbb\xbf" + content.encode(), filename)) == {"p1": ("ä 😀",)}


def test_text_that_is_not_utf8_is_named_by_line_and_byte():
    # 24 bytes up to the text, 2 of ä, a space, 4 of 😀, and 3 for `"}` and the line's end.
    assert len(GOOD.encode()) == 34
    content = GOOD.encode() + '{"id": "p2", "answer": "ä"}\n'.encode("latin-1") + b"\xff\n"
    # 24 bytes of the second line stand before its ä; the line has 28 with its end.
    assert answers(content).problems == [
        Problem(2, "not UTF-8: byte 0xE4 at offset 58 of the file"),
        Problem(3, "not UTF-8: byte 0xFF at offset 62 of the file"),
    ]


def test_a_list_that_is_not_utf8_is_named_by_line_and_byte():
    # 3 + 10 bytes before the ä: the mark, `[\n{"id": "`.
    content = b'\xef\xbb\xbf[\n{"id": "\xe4"}]'
    assert answers(content, "a.json").problems == [
        Problem(2, "not UTF-8: byte 0xE4 at offset 13 of the file")
    ]


def test_a_letter_on_the_edge_of_two_reads():
    # Reads are of 64 KiB: the two bytes of ä are the last of one and the first of the next.
    row = '{"id": "p1", "answer": "'
    text = "x" * (64 * 1024 - len(row) - 2) + "ä"
    assert texts(answers(f'[{row}{text}"}}]', "a.json"))["p1"] == (text,)
    assert texts(answers(f'{row}x{text}"}}'))["p1"] == ("x" + text,)


def test_csv_that_is_not_utf8_lists_all_its_lines():
    content = b"id,answer\np1,\xe4\np2,\xe4\n"
    assert [problem.line for problem in answers(content, "a.csv").problems] == [2, 3]


@pytest.mark.parametrize("content", ["id,answer\np1,2\n".encode("utf-16"), b"\xfe\xff\0i\0d"])
def test_utf16_is_named(content):
    assert answers(content, "a.csv").problems == [Problem(None, "The file is UTF-16 text; save it as UTF-8.")]


@pytest.mark.parametrize(("content", "word"), [(b"PK\x03\x04...", "zip"), (b"\x1f\x8b...", "compressed")])
def test_archives_are_named(content, word):
    assert word in answers(content, "a.xlsx").problems[0].reason


class Counting:
    """A file without an end that counts what was read of it."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        data = (self.line * (size // len(self.line) + 1))[:size]
        self.size += len(data)
        return data


@pytest.mark.parametrize(
    ("line", "filename"),
    [(b"x" * 100, "a.jsonl"), (b"\n", "a.jsonl"), (b"[" + b" " * 99, "a.json"), (b'"' + b"y" * 90, "a.csv")],
)
def test_a_file_over_the_limit_is_refused_while_it_streams(line, filename):
    from arena.uploads import check_answers
    from tests.arena.uploads.files import PROMPTS

    file = Counting(line)
    checked = check_answers(file, filename, PROMPTS, limit_bytes=MIB)
    # The last read is the one that passes the limit.
    assert file.size <= MIB + 64 * 1024
    assert checked.answers == []
    assert checked.problems


def test_a_file_over_the_limit_says_so():
    assert answers(jsonl({"id": "p1", "answer": "x" * 5000}), limit_bytes=4000).problems == [
        Problem(None, "The file is too large: the limit is 4,000 bytes.")
    ]


def test_a_file_of_just_the_limit_is_taken():
    assert texts(answers(GOOD, limit_bytes=34))


def test_a_line_of_10_mb_is_passed_over_and_named():
    content = jsonl({"id": "p1", "answer": "x" * 10_000_000}, {"id": "q", "answer": ""})
    assert answers(content).problems == [
        Problem(1, "longer than 1,048,576 bytes"),
        Problem(2, "no prompt has the id “q”"),
    ]


def test_an_item_of_10_mb_in_a_list():
    content = '[\n{"id": "p1", "answer": "' + "x" * 10_000_000 + '"}]'
    assert answers(content, "a.json").problems == [Problem(2, "item 1: longer than 1,048,576 characters")]


def test_an_item_of_2_mb_in_a_list_does_not_hide_the_next():
    content = '[{"id": "p1", "answer": "' + "x" * 2_000_000 + '"},\n{"id": "q", "answer": ""}]'
    assert answers(content, "a.json").problems == [
        Problem(1, "item 1: longer than 1,048,576 characters"),
        Problem(2, "item 2: no prompt has the id “q”"),
    ]


@pytest.mark.parametrize("start", ["id,answer\np1,", 'id,answer\np1,"'])
def test_a_line_of_10_mb_in_csv(start):
    assert answers(start + "x" * 10_000_000, "a.csv").problems == [Problem(2, "longer than 1,048,576 bytes")]


def test_a_cell_of_10_mb_in_csv():
    [problem] = answers('id,answer\np1,"' + ("x" * 99 + "\n") * 100_000 + '"', "a.csv").problems
    assert problem == Problem(
        2, "not valid CSV: a quotation mark is never closed, or a cell has over 1,048,576 characters"
    )


def test_a_long_list_is_read_with_the_lines_of_its_items():
    # About 11 MiB, so that the window moves several times.
    from arena.uploads import PromptInfo

    known = [PromptInfo(f"k{n}", ("?",)) for n in range(11_000)]
    rows = [f'{{"id": "k{n}",\n"answer": "{"ä" * 500}"}}' for n in range(11_000)]
    checked = answers("[" + ",\n".join(rows) + "\n]\n", "a.json", known)
    assert (len(checked.answers), checked.problems, checked.missing) == (11_000, [], 0)
    rows[10_000] = '{"id": "k5", "answer": ""}'
    # Two lines an item: item 10,001 begins on line 20,001 and item 6 on line 11.
    assert answers("[" + ",\n".join(rows) + "]", "a.json", known).problems == [
        Problem(20_001, "item 10001: a second answer to “k5”; the first is on line 11")
    ]


@pytest.mark.parametrize("filename", ["a.json", "a.jsonl", "a.csv", "a"])
@pytest.mark.parametrize("start", ["[", '{"a":', '[{"a":', '{"id": "p1", "answer": '])
def test_json_nested_100_000_deep(filename, start):
    begun = time.monotonic()
    checked = answers(start * 100_000 if start[-1] != " " else start + "[" * 100_000, filename)
    assert time.monotonic() - begun < 30  # not a measure: it must not hang
    assert checked.answers == []
    assert "nested too deeply" in checked.problems[0].reason


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_nan_is_not_json(word):
    row = f'{{"id": "p1", "answer": "x", "score": {word}}}'
    assert answers(row).problems == [Problem(1, f"{word} is not JSON")]
    assert answers(f"[{row}]", "a.json").problems == [Problem(1, f"item 1: {word} is not JSON")]


def test_a_key_twice_and_a_number_without_end():
    assert answers('{"id": "p1", "id": "p2", "answer": ""}').problems == [
        Problem(1, "an object has the same key twice")
    ]
    assert answers('{"id": ' + "1" * 5000 + ', "answer": ""}').problems == [
        Problem(1, "a number of more than 100 digits")
    ]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('[{"id": "p1", "answer": "x"},\n]', 2, "item 2: not valid JSON: Expecting value"),
        ('[{"id": "p1", "answer": "x"}\n', 2, "not valid JSON: found the end of the file where ',' or ']'"),
        ('[{"id": "p1", "answer": "x"}\n{}]', 2, "not valid JSON: found '{' where ',' or ']' was expected"),
        ('[{"id": "p1", "answer": "x"}]\n[]', 2, "not valid JSON: more text after the list's end"),
        ('[{"id": "p1",\n"answer": x}]', 2, "item 1: not valid JSON: Expecting value"),
        ('[{"id": "p1", "answer": "x\n"}]', 1, "item 1: not valid JSON: Invalid control character"),
        ('[{"id": "p1", "answer": "\n', 1, "item 1: not valid JSON: "),
        ("[", 1, "item 1: not valid JSON: Expecting value"),
    ],
)
def test_a_broken_list(content, line, reason):
    [problem] = answers(content, "a.json").problems
    assert problem.line == line
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"id": "p1"', "not valid JSON: Expecting ',' delimiter (column 12)"),
        ("{'id': 'p1'}", "not valid JSON: Expecting property name enclosed in double quotes (column 2)"),
        ('{"id": "p1"} {}', "not valid JSON: more text after the value's end (column 14)"),
        ('{"id": "a\tb"}', "not valid JSON: Invalid control character at (column 10)"),
    ],
)
def test_a_broken_line(content, reason):
    assert answers(content).problems == [Problem(1, reason)]


@pytest.mark.parametrize("filename", ["a.jsonl", "a.csv", "a.json"])
def test_a_nul_byte_is_named_by_its_line(filename):
    start = {"a.jsonl": GOOD, "a.csv": "id,answer\n", "a.json": "[\n"}[filename]
    assert answers(start + '"\0"\n', filename).problems[0] == Problem(2, "holds a NUL character")


def test_a_file_of_endless_lines(monkeypatch):
    monkeypatch.setattr("arena.uploads.rows.MOST_LINES", 1000)
    assert answers("\n" * 5000).problems == [Problem(1001, "The file has more than 1,000 lines.")]


NAMES = st.sampled_from(["a.jsonl", "a.json", "a.csv", "a", "a.JSON"])
WORDS = rb"""{"id":"p1","answer":"x"} {"id":"p2","prompt":"x","tags":["a"]} [ ] { } , : " 81 NaN 1e999 \ud800
"turns":["a"] "choices" "reference":[null] p1,2 id,answer id,turn_1""".split()
PIECES = st.sampled_from([*WORDS, b"\n", b"\r", b" ", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf"])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join)), NAMES)
def test_nothing_is_raised_whatever_a_file_holds(content, filename):
    for checked in (
        answers(content, filename, max_line_bytes=64),
        prompts(content, filename, max_line_bytes=64),
    ):
        taken = getattr(checked, "answers", None) or getattr(checked, "prompts", None)
        assert bool(taken) != bool(checked.problems)
        for problem in checked.problems:
            problem.reason.encode()  # no lone surrogate
            assert "\0" not in problem.reason


ROW = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["p1", "p2", 81, None, "\0"]),
        "answer": st.text(max_size=5) | st.none(),
        "turns": st.lists(st.text(max_size=5) | st.integers(), max_size=3),
        "prompt": st.text(max_size=5),
        "category": st.text(max_size=3),
        "reference": st.none() | st.text(max_size=3) | st.lists(st.none() | st.text(max_size=3), max_size=3),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=4))
def test_a_list_and_its_lines_are_read_alike(rows):
    for check, name in ((answers, "answers"), (prompts, "prompts")):
        lined, listed = check(jsonl(*rows)), check(json.dumps(rows, indent=0), "a.json")
        assert getattr(lined, name) == getattr(listed, name)
        # What names another row's line differs; the rest says the same after the item's number.
        said = [p.reason.partition("first")[0] for p in lined.problems]
        assert [
            p.reason.partition("first")[0].split(": ", 1 if p.line else 0)[-1] for p in listed.problems
        ] == said
