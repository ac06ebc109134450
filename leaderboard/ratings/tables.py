"""Tables of games to arrays, in one pass: DataFrames, Arrow tables or plain columns.

Looking up strings is what a fit costs, so it is left to Arrow's dictionary encoding: 12 ms for a million
labels where a dict of Python takes 27 and pandas 55. Arrow reads pandas and polars without knowing either.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leaderboard.ratings.bad_tables import BadTable, check_names, kind_of, mixed, shown
from leaderboard.ratings.games import SHARES, Column, Games
from leaderboard.ratings.shapes import Floats

SIDES = ("model_a", "model_b")
COUNTS = ("win", "loss", "tie")  # of model_a
QUARTERS = {"model_a": 4, "model_b": 0, "tie": 2, "both_bad": 2, "tie (bothbad)": 2}
_EXACT = 2.0**53  # up to here every whole number is a float of its own


def read_games(
    table: Any, *, keep: Iterable[str] = (), covariates: Iterable[str] = (), count: str | None = None
) -> Games:
    """Games from a table with the columns model_a, model_b and winner, or model_a, model_b, win, loss, tie.

    Parameters
    ----------
    table
        A pandas or polars DataFrame, a pyarrow Table, or a mapping of names to sequences or arrays. winner
        is one of model_a, model_b, tie, both_bad and "tie (bothbad)"; the last three are half a point each.
    keep
        Columns of labels to keep: prompt, voter, category or any other.
    covariates
        Names of properties of the answers: from ``NAME_a`` and ``NAME_b`` when these are there, as their
        difference over their sum, else the column ``NAME`` itself, a difference.
    count
        A column that says how many games each row stands for.

    Returns
    -------
    Games
        Players stand in order of first appearance: all of model_a, then model_b.

    Raises
    ------
    BadTable
        Naming the row and the column: a missing column or label, or one that stands twice, an unknown
        winner, a model that meets itself, a count that is no whole number from 0, mixed types.
    """
    keep, covariates = tuple(keep), tuple(covariates)
    have = _names(table)
    counted = "winner" not in have and set(COUNTS) <= set(have)
    wanted = [*SIDES, *(COUNTS if counted else ["winner"]), *keep, *([count] if count else [])]
    beside = [column for name in covariates for column in covariate_columns(name, have)]
    check_names([*wanted, *beside], have)
    arrow = _arrow(table, list(dict.fromkeys([*wanted, *beside])))
    players, first, second = _sides(*(_labels(arrow, side) for side in SIDES))
    columns = {name: _labels(arrow, name) for name in keep}
    found = {name: _covariate(arrow, name, have) for name in covariates}
    if counted:
        _refuse_self_play(players, first, second)
        return _from_counts(arrow, Games(players, first, second, np.zeros(0, np.int8), None, columns, found))
    quarters = _quarters(_labels(arrow, "winner"))
    counts = None if count is None else _amounts(arrow, count)
    _refuse_self_play(players, first, second)
    games = Games(players, first, second, quarters, counts, columns, found)
    return games if counts is None else games.take(counts > 0)


def _names(table: Any) -> list[str]:
    if isinstance(table, Mapping):
        return list(table)
    return list(getattr(table, "column_names", None) or table.columns)


def _arrow(table: Any, names: list[str]) -> pa.Table:
    if isinstance(table, pa.Table):
        return table.select(names)
    if not isinstance(table, Mapping) and hasattr(table, "__arrow_c_stream__"):
        try:
            return pa.table(table[names])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # column by column below, to say which one
    columns = {name: _array(name, table[name]) for name in names}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadTable(
            "columns differ in length: " + ", ".join(f"{name} {size}" for name, size in lengths.items())
        )
    return pa.table(columns)


def _array(name: str, values: Any) -> pa.Array:
    if isinstance(values, Sequence) and not len(values):
        return pa.array([], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        given = [(row, value) for row, value in enumerate(values) if value is not None]
        kind = type(given[0][1])
        for row, value in given:
            if type(value) is not kind:
                raise BadTable(mixed(value, kind), row=row, column=name) from None
        raise BadTable(f"values such as {shown(given[0][1])} cannot be read", column=name) from None


def _labels(table: pa.Table, name: str) -> Column:
    """Distinct labels in order of first appearance, and the place of each row's."""
    column = table[name]
    _refuse_missing(column, name)
    if not len(column):
        return Column((), np.zeros(0, np.int32))
    if pa.types.is_floating(column.type):
        column = _whole(column, name)
    given = pa.types.is_dictionary(column.type)
    try:
        column = (column if given else pc.dictionary_encode(column)).unify_dictionaries()
        labels = tuple(column.chunk(0).dictionary.to_pylist()) if column.num_chunks else ()
    except pa.ArrowNotImplementedError:
        raise BadTable(f"values of type {column.type} are no labels", column=name) from None
    except UnicodeDecodeError:
        raise BadTable("a text that is not UTF-8", column=name) from None
    chunks = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks]
    place = chunks[0] if len(chunks) == 1 else np.concatenate([*chunks, np.zeros(0, np.int32)])
    if len(labels) and given:  # a category keeps labels that no row has any more
        labels, place = _used(labels, place)
    for at, label in enumerate(labels):
        if isinstance(label, str) and not label.strip():
            raise BadTable("empty", row=int((place == at).argmax()), column=name)
    return Column(labels, place)


