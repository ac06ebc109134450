"""Tables in, games out: every kind of table, and what is said of bad ones."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given

from leaderboard.ratings import Matchups, fit_bradley_terry
from leaderboard.ratings.bad_tables import BadTable
from leaderboard.ratings.tables import read_games
from tests.leaderboard.ratings.games import any_games, laws, matchups_of

ROWS = {
    "model_a": ["x", "y", "z", "x"],
    "model_b": ["y", "x", "x", "z"],
    "winner": ["model_a", "model_b", "tie", "both_bad"],
    "prompt": ["p", "q", "p", "q"],
}
OBJECTS = {name: pd.Series(values, dtype=object) for name, values in ROWS.items()}
KINDS = {
    "lists": lambda: ROWS,
    "arrays": lambda: {name: np.array(values) for name, values in ROWS.items()},
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas objects": lambda: pd.DataFrame(OBJECTS),
    "pandas categories": lambda: pd.DataFrame(ROWS).astype("category"),
    "polars": lambda: pl.DataFrame(ROWS),
    "polars categories": lambda: pl.DataFrame(ROWS).cast(pl.Categorical),
    "arrow": lambda: pa.table(ROWS),
    "arrow in chunks": lambda: pa.concat_tables([pa.table(ROWS).slice(0, 1), pa.table(ROWS).slice(1)]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_games(kind):
    games = read_games(KINDS[kind](), keep=["prompt"])
    named = [
        (games.players[one], games.players[two]) for one, two in zip(games.first, games.second, strict=True)
    ]
    assert named == [("x", "y"), ("y", "x"), ("z", "x"), ("x", "z")]
    assert games.score.tolist() == [1, 0, 0.5, 0.5]
    labels, place = games.columns["prompt"]
    assert [labels[at] for at in place] == ["p", "q", "p", "q"]
    if "categories" not in kind:  # a category may come with an order of its own
        assert games.players == ("x", "y", "z")


def test_the_arena_may_write_both_bad_in_two_ways():
    games = read_games({"model_a": ["x"], "model_b": ["y"], "winner": ["tie (bothbad)"]})
    assert games.score.tolist() == [0.5]


def test_models_may_be_numbers():
    games = read_games({"model_a": np.array([7, 9]), "model_b": np.array([9, 7]), "winner": ["tie", "tie"]})
    assert games.players == (7, 9)


def test_counts_are_read_as_their_games():
    # x beat y 3 times, lost once and tied twice; no loss of y to z is no row.
    table = {"model_a": ["x", "y"], "model_b": ["y", "z"], "win": [3, 1], "loss": [1, 0], "tie": [2, 0]}
    matchups = read_games(table).matchups()
    rows = zip(matchups.first, matchups.second, matchups.score, matchups.count, strict=True)
    assert sorted(rows) == [(0, 1, 0, 1), (0, 1, 0.5, 2), (0, 1, 1, 3), (1, 2, 1, 1)]


def test_a_column_may_say_how_many_games_a_row_is():
    table = {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["model_a", "tie"], "votes": [3, 0]}
    assert read_games(table, count="votes").matchups().count.tolist() == [3]


def test_covariates_are_shares_of_two_columns_or_a_difference():
    # length 300 against 100: (300 - 100) / 400 = 0.5; nothing against nothing is no difference.
    table = {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["tie", "tie"]}
    table |= {"length_a": [300, 0], "length_b": [100, 0], "tone": [1.5, -2.0]}
    games = read_games(table, covariates=["length", "tone"])
    assert games.covariates["length"].tolist() == [0.5, 0]
    assert games.covariates["tone"].tolist() == [1.5, -2]


@pytest.mark.parametrize("kind", [lambda frame: frame, pa.table, pl.from_pandas])
def test_a_category_that_no_row_has_any_more_is_no_model(kind):
    frame = pd.DataFrame(with_column(winner=["model_a", "nonsense", "tie", "tie"])).astype("category")
    games = read_games(kind(frame[frame["winner"] != "nonsense"]), keep=["prompt"])
    assert sorted(games.players) == ["x", "y", "z"]
    assert games.score.tolist() == [1, 0.5, 0.5]
    alone = read_games(kind(frame[frame["model_b"] == "y"]))
    assert alone.players == ("x", "y")


def with_column(**changed):
    return ROWS | changed


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model_a": ["x"], "winner": ["tie"]}, "column model_b: missing; there are: model_a, winner"),
        (with_column(winner=["model_a", "x", "tie", "tie"]), "row 1, column winner: 'x' is none of model_a"),
        (with_column(winner=["tie", None, "tie", "tie"]), "row 1, column winner: missing"),
        (with_column(winner=[1, 2, 1, 2]), "row 0, column winner: 1 is none of"),
        (with_column(model_a=["x", "y", None, "x"]), "row 2, column model_a: missing"),
        (with_column(model_b=["y", "x", "z", "z"]), "row 2, column model_b: 'z' cannot meet itself"),
        (with_column(model_b=["y", "x", 3, "z"]), "row 2, column model_b: 3 is a whole number where"),
        (with_column(model_b=[1, 2, 3, 4]), "column model_b: a whole number where model_a has text"),
        (with_column(model_a=[1.5, 2.5, 3.5, 4.5]), "row 0, column model_a: 1.5 is no label: it has"),
        (with_column(prompt=[[1], [2], [1], [2]]), "column prompt: values of type list<.*> are no labels"),
        (with_column(model_a=["x", " ", "z", "x"]), "row 1, column model_a: empty"),
        (with_column(model_b=["y", "x", None, 3]), "row 3, column model_b: 3 is a whole number where"),
        (with_column(model_a=[None, "y", 3, "x"]), "row 2, column model_a: 3 is a whole number where"),
        (with_column(prompt=[1.0, float("nan"), 2.0, 1.0]), "row 1, column prompt: missing"),
        (with_column(prompt=[1.0, 1e300, 2.0, 1.0]), "row 1, column prompt: 1e\\+300 is no label"),
        (with_column(model_b=["y"]), "columns differ in length: model_a 4, model_b 1"),
        (with_column(prompt=["p", None, "p", "q"]), "row 1, column prompt: missing"),
    ],
)
def test_bad_tables_are_refused_by_row_and_column(table, message):
    with pytest.raises(BadTable, match=message):
        read_games(table, keep=["prompt"] if "prompt" in table else [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"win": [1, -1]}, "row 1, column win: -1 is no count of games"),
        ({"win": [1, 1.5]}, "row 1, column win: 1.5 is no count of games: use whole numbers from 0"),
        ({"win": [1, 1e300]}, "row 1, column win: 1e\\+300 is no count of games"),
        ({"win": [1, 2**62]}, "row 1, column win: 4.61169e\\+18 is no count of games"),
        ({"win": [True, False]}, "row 0, column win: True is no number"),
        ({"loss": [float("nan"), 1]}, "row 0, column loss: nan is no count of games"),
        ({"tie": ["a", "b"]}, "row 0, column tie: 'a' is no number"),
        ({"model_b": ["x", "y"]}, "row 0, column model_b: 'x' cannot meet itself"),
    ],
)
def test_bad_counts_are_refused_by_row_and_column(change, message):
    table = {"model_a": ["x", "y"], "model_b": ["y", "z"], "win": [1, 1], "loss": [1, 1], "tie": [1, 1]}
    with pytest.raises(BadTable, match=message):
        read_games(table | change)


def test_a_name_that_stands_twice_is_refused():
    doubled = pd.DataFrame(ROWS)
    doubled.columns = ["model_a", "model_b", "winner", "winner"]
    for table in (doubled, pa.table([["x"], ["y"], ["tie"], ["p"]], names=list(doubled.columns))):
        with pytest.raises(BadTable, match="column winner: stands twice among the names: rename one"):
            read_games(table)


def test_labels_that_pandas_made_floats_of_are_whole_numbers():
    # One missing prompt, dropped again, leaves 7.0 and 9.0.
    games = read_games(pd.DataFrame(with_column(prompt=[7.0, 9.0, 7.0, 9.0])), keep=["prompt"])
    assert games.columns["prompt"].labels == (7, 9)


@pytest.mark.parametrize("kind", [pa.decimal128(30, 0), pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_counts_come_as_databases_write_them(kind):
    table = pa.table({"model_a": ["x"], "model_b": ["y"], "win": [3], "loss": [1], "tie": [0]})
    win = pa.array([3]).cast(kind) if pa.types.is_decimal(kind) else pa.array(["3"]).cast(kind)
    assert read_games(table.set_column(2, "win", win)).matchups().count.tolist() == [1, 3]


def test_mixed_types_in_a_data_frame_name_their_row():
    table = pd.DataFrame(OBJECTS | {"model_a": pd.Series(["x", "y", 3.5, "x"], dtype=object)})
    with pytest.raises(BadTable, match=r"row 2, column model_a: 3\.5 is a number with a fraction where"):
        read_games(table)


@pytest.mark.parametrize("kind", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_an_empty_table_is_no_games(kind):
    games = read_games(kind({"model_a": [], "model_b": [], "winner": []}))
    assert len(games) == 0
    assert list(fit_bradley_terry(games).rows()) == []


@laws
@given(any_games.map(lambda rows: [row for row in rows if row[2] in (0, 0.5, 1)]))
def test_law_a_table_counts_as_its_rows(rows):
    names = {1.0: "model_a", 0.5: "tie", 0.0: "model_b"}
    table = {
        "model_a": [row[0] for row in rows],
        "model_b": [row[1] for row in rows],
        "winner": [names[row[2]] for row in rows],
    }
    ours, plain = read_games(table).matchups(), matchups_of(rows)
    assert isinstance(ours, Matchups)
    for field in ("players", "first", "second", "score", "count"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(plain, field))


def test_the_library_starts_without_arrow():
    code = "import sys, leaderboard.ratings; print('pyarrow' in sys.modules, 'django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]
