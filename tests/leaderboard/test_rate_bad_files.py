"""``manage.py rate`` on bad files: one line each, with the row and the column where there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError

from leaderboard.ratings.files import read_file
from tests.leaderboard.test_rate import ROWS, columns, rate, rated, write

HEADER, GAME = "model_a,model_b,winner\n", "x,y,tie\n"
RECORD = {"model_a": "x", "model_b": "y", "winner": "tie"}
COUNTS = "model_a,model_b,win,loss,tie\nx,y,1,2,3\n"
STYLE = "model_a,model_b,winner,length_a,length_b\nx,y,model_a,3,4\n"


def lines(*records):
    return "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records)


# ---- by the ending of the file: its content, and how the message begins

CSV = {
    "missing column": ("model_a,winner\nx,tie\n", "column model_b: missing; there are: model_a, winner."),
    "another separator": (
        HEADER.replace(",", ";"),
        "column model_a: missing; there are: model_a;model_b",
    ),
    "names with spaces": (
        "model_a, model_b, winner\n",
        "column model_b: missing; there are: model_a, ' model_b', ' winner'.",
    ),
    "a name twice": (
        "model_a,model_b,winner,winner\nx,y,tie,tie\n",
        "column winner: stands twice among",
    ),
    "200 other columns": (
        ",".join(f"c{at}" for at in range(200)) + "\n",
        "column model_a: missing; there are: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, and 188 more.",
    ),
    "unknown winner": (
        HEADER + GAME + "x,y,who\n",
        "row 2, column winner: 'who' is none of model_a, model_b",
    ),
    "unknown winner after a text of two lines": (
        'model_a,model_b,winner,note\nx,y,tie,"a\nb"\nx,y,who,\n',
        "row 2, column winner: 'who' is none of",
    ),
    "huge winner": (HEADER + f"x,y,{'z' * 200_000}\n", f"row 1, column winner: '{'z' * 59}... is none of"),
    "missing model": (HEADER + GAME + ",y,tie\n", "row 2, column model_a: empty."),
    "blank model": (HEADER + GAME + " ,y,tie\n", "row 2, column model_a: empty."),
    "short row": (HEADER + GAME + "x,y\n", "row 2: 2 values under 3 names."),
    "long row": (HEADER + GAME + "x,y,tie,1\n", "row 2: 4 values under 3 names."),
    "short row after blank lines": (HEADER + "\n\n" + GAME + "\nx\n", "row 2: 1 value under 3 names."),
    "short row beside a huge field": (
        HEADER + f"{'z' * 200_000},y,tie\nx,y\n",
        "row 2: 2 values under 3 names.",
    ),
    "open quotation mark": (
        HEADER + GAME + '"x,y,tie\nx,y,tie\n',
        "row 2: a quotation mark is opened and never closed.",
    ),
    "counts of text": (COUNTS + "x,y,1,two,3\n", "row 2, column loss: 'two' is no number."),
    "empty count": (COUNTS + "x,y,1,,3\n", "row 2, column loss: '' is no number."),
    "negative count": (COUNTS + "x,y,1,-2,3\n", "row 2, column loss: -2 is no count of games: use whole"),
    "fractional count": (COUNTS + "x,y,1,2.5,3\n", "row 2, column loss: 2.5 is no count of games: use whole"),
    "NaN count": (COUNTS + "x,y,1,nan,3\n", "row 2, column loss: nan is no count of games"),
    "self-play": (HEADER + "x,x,tie\n", "row 1, column model_b: 'x' cannot meet itself: leave the row out."),
    "no rows": (HEADER, "there is no game in it."),
    "no rows and no end of line": (HEADER.strip(), "there is no game in it."),
    "only counts of zero": ("model_a,model_b,win,loss,tie\nx,y,0,0,0\n", "there is no game in it."),
    "0 bytes": ("", "the file is empty (0 bytes)."),
    "blank lines": ("\n\n", "the file has nothing but blank lines."),
    "not UTF-8": (
        b"model_a,model_b,winner\nx,y,tie\nx,\xff,tie\n",
        "row 2: byte 3 of the line is not UTF-8: save the file as UTF-8.",
    ),
    "not UTF-8 after a text of two lines": (
        b'model_a,model_b,winner,note\nx,y,tie,"a\nb"\nx,\xff,tie,\n',
        "row 2: byte 3 of the line is not UTF-8",
    ),
    "names not UTF-8": (b"model_\xff\n", "line of names: byte 7 of the line is not UTF-8"),
    "UTF-16": (HEADER.encode("utf-16"), "line of names: byte 1 of the line is not UTF-8"),
    "Parquet named CSV": (b"PAR1\x15\x04\x00", r"column model_a: missing; there are: 'PAR1\x15\x04\x00'."),
}
JSONL = {
    "mixed types": (
        lines(RECORD, RECORD | {"model_a": 3}),
        "row 2, column model_a: 3 is a whole number where",
    ),
    "missing key": (lines(RECORD, {"model_a": "x", "winner": "tie"}), "row 2, column model_b: missing."),
    "missing key in the first row": (
        lines({"model_a": "x"}),
        "row 1, column model_b: missing; there are: model_a.",
    ),
    "null": (lines(RECORD, RECORD | {"winner": None}), "row 2, column winner: missing."),
    "a list": (lines(RECORD | {"model_a": ["x"]}), "row 1, column model_a: ['x'] is a list where text or"),
    "an object": (lines(RECORD | {"winner": {"a": 1}}), "row 1, column winner: {'a': 1} is an object where"),
    "a number beyond 64 bits": (
        lines(RECORD | {"model_a": 10**20}),
        f"row 1, column model_a: {10**20} is too",
    ),
    "half a character": (
        lines(RECORD, RECORD | {"model_a": "\ud800"}),
        r"row 2, column model_a: '\ud800' has half a character",
    ),
    "line 7": (lines(*[RECORD] * 6, '{"model_a": "x",', RECORD), "row 7: no JSON at character 17: Expecting"),
    "the last line cut off": (
        lines(*[RECORD] * 6) + '{"model_a',
        "row 7: no JSON at character 2: Unterm",
    ),
    "no object": ("[1]\n", "row 1: a list where an object should be."),
    "deep nesting": (lines(RECORD, "[" * 100_000), "row 2: no JSON: maximum recursion depth"),
    "a key twice": (
        '{"model_a": "x", "model_a": "y"}',
        "row 1: no JSON: 'model_a' stands twice in an",
    ),
    "0 bytes": ("", "the file is empty (0 bytes)."),
    "blank lines": ("\n\n", "the file has nothing but blank lines."),
    "not UTF-8": (
        lines(RECORD).encode() + b'{"model_a": "\xff", "model_b": "y"}\n',
        "row 2: byte 14 of the line is not UTF-8: save the file as UTF-8.",
    ),
}
PARQUET = {
    "0 bytes": ("", "the file is empty (0 bytes)."),
    "no Parquet": ("PAR1 and then nothing", "broken Parquet, write or copy it again: "),
}
OTHERS = {"another kind": ("x", ".xlsx is none of .csv, .jsonl, .ndjson, .parquet.")}
BAD = [
    pytest.param(f"games.{ending}", *case, id=f"{ending}: {fault}")
    for ending, faults in {"csv": CSV, "jsonl": JSONL, "parquet": PARQUET, "xlsx": OTHERS}.items()
    for fault, case in faults.items()
]


def refusal(path, *options):
    with pytest.raises(CommandError) as refused:
        rate(path, *options)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    assert len(text) < len(str(path)) + 250
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_a_bad_file_gets_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(path).startswith(message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_a": ["x", None]}, "row 2, column model_a: missing."),
        ({"model_a": [["x"], ["y"]]}, "column model_a: values of type list<element: string> are no labels."),
        ({"winner": ["tie", "left"]}, "row 2, column winner: 'left' is none of"),
        ({"winner": [1, 0]}, "row 1, column winner: 1 is none of"),
        ({"model_b": ["y", "y"]}, "row 2, column model_b: 'y' cannot meet itself"),
        (
            {"response_a": [1, 2], "response_b": ["", ""]},
            "column response_a: values of type int64 where",
        ),
        (
            {"length_a": [1.0, float("nan")], "length_b": [2.0, 3.0]},
            "row 2, column length_a: nan is not",
        ),
        ({"length_a": [1.0, None], "length_b": [2.0, 3.0]}, "row 2, column length_a: missing."),
    ],
)
def test_a_bad_parquet_table_gets_one_line(tmp_path, changed, message):
    table = {"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["tie", "tie"]} | changed
    options = ["--style"] if len(table) > 3 else []
    assert refusal(write(tmp_path / "games.parquet", table), *options).startswith(message)


@pytest.mark.parametrize(
    ("value", "message"), [("nan", "nan is not finite"), ("long", "'long' is no number")]
)
def test_a_bad_covariate_names_its_row(tmp_path, value, message):
    path = tmp_path / "games.csv"
    path.write_text(f"{STYLE}y,x,model_a,{value},3\n")
    assert refusal(path, "--style") == f"row 2, column length_a: {message}."


def test_a_name_twice_in_a_parquet_file_gets_one_line(tmp_path):
    names = ["model_a", "model_b", "winner", "winner"]
    path = tmp_path / "games.parquet"
    pa.parquet.write_table(pa.table([["x"], ["y"], ["tie"], ["tie"]], names=names), path)
    assert refusal(path) == "column winner: stands twice among the names: rename one."


def damaged(path, start, content):
    whole = write(path, columns(ROWS * 1000)).read_bytes()
    start = start if start >= 0 else len(whole) + start
    path.write_bytes(whole[:start] + content + whole[start + len(content) :])
    return path


def test_a_cut_off_or_damaged_parquet_file_gets_one_line(tmp_path):
    path = write(tmp_path / "games.parquet", columns(ROWS * 1000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(path).startswith("broken Parquet, write or copy it again: ")
    inside = damaged(tmp_path / "inside.parquet", 8, b"\xff" * 40)
    assert refusal(inside).startswith("row 1: broken Parquet, write or copy it again: ")
    footer = damaged(tmp_path / "footer.parquet", -300, b"\xff" * 80)
    assert refusal(footer).startswith("broken Parquet, write or copy it again: ")


def test_a_file_that_cannot_be_opened_gets_one_line(tmp_path):
    assert refusal(tmp_path / "nothing.csv") == "No such file or directory"
    for name in ("folder.csv", "folder.parquet", "folder"):
        (tmp_path / name).mkdir()
        assert refusal(tmp_path / name) == "Is a directory"


def test_the_command_ends_with_status_1_and_one_line(tmp_path):
    path = tmp_path / "games.csv"
    path.write_text(HEADER + "x,y,who\n")
    done = subprocess.run(
        [sys.executable, "manage.py", "rate", str(path)],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"ARENA_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"CommandError: {path}: row 1, column winner: 'who' is none of")
    assert done.stderr.count("\n") == 1


# ---- odd, but good

ODD = {
    "CRLF": HEADER.replace("\n", "\r\n") + "x,y,model_a\r\ny,x,model_a\r\n",
    "CR": HEADER.replace("\n", "\r") + "x,y,model_a\ry,x,model_a\r",
    "a byte order mark": "\ufeff" + HEADER + "x,y,model_a\ny,x,model_a\n",
    "blank lines": "\n" + HEADER + "\n" + "x,y,model_a\n\ny,x,model_a\n\n",
    "no end of line": HEADER + "x,y,model_a\ny,x,model_a",
    "quotation marks": HEADER + '"x","y","model_a"\n"y","x","model_a"\n',
    "200 columns, some of one name": (
        HEADER.strip()
        + ",c" * 197
        + "\n"
        + "".join(f"{game},model_a{',1' * 197}\n" for game in ("x,y", "y,x"))
    ),
    "a text longer than a block": (
        f"{HEADER.strip()},note\nx,y,model_a,{'z' * 5_000_000}\ny,x,model_a,short\n"
    ),
}


@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_file_is_read(tmp_path, oddity):
    path = tmp_path / "games.csv"
    path.write_text(ODD[oddity], newline="")
    assert [(row["model"], row["rating"], row["matches"]) for row in rated(path)] == [
        ("x", pytest.approx(1000), 2),
        ("y", pytest.approx(1000), 2),
    ]


def test_a_record_may_be_longer_than_a_block(tmp_path):
    path = tmp_path / "games.jsonl"
    path.write_text("\ufeff" + lines(RECORD | {"note": "z" * 5_000_000}, RECORD))
    assert [row["matches"] for row in rated(path)] == [2, 2]


def test_long_strings_of_a_parquet_file_are_read_as_their_dictionary(tmp_path):
    # pandas and polars write large_string; as plain strings 5 million rows took ten times as long to read.
    path = tmp_path / "games.parquet"
    schema = pa.schema([(name, pa.large_string()) for name in columns()])
    pa.parquet.write_table(pa.table(columns(), schema), path)
    table = read_file(path, list(columns()))
    assert all(pa.types.is_dictionary(each.type) for each in table.schema)


def test_numbers_of_json_may_leave_out_their_fraction(tmp_path):
    # 0 and 0.5 are both numbers to JavaScript, which writes no 0.0.
    table = columns(ROWS * 6, length=[0, 0.5, -0.25, 0.1, -0.2, 0.3] * 6)
    assert rated(write(tmp_path / "games.jsonl", table), "--style") == rated(
        write(tmp_path / "games.csv", table), "--style"
    )