def _refuse_missing(column: pa.ChunkedArray, name: str) -> None:
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise BadTable("missing", row=row, column=name)


def _whole(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Numbers that pandas made floats of, because one was missing once, as the whole numbers they are."""
    values = column.to_numpy()
    bad = ~((np.abs(values) <= _EXACT) & (values == np.floor(values)))
    if bad.any():
        row = int(bad.argmax())
        problem = "missing" if np.isnan(values[row]) else f"{values[row]:g} is no label: it has a fraction"
        raise BadTable(problem, row=row, column=name)
    return pa.chunked_array([values.astype(np.int64)])


def _used(labels: tuple[Any, ...], place: Any) -> tuple[tuple[Any, ...], Any]:
    used = np.bincount(place, minlength=len(labels)) > 0
    if used.all():
        return labels, place
    kept = tuple(label for label, own in zip(labels, used.tolist(), strict=True) if own)
    return kept, (np.cumsum(used, dtype=np.int32) - 1)[place]


def _sides(one: Column, other: Column) -> tuple[tuple[Any, ...], Any, Any]:
    """Both columns as places among the labels of the two together."""
    if one.labels and other.labels and type(one.labels[0]) is not type(other.labels[0]):
        kinds = [kind_of(type(side.labels[0])) for side in (one, other)]
        raise BadTable(f"{kinds[1]} where model_a has {kinds[0]}", column="model_b")
    place = {label: at for at, label in enumerate(one.labels)}
    moved = np.array([place.setdefault(label, len(place)) for label in other.labels], np.int32)
    return tuple(place), one.place, moved[other.place] if len(moved) else other.place


def _quarters(winner: Column) -> Any:
    table = np.zeros(len(winner.labels), np.int8)
    for at, label in enumerate(winner.labels):
        if label not in QUARTERS:
            row = int((winner.place == at).argmax())
            raise BadTable(f"{shown(label)} is none of {', '.join(QUARTERS)}", row=row, column="winner")
        table[at] = QUARTERS[str(label)]
    return table[winner.place] if len(table) else np.zeros(0, np.int8)


def _refuse_self_play(players: tuple[Any, ...], first: Any, second: Any) -> None:
    same = first == second
    if same.any():
        row = int(same.argmax())
        problem = f"{shown(players[first[row]])} cannot meet itself: leave the row out"
        raise BadTable(problem, row=row, column="model_b")


def _numbers(table: pa.Table, name: str) -> Floats:
    column = table[name]
    _refuse_missing(column, name)
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):  # as in a CSV file
        return _parsed(column, name)
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not (numeric or pa.types.is_null(kind)):
        first = f"{shown(column[0].as_py())} is" if len(column) else "there are"
        raise BadTable(f"{first} no number", row=0 if len(column) else None, column=name)
    return column.cast(pa.float64(), safe=False).to_numpy()


def _parsed(column: pa.ChunkedArray, name: str) -> Floats:
    try:
        return column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        pass  # one by one below, to say which one
    values = np.empty(len(column))
    for row, text in enumerate(column.to_pylist()):
        try:
            values[row] = float(text)
        except ValueError:
            raise BadTable(f"{shown(text)} is no number", row=row, column=name) from None
    return values


def _amounts(table: pa.Table, name: str) -> Floats:
    values = _numbers(table, name)
    bad = ~((values >= 0) & (values <= _EXACT) & (values == np.floor(values)))
    if bad.any():
        row = int(bad.argmax())
        problem = f"{values[row]:g} is no count of games: use whole numbers from 0"
        raise BadTable(problem, row=row, column=name)
    return values


def _from_counts(table: pa.Table, games: Games) -> Games:
    """Each row of counts as up to three rows: its wins, its losses, its ties."""
    counts = [_amounts(table, name) for name in COUNTS]
    rows = np.tile(np.arange(len(games.first)), len(COUNTS))
    quarters = np.repeat(np.array([SHARES, 0, SHARES // 2], np.int8), len(games.first))
    count = np.concatenate(counts)
    played = count > 0
    rows, quarters, count = rows[played], quarters[played], count[played]
    bare = Games(games.players, games.first, games.second, games.first, None, games.columns, games.covariates)
    taken = bare.take(rows)
    return Games(taken.players, taken.first, taken.second, quarters, count, taken.columns, taken.covariates)


def covariate_columns(name: str, have: Sequence[str]) -> list[str]:
    """The columns that hold a covariate: of both sides where these are there, else the difference."""
    sides = [f"{name}_a", f"{name}_b"]
    return sides if set(sides) <= set(have) else [name]


def _covariate(table: pa.Table, name: str, have: Sequence[str]) -> Floats:
    names = covariate_columns(name, have)
    values = [_numbers(table, column) for column in names]
    for column, each in zip(names, values, strict=True):
        bad = ~np.isfinite(each)
        if bad.any():
            raise BadTable(f"{each[bad][0]:g} is not finite", row=int(bad.argmax()), column=column)
    if len(values) == 1:
        return values[0]
    total = np.abs(values[0]) + np.abs(values[1])
    return np.divide(values[0] - values[1], total, out=np.zeros(len(total)), where=total > 0)
