"""``manage.py rate``: ratings from a file, with no database, and one line for each bad file."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

ROWS = [("x", "y", "model_a")] * 3 + [("y", "x", "model_a"), ("y", "z", "tie"), ("z", "x", "both_bad")]
NAMES = ("model_a", "model_b", "winner")


def rate(path, *options):
    out = io.StringIO()
    call_command("rate", str(path), *options, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def rated(path, *options):
    return json.loads(rate(path, "--format", "json", *options))


def write(path, columns):
    """A table as the kind of file that its ending names."""
    rows = list(zip(*columns.values(), strict=True))
    if path.suffix == ".parquet":
        pa.parquet.write_table(pa.table(columns), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([list(columns), *rows])
    else:
        path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    return path


def columns(rows=ROWS, **more):
    return dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)) | more


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_board(tmp_path, ending):
    rows = rated(write(tmp_path / f"games.{ending}", columns()))
    counted = columns()
    del counted["winner"]
    counts = write(
        tmp_path / f"counts.{ending}",
        {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "win": [3, 0, 0], "loss": [1, 0, 0]}
        | {"tie": [0, 1, 1]},
    )
    assert rows == rated(counts)
    assert [row["model"] for row in rows] == ["x", "z", "y"]
    assert {row["status"] for row in rows} == {"provisional"}
    # x played 4 and 1, y 4 and 1, z 2 games: of 12 player-games the mean is 1000.
    assert [row["matches"] for row in rows] == [5, 2, 5]
    assert sum(row["matches"] * row["rating"] for row in rows) / 12 == pytest.approx(1000)


def test_no_database_is_started(tmp_path):
    path = write(tmp_path / "games.csv", columns())
    home = tmp_path / "home"
    environment = os.environ | {"ARENA_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "rate", str(path), "--format", "csv"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("rank,rank_lower,rank_upper,model,rating")
    assert done.stderr == "Scale: 400-point logarithmic scale (a lead of 400 points is odds of 10 to 1).\n"
    assert not any(place.is_dir() for place in home.iterdir())  # keys alone, no server's data


def test_each_method_has_its_scale_and_its_board(tmp_path):
    path = write(tmp_path / "games.csv", columns())
    for method in ("bt", "davidson", "elo"):
        best, *_ = rated(path, "--method", method)
        assert best["model"] == "x"


def test_an_anchor_fixes_the_scale(tmp_path):
    rows = rated(write(tmp_path / "games.csv", columns()), "--anchor", "y=1114")
    fixed = next(row for row in rows if row["model"] == "y")
    assert fixed["rating"] == pytest.approx(1114)
    assert (fixed["rating_lower"], fixed["note"]) == (None, "fixed as the anchor")


def test_clusters_by_prompt_and_voter_leave_repeats_out(tmp_path):
    table = columns(ROWS * 8)
    table |= {"prompt": [at // 6 for at in range(48)], "voter": [at % 7 for at in range(48)]}
    once, twice = write(tmp_path / "once.csv", table), {name: each * 2 for name, each in table.items()}
    options = ("--cluster", "prompt,voter")
    assert rated(once, *options) == rated(write(tmp_path / "twice.csv", twice), *options)


def test_a_board_for_each_category(tmp_path):
    table = columns(ROWS * 2, category=["code"] * 6 + ["maths"] * 6)
    rows = rated(write(tmp_path / "games.jsonl", table), "--by", "category")
    assert [row["category"] for row in rows] == ["all"] * 3 + ["code"] * 3 + ["maths"] * 3
    assert [row["rating"] for row in rows[3:6]] == [row["rating"] for row in rows[6:]]


@pytest.mark.parametrize("given", ["texts", "lengths", "differences"])
def test_a_board_at_equal_style(tmp_path, given):
    texts, others = (["word " * (5 + step * at % 11) for at in range(36)] for step in (7, 5))
    lengths, against = ([len(text) for text in each] for each in (texts, others))
    table = columns(ROWS * 6)
    table |= {
        "texts": {"response_a": texts, "response_b": others},
        "lengths": {"length_a": lengths, "length_b": against},
        "differences": {
            "length": [(one - other) / (one + other) for one, other in zip(lengths, against, strict=True)]
        },
    }[given]
    rows = rated(write(tmp_path / "games.parquet", table), "--style")
    assert [row["style"] for row in rows] == ["as is"] * 3 + ["equal"] * 3
    assert [row["rating"] for row in rows[:3]] != [row["rating"] for row in rows[3:]]
    # Whichever way the lengths come, it is the same share of their sum.
    assert rows == rated(write(tmp_path / "other.jsonl", table), "--style")


def test_groups_are_rated_apart(tmp_path):
    apart = [
        *ROWS,
        ("p", "q", "model_a"),
        ("q", "p", "model_a"),
        ("p", "q", "model_a"),
        ("u", "x", "model_a"),
    ]
    rows = rated(write(tmp_path / "games.csv", columns(apart)))
    assert [(row["model"], row["group"]) for row in rows] == [
        *[("x", 1), ("z", 1), ("y", 1)],
        *[("p", 2), ("q", 2)],
        ("u", None),
    ]
    assert rows[-1]["note"] == "won its only match, so no upper bound yet"


BAD = {
    "missing column": (
        "games.csv",
        "model_a,winner\nx,tie\n",
        "column model_b: missing; there are: model_a, winner.",
    ),
    "unknown winner": (
        "games.csv",
        "model_a,model_b,winner\nx,y,tie\nx,y,who\n",
        "row 2, column winner: 'who' is none of",
    ),
    "missing model": (
        "games.csv",
        "model_a,model_b,winner\nx,y,tie\n,y,tie\n",
        "row 2, column model_a: empty.",
    ),
    "short row": ("games.csv", "model_a,model_b,winner\nx,y,tie\nx,y\n", "row 2: 2 values under 3 names."),
    "counts": (
        "games.csv",
        "model_a,model_b,win,loss,tie\nx,y,1,2,3\nx,y,1,two,3\n",
        "row 2, column loss: 'two' is no",
    ),
    "mixed types": (
        "games.jsonl",
        '{"model_a": "x", "model_b": "y", "winner": "tie"}\n{"model_a": 3, "model_b": "y"}\n',
        "row 2, column model_a: a int among values of type str.",
    ),
    "no JSON": (
        "games.jsonl",
        '{"model_a": "x", "model_b": "y", "winner": "tie"}\n{"model_a\n',
        "row 2: no JSON:",
    ),
    "no object": ("games.jsonl", "[1]\n", "row 1: a JSON list where an object should be."),
    "self-play": (
        "games.csv",
        "model_a,model_b,winner\nx,x,tie\n",
        "row 1, column model_b: 'x' cannot meet itself.",
    ),
    "no rows": ("games.csv", "model_a,model_b,winner\n", "there is no game in it."),
    "0 bytes": ("games.csv", "", "the file is empty (0 bytes)."),
    "0 bytes of Parquet": ("games.parquet", "", "the file is empty (0 bytes)."),
    "broken Parquet": ("games.parquet", "PAR1 and then nothing", "broken Parquet: "),
    "not UTF-8": (
        "games.csv",
        b"model_a,model_b,winner\nx,y,tie\nx,\xff,tie\n",
        "row 2: byte 3 of the line is not UTF-8.",
    ),
    "not UTF-8 in JSON": (
        "games.jsonl",
        b'{"model_a": "x", "model_b": "y", "winner": "tie"}\n{"model_a": "\xff", "model_b": "y"}\n',
        "row 2: byte 14 of the line is not UTF-8.",
    ),
    "another kind": ("games.xlsx", "x", ".xlsx is none of .csv, .jsonl, .ndjson, .parquet."),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_gets_one_line(tmp_path, fault):
    name, content, message = BAD[fault]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CommandError) as refused:
        rate(path)
    text = str(refused.value)
    assert text.startswith(f"{path}: {message}")
    assert "\n" not in text


def test_a_cut_off_parquet_file_gets_one_line(tmp_path):
    path = write(tmp_path / "games.parquet", columns(ROWS * 1000))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=r"games.parquet: broken Parquet: [^\n]+$"):
        rate(path)


def test_a_file_that_is_not_there_gets_one_line(tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.csv: No such file or directory$"):
        rate(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--anchor", "w=1000"], "the anchor 'w' is not among the players"),
        (["--cluster", "prompt"], "column prompt: missing; there are: model_a, model_b, winner"),
        (["--method", "elo", "--anchor", "x=1"], "Elo has no clustered intervals and no anchor"),
        (["--method", "davidson", "--style"], "Style control is part of Bradley-Terry"),
        (["--style"], "column response_a: missing"),
        (["--anchor", "x"], "invalid _anchor value|Error: argument --anchor"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path, options, message):
    with pytest.raises(CommandError, match=message):
        rate(write(tmp_path / "games.csv", columns()), *options)
