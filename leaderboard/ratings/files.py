"""Files of games: CSV, JSONL and Parquet, of which only the columns that are needed are read."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from leaderboard.ratings.games import Games
from leaderboard.ratings.markdown_style import FEATURES, measure_style
from leaderboard.ratings.tables import COUNTS, SIDES, BadTable, covariate_columns, read_games

TEXTS = ("response_a", "response_b")
Progress = Callable[[float], None]
_BLOCK = 1 << 22
_KINDS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns; raises BadTable for a file that has none or is of another kind."""
    reader = _reader(path)
    if not path.stat().st_size:
        raise BadTable("the file is empty (0 bytes)")
    if reader is _read_parquet:
        return _parquet(path).schema_arrow.names
    with path.open("rb") as file:
        line = file.readline()
        while line and not line.strip():
            line = file.readline()
    text = _decoded(line, 0)
    return next(csv.reader([text])) if reader is _read_csv else list(_record(text, 0))


def read_file(path: Path, columns: Sequence[str], progress: Progress = lambda share: None) -> pa.Table:
    """These columns of a file, telling ``progress`` the share that is read.

    Everything in a CSV file is text; ``read_games`` makes numbers of what must be numbers. Raises BadTable,
    naming the row and the column where it can.
    """
    names = columns_of(path)
    for name in columns:
        if name not in names:
            raise BadTable("missing; there are: " + ", ".join(names), column=name)
    return _reader(path)(path, list(columns), progress)


def read_games_file(
    path: Path, *, keep: Sequence[str] = (), style: bool = False, progress: Progress = lambda share: None
) -> Games:
    """Games from a file in the layout of ``read_games``, with its columns ``keep``; errors as ``read_file``.

    With ``style`` also what there is of the covariates ``FEATURES``: from columns such as length_a and
    length_b, or length for their difference, or else measured on the texts response_a and response_b.
    """
    names = columns_of(path)
    outcome = ["winner"] if "winner" in names or not set(COUNTS) <= set(names) else [*COUNTS]
    columns = list(dict.fromkeys([*SIDES, *outcome, *keep]))
    features = (
        [name for name in FEATURES if set(covariate_columns(name, names)) <= set(names)] if style else []
    )
    measured = style and not features
    columns += [column for name in features for column in covariate_columns(name, names)]
    table = read_file(path, [*columns, *(TEXTS if measured else ())], progress)
    if not measured:
        return read_games(table, keep=keep, covariates=features)
    beside = {name: table[name].to_pylist() for name in TEXTS}
    found = {name[-1]: [measure_style(text or "") for text in texts] for name, texts in beside.items()}
    table = table.drop_columns(list(TEXTS))
    for at, name in enumerate(FEATURES):
        for side, styles in found.items():
            table = table.append_column(f"{name}_{side}", pa.array([each[at] for each in styles]))
    games = read_games(table, keep=keep, covariates=FEATURES)
    seen = {name: values for name, values in games.covariates.items() if values.any()}
    return replace(games, covariates=seen)


def _reader(path: Path) -> Callable[[Path, list[str], Progress], pa.Table]:
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise BadTable(f"{path.suffix or 'no ending'} is none of {', '.join(readers)}")
    return readers[path.suffix.lower()]


class _Watched:
    """A file that tells how far it is read; Arrow reads it like any other."""

    def __init__(self, file: BinaryIO, size: int, progress: Progress) -> None:
        self.file, self.size, self.progress, self.closed = file, size, progress, False

    def read(self, count: int = -1) -> bytes:
        data = self.file.read(count)
        self.progress(self.file.tell() / self.size)
        return data

    def close(self) -> None:
        self.closed = True


def _read_csv(path: Path, columns: list[str], progress: Progress) -> pa.Table:
    texts = pa.csv.ConvertOptions(
        include_columns=columns,
        column_types=dict.fromkeys(columns, pa.string()),
        strings_can_be_null=False,
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    try:
        with path.open("rb") as file:
            watched = _Watched(file, path.stat().st_size, progress)
            options = pa.csv.ReadOptions(block_size=_BLOCK, use_threads=False)
            return pa.csv.open_csv(watched, options, parse, texts).read_all()
    except pa.ArrowInvalid as error:
        _blame_csv(path)
        raise BadTable(_first_line(error)) from None


def _read_jsonl(path: Path, columns: list[str], progress: Progress) -> pa.Table:
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    record = _record(_decoded(first, 0), 0)
    schema = pa.schema([(name, _KINDS.get(type(record[name]), pa.string())) for name in columns])
    parse = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        with path.open("rb") as file:
            watched = _Watched(file, path.stat().st_size, progress)
            options = pa.json.ReadOptions(block_size=_BLOCK, use_threads=False)
            table = pa.json.open_json(watched, options, parse).read_all()
        table.validate(full=True)  # Arrow's reader of JSON lets broken UTF-8 pass
        return table
    except pa.ArrowInvalid as error:
        _blame_jsonl(path, columns)
        raise BadTable(_first_line(error)) from None


def _read_parquet(path: Path, columns: list[str], progress: Progress) -> pa.Table:
    file = _parquet(path)
    texts = [name for name in columns if pa.types.is_string(file.schema_arrow.field(name).type)]
    file = pa.parquet.ParquetFile(path, read_dictionary=texts)
    total, done, batches = max(file.metadata.num_rows, 1), 0, []
    try:
        for batch in file.iter_batches(batch_size=1 << 18, columns=columns, use_threads=False):
            batches.append(batch)
            done += len(batch)
            progress(done / total)
    except (pa.ArrowInvalid, OSError) as error:
        problem = f"broken Parquet: {_first_line(error)}"
        raise BadTable(problem, row=done) from None
    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    return pa.Table.from_batches(batches) if batches else schema.empty_table()


def _parquet(path: Path) -> Any:
    try:
        return pa.parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadTable(f"broken Parquet: {_first_line(error)}") from None


# ---- once a file was refused: which row and which column it is


def _blame_csv(path: Path) -> None:
    rows = csv.reader(_lines(path))
    header = next(rows)
    for row, values in enumerate(rows):
        if values and len(values) != len(header):
            raise BadTable(f"{len(values)} values under {len(header)} names", row=row)


def _blame_jsonl(path: Path, columns: list[str]) -> None:
    kinds: dict[str, type] = {}
    for row, line in enumerate(line for line in _lines(path) if line.strip()):
        record = _record(line, row)
        for name in columns:
            value = record.get(name)
            kind = kinds.setdefault(name, type(value))
            if type(value) is not kind and value is not None:
                problem = f"a {type(value).__name__} among values of type {kind.__name__}"
                raise BadTable(problem, row=row, column=name)


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for row, line in enumerate(file):
            yield _decoded(line, max(row - (path.suffix.lower() == ".csv"), 0))


def _decoded(line: bytes, row: int) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTable(f"byte {error.start + 1} of the line is not UTF-8", row=row) from None


def _record(line: str, row: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise BadTable(f"no JSON: {error}", row=row) from None
    if not isinstance(record, dict):
        raise BadTable(f"a JSON {type(record).__name__} where an object should be", row=row)
    return record


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
