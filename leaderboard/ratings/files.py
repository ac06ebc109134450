"""Files of games: CSV, JSONL and Parquet, of which only the columns that are needed are read."""

import csv
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from leaderboard.ratings.bad_tables import BadTable, check_names, kind_of, mixed, shown
from leaderboard.ratings.games import Games
from leaderboard.ratings.markdown_style import FEATURES, measure_style
from leaderboard.ratings.tables import COUNTS, SIDES, covariate_columns, read_games

TEXTS = ("response_a", "response_b")
Progress = Callable[[float], None]
_BLOCK, _WHOLE = 1 << 22, 1 << 30
_KINDS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns; raises BadTable for a file that has none or is of another kind."""
    with path.open("rb"):  # says what cannot be opened, before its ending is looked at
        reader = _reader(path)
    if not path.stat().st_size:
        raise BadTable("the file is empty (0 bytes)")
    if reader is _read_parquet:
        return _parquet(path).schema_arrow.names
    first = next(_csv_rows(path) if reader is _read_csv else _records(path), None)
    if first is None:
        raise BadTable("the file has nothing but blank lines")
    return list(first)


def read_file(
    path: Path,
    columns: Sequence[str],
    progress: Progress = lambda share: None,
    *,
    numbers: Collection[str] = (),
) -> pa.Table:
    """These columns of a file, telling ``progress`` the share that is read.

    Everything in a CSV file is text; ``read_games`` makes numbers of what must be numbers. In a JSONL file a
    column keeps the type of its first value, but for those of ``numbers``, which may have fractions later.
    Raises BadTable, naming the row and the column where it can.
    """
    reader = _reader(path)
    check_names(columns, columns_of(path), row=0 if reader is _read_jsonl else None)
    return reader(path, list(columns), numbers, progress)


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
    numbers = [column for name in features for column in covariate_columns(name, names)]
    columns += [*numbers, *(TEXTS if measured else ())]
    table = read_file(path, columns, progress, numbers={*numbers, *COUNTS})
    if not measured:
        return read_games(table, keep=keep, covariates=features)
    found = {name[-1]: [measure_style(text) for text in _texts(table, name)] for name in TEXTS}
    table = table.drop_columns(list(TEXTS))
    for at, name in enumerate(FEATURES):
        for side, styles in found.items():
            table = table.append_column(f"{name}_{side}", pa.array([each[at] for each in styles]))
    games = read_games(table, keep=keep, covariates=FEATURES)
    seen = {name: values for name, values in games.covariates.items() if values.any()}
    return replace(games, covariates=seen)


def _texts(table: pa.Table, name: str) -> list[str]:
    """A column of answers; one that is missing is an empty one."""
    kind = table[name].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise BadTable(f"values of type {kind} where texts should be", column=name)
    return [text or "" for text in table[name].to_pylist()]


def _reader(path: Path) -> Callable[[Path, list[str], Collection[str], Progress], pa.Table]:
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


def _read_csv(path: Path, columns: list[str], numbers: Collection[str], progress: Progress) -> pa.Table:
    types = dict.fromkeys(columns, pa.string())
    texts = pa.csv.ConvertOptions(include_columns=columns, column_types=types, strings_can_be_null=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True)

    def read(file: _Watched, block: int) -> pa.Table:
        options = pa.csv.ReadOptions(block_size=block, use_threads=False)
        return pa.csv.open_csv(file, options, parse, texts).read_all()

    try:
        return _in_blocks(path, progress, read)
    except pa.ArrowInvalid as error:
        if not _blame_csv(path):
            return pa.schema(types.items()).empty_table()  # Arrow wants a line after that of the names
        raise BadTable(_first_line(error)) from None


def _read_jsonl(path: Path, columns: list[str], numbers: Collection[str], progress: Progress) -> pa.Table:
    record = next(_records(path))
    kinds = {name: _KINDS.get(type(record[name]), pa.string()) for name in columns}
    kinds |= {name: pa.float64() for name in columns if name in numbers and kinds[name] == pa.int64()}
    parse = pa.json.ParseOptions(explicit_schema=pa.schema(kinds), unexpected_field_behavior="ignore")

    def read(file: _Watched, block: int) -> pa.Table:
        options = pa.json.ReadOptions(block_size=block, use_threads=False)
        return pa.json.open_json(file, options, parse).read_all()

    try:
        table = _in_blocks(path, progress, read)
        table.validate(full=True)  # Arrow's reader of JSON lets broken UTF-8 pass
        return table
    except pa.ArrowInvalid as error:
        _blame_jsonl(path, columns, numbers)
        raise BadTable(_first_line(error)) from None


def _in_blocks(path: Path, progress: Progress, read: Callable[[_Watched, int], pa.Table]) -> pa.Table:
    """Read block by block, so that progress is told, or at once where a row is longer than a block."""

    def in_blocks_of(size: int) -> pa.Table:
        with path.open("rb") as file:
            return read(_Watched(file, path.stat().st_size, progress), size)

    try:
        return in_blocks_of(_BLOCK)
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
    return in_blocks_of(_WHOLE)


def _read_parquet(path: Path, columns: list[str], numbers: Collection[str], progress: Progress) -> pa.Table:
    file = _parquet(path)
    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    texts = [each.name for each in schema if each.type in (pa.string(), pa.large_string())]
    file = pa.parquet.ParquetFile(path, read_dictionary=texts)
    total, done, batches = max(file.metadata.num_rows, 1), 0, []
    try:
        for batch in file.iter_batches(batch_size=1 << 18, columns=columns, use_threads=False):
            batches.append(batch)
            done += len(batch)
            progress(done / total)
    except (pa.ArrowException, OSError) as error:
        raise _broken(error, row=done) from None
    return pa.Table.from_batches(batches) if batches else schema.empty_table()


def _parquet(path: Path) -> Any:
    try:
        file = pa.parquet.ParquetFile(path)
        _ = file.schema_arrow.names  # may be broken UTF-8
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _broken(error) from None
    return file


def _broken(error: Exception, *, row: int | None = None) -> BadTable:
    return BadTable(f"broken Parquet, write or copy it again: {_first_line(error)}", row=row)


# ---- once a file was refused: which row and which column it is


def _blame_csv(path: Path) -> int:
    """The number of rows, when none of them is to blame."""
    rows, count = _csv_rows(path), 0
    names = len(next(rows))
    for count, values in enumerate(rows, start=1):
        if len(values) != names:
            have = "1 value" if len(values) == 1 else f"{len(values)} values"
            raise BadTable(f"{have} under {names} names", row=count - 1)
    return count


def _csv_rows(path: Path) -> Iterator[list[str]]:
    """The names, then each row; blank lines are no rows, as for Arrow."""
    csv.field_size_limit(_WHOLE)
    row = -1  # the line of names
    with path.open("rb") as file:
        lines = (part.decode("utf-8-sig") for line in file for part in line.splitlines(keepends=True))
        rows = csv.reader(lines, strict=True)
        while True:
            try:
                values = next(rows, None)
            except UnicodeDecodeError as error:
                raise _undecoded(error, row) from None
            except csv.Error as error:
                never = "a quotation mark is opened and never closed"
                problem = never if "end of data" in str(error) else f"no CSV: {error}"
                raise _in_row(problem, row) from None
            if values is None:
                return
            if values:
                yield values
                row += 1


def _blame_jsonl(path: Path, columns: list[str], numbers: Collection[str]) -> None:
    kinds: dict[str, type] = {}
    for row, record in enumerate(_records(path)):
        for name in columns:
            value = record.get(name)
            if value is None:
                continue
            kind = kinds.setdefault(name, type(value))
            problem = _unfit(value)
            if type(value) is not kind and not (name in numbers and {type(value), kind} == {int, float}):
                problem = mixed(value, kind)
            if problem:
                raise BadTable(problem, row=row, column=name)


def _unfit(value: Any) -> str:
    if type(value) not in _KINDS:
        return f"{shown(value)} is {kind_of(type(value))} where text or a number should be"
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return f"{shown(value)} is too long for a number: write it as text"
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return f"{shown(value)} has half a character (an unpaired surrogate)"
    return ""


def _records(path: Path) -> Iterator[dict[str, Any]]:
    row = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield _record(line, row)
                row += 1


def _record(line: bytes, row: int) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8-sig").rstrip(), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise _undecoded(error, row) from None
    except json.JSONDecodeError as error:
        raise BadTable(f"no JSON at character {error.pos + 1}: {error.msg}", row=row) from None
    except (ValueError, RecursionError) as error:
        raise BadTable(f"no JSON: {error}", row=row) from None
    if not isinstance(record, dict):
        raise BadTable(f"{kind_of(type(record))} where an object should be", row=row)
    return record


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} stands twice in an object")
    return found


def _undecoded(error: UnicodeDecodeError, row: int) -> BadTable:
    return _in_row(f"byte {error.start + 1} of the line is not UTF-8: save the file as UTF-8", row)


def _in_row(problem: str, row: int) -> BadTable:
    return BadTable(problem, row=row) if row >= 0 else BadTable(f"line of names: {problem}")


def _first_line(error: Exception) -> str:
    line = str(error).partition("\n")[0].rstrip(".")
    return line if line.isprintable() else shown(line)
