"""``manage.py rate``: ratings from a file, with no database; bad files have a test file of their own."""

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


def rate(path, *options, told=None):
    out = io.StringIO()
    call_command("rate", str(path), *options, stdout=out, stderr=told or io.StringIO())
    return out.getvalue()


def rated(path, *options, told=None):
    return json.loads(rate(path, "--format", "json", *options, told=told))


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


def test_an_anchor_may_be_a_number_and_hold_an_equals_sign(tmp_path):
    numbers = {"x": 7, "y": 8, "z": 9}
    rows = [(numbers[one], numbers[other], winner) for one, other, winner in ROWS]
    fixed, *_ = rated(write(tmp_path / "games.jsonl", columns(rows)), "--anchor", "7=1114")
    assert (fixed["model"], fixed["rating"]) == (7, pytest.approx(1114))
    table = columns([(f"{one}=1", f"{other}=1", winner) for one, other, winner in ROWS])
    fixed, *_ = rated(write(tmp_path / "games.csv", table), "--anchor", "x=1=1114")
    assert (fixed["model"], fixed["rating"]) == ("x=1", pytest.approx(1114))


def test_turns_of_a_conversation_are_votes_of_their_own(tmp_path):
    table = columns(ROWS * 4, prompt=[1] * 24, voter=[2] * 24, turn=[1] * 12 + [2] * 12)
    told = io.StringIO()
    rows = rated(write(tmp_path / "games.csv", table), "--cluster", "prompt,voter", told=told)
    # Of each turn's 12 votes the first on each of 3 pairs counts, so each model met two others twice.
    assert told.getvalue().startswith("18 votes repeat an earlier one and are left out.\n")
    assert [row["matches"] for row in rows] == [4, 4, 4]


def test_a_label_that_cannot_be_rated_is_told_and_left_out(tmp_path):
    # Without z no game of "maths" names the anchor; the other boards stand.
    rows = [*ROWS, ("x", "y", "model_a"), ("y", "x", "model_a")]
    table = columns(rows, category=["code"] * 6 + ["maths"] * 2)
    told = io.StringIO()
    boards = rated(write(tmp_path / "games.csv", table), "--by", "category", "--anchor", "z=1200", told=told)
    assert {row["category"] for row in boards} == {"all", "code"}
    assert told.getvalue().startswith(
        "category maths is left out: the anchor 'z' cannot be rated on these games.\n"
    )


def test_a_style_that_a_category_does_not_have_is_left_out_there(tmp_path):
    bold = [0.5, -0.5, 0.25, -0.1, 0.3, 0.2] * 6
    table = columns(ROWS * 12, category=["code"] * 36 + ["maths"] * 36, bold=[0.0] * 36 + bold)
    table["length"] = [0.4, 0.1, -0.3, 0.2, -0.6, 0.1, 0.5, -0.2] * 9
    told = io.StringIO()
    rated(write(tmp_path / "games.csv", table), "--by", "category", "--style", told=told)
    coefficients = [line.split(" ")[:3] for line in told.getvalue().splitlines() if "equal: " in line]
    assert coefficients == [
        ["all,", "equal:", "length"],
        ["all,", "equal:", "bold"],
        ["code,", "equal:", "length"],
        ["maths,", "equal:", "length"],
        ["maths,", "equal:", "bold"],
    ]


def test_boards_of_different_scales_are_told_apart(tmp_path):
    # Davidson's scale depends on the share of ties.
    table = columns(ROWS * 2 + ROWS[:5] * 2, category=["few"] * 12 + ["fewer"] * 10)
    told = io.StringIO()
    rated(write(tmp_path / "games.csv", table), "--by", "category", "--method", "davidson", told=told)
    scales = [line for line in told.getvalue().splitlines() if line.startswith("Scale")]
    assert [line.partition(":")[0] for line in scales] == ["Scale of all", "Scale of few", "Scale of fewer"]


def test_a_category_may_not_have_the_name_of_all(tmp_path):
    path = write(tmp_path / "games.csv", columns(category=["all"] * 6))
    with pytest.raises(CommandError, match="'all' is the name of the board of all games"):
        rate(path, "--by", "category")


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--anchor", "w=1000"], "csv: the anchor 'w' is not among the players; there are: x, y, z"),
        (["--anchor", "x=1", "--anchor", "x=2"], "--anchor: x is named twice"),
        (["--cluster", "model_a,model_b,winner"], "clusters come by one column or two, not 3"),
        (["--by", "group"], "the boards have a column of that name"),
        (["--cluster", "prompt"], "column prompt: missing; there are: model_a, model_b, winner"),
        (["--method", "elo", "--anchor", "x=1"], "Elo has no clustered intervals and no anchor"),
        (["--method", "davidson", "--style"], "Style control is part of Bradley-Terry"),
        (["--style"], "column response_a: missing"),
        (["--anchor", "x"], "'x' is not NAME=POINTS, such as gpt-4=1114"),
        (["--anchor", "x=much"], "'x=much' is not NAME=POINTS"),
        (["--anchor", "x=nan"], "'x=nan' is not NAME=POINTS"),
        (["--anchor", "=3"], "'=3' is not NAME=POINTS"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path, options, message):
    with pytest.raises(CommandError, match=message):
        rate(write(tmp_path / "games.csv", columns()), *options)
