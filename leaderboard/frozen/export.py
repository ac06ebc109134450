"""A snapshot as one file, a zip: written whole, and read back with everything checked that can be."""

import csv
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from leaderboard.frozen import games
from leaderboard.frozen.boards import COLUMNS, FrozenBoard, cells_of
from leaderboard.frozen.inputs import Inputs
from leaderboard.frozen.readme import README

FORMAT = 1
INDEX = "snapshot.json"
_WRITTEN = 1 << 20  # characters between two writes


class BadExport(ValueError):
    """A file that is no export, or not the one that was written; the message says where."""


class ExportedBoard(NamedTuple):
    """A board of an export: what it is of, what was found, and its rows as cells under ``COLUMNS``."""

    judge: str
    category: str
    method: str
    facts: dict[str, Any]
    rows: list[list[str]]


@dataclass(frozen=True)
class ExportedBenchmark:
    inputs: Inputs
    boards: list[ExportedBoard]


@dataclass(frozen=True)
class Export:
    """A whole export. ``index`` is its snapshot.json."""

    index: dict[str, Any]
    benchmarks: list[ExportedBenchmark]


# ---- writing


class _Writer:
    """Members of a zip with their SHA-256; equal contents give equal bytes."""

    def __init__(self, archive: zipfile.ZipFile, at: datetime) -> None:
        self.archive, self.date, self.digests = archive, at.timetuple()[:6], dict[str, str]()

    def add(self, name: str, lines: Iterable[str]) -> None:
        info = zipfile.ZipInfo(name, self.date)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        seen = hashlib.sha256()
        with self.archive.open(info, "w", force_zip64=True) as member:
            for text in lines:
                data = text.encode()
                seen.update(data)
                member.write(data)
        self.digests[name] = seen.hexdigest()


def write_export(
    file: IO[bytes],
    snapshot: dict[str, Any],
    taken_at: datetime,
    benchmarks: Iterable[tuple[Inputs, Sequence[FrozenBoard]]],
) -> None:
    """Write a snapshot, described by ``snapshot``, with each benchmark's inputs and boards."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        writer = _Writer(archive, taken_at)
        described = [_write_benchmark(writer, inputs, boards) for inputs, boards in benchmarks]
        writer.add("README.txt", [README.format(**snapshot)])
        index = {"format": FORMAT, **snapshot, "benchmarks": described, "files": writer.digests}
        writer.add(INDEX, [json.dumps(index, ensure_ascii=False, indent=1)])


def _write_benchmark(writer: _Writer, inputs: Inputs, boards: Sequence[FrozenBoard]) -> dict[str, Any]:
    files = {name: f"{inputs.slug}/{name}.csv" for name in inputs.tables}
    for name, path in files.items():
        writer.add(path, _csv(games.lines_of(name, inputs)))
    listed = []
    for number, board in enumerate(boards, start=1):
        path = f"{inputs.slug}/boards/{number:03}-{_safe(board.title)}.csv"
        writer.add(path, _csv([COLUMNS, *cells_of(board, inputs.models)]))
        kind = {
            "source": board.source,
            "judge": board.judge,
            "category": board.category,
            "method": board.method,
        }
        listed.append(kind | {"file": path, **board.facts})
    tables = {name: {"file": path, "sha256": inputs.digests[name]} for name, path in files.items()}
    return inputs.outline() | {"inputs_sha256": inputs.sha256, "tables": tables, "boards": listed}


def _csv(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Rows as text, about a million characters at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        if text.tell() > _WRITTEN:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _safe(title: str) -> str:
    letters = (letter if letter.isascii() and letter.isalnum() else "-" for letter in title)
    return "-".join(part for part in "".join(letters).split("-") if part)[:80]


# ---- reading


def read_export(path: Path, progress: Callable[[str], None] = lambda name: None) -> Export:
    """Read an export and check that nothing of it was changed. Raises BadExport."""
    try:
        with zipfile.ZipFile(path) as archive:
            index = _index(archive)
            for name, digest in index["files"].items():
                progress(name)
                _check(archive, name, digest)
            return Export(index, [_benchmark(archive, each, progress) for each in index["benchmarks"]])
    except zipfile.BadZipFile as error:
        raise BadExport(f"this is no zip file, or one that was cut short ({error})") from None
    except (zlib.error, EOFError) as error:
        raise BadExport(f"the zip file is damaged ({error})") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadExport(f"{INDEX} lacks or misplaces something ({type(error).__name__}: {error})") from None


def _index(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        index = json.loads(archive.read(INDEX))
    except KeyError:
        raise BadExport(f"there is no {INDEX} in it, so it is no export of a snapshot") from None
    except ValueError as error:
        raise BadExport(f"{INDEX} is no JSON ({error})") from None
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise BadExport(f"{INDEX} is not of format {FORMAT}, the only one that this version reads")
    return index


def _check(archive: zipfile.ZipFile, name: str, digest: str) -> None:
    seen = hashlib.sha256()
    try:
        with archive.open(name) as member:
            while data := member.read(_WRITTEN):
                seen.update(data)
    except KeyError:
        raise BadExport(f"{name} is missing") from None
    if seen.hexdigest() != digest:
        raise BadExport(f"{name} was changed: its SHA-256 is {seen.hexdigest()}, not {digest}")


def _benchmark(
    archive: zipfile.ZipFile, described: dict[str, Any], progress: Callable[[str], None]
) -> ExportedBenchmark:
    bare = Inputs.from_outline(described, {})
    tables = {}
    for name, table in described["tables"].items():
        progress(table["file"])
        with _Rows(archive, table["file"]) as rows:
            try:
                tables[name] = games.read_table(name, bare, rows)
            except games.BadRow as error:
                raise BadExport(f"{table['file']}, {error}") from None
    inputs = Inputs.from_outline(described, tables)
    for name, table in described["tables"].items():
        if inputs.digests[name] != table["sha256"]:
            raise BadExport(f"{table['file']} does not hold the games of which {INDEX} has the SHA-256")
    if inputs.sha256 != described["inputs_sha256"]:
        raise BadExport(f"the models, prompts or judges of {inputs.slug} in {INDEX} were changed")
    return ExportedBenchmark(inputs, [_board(archive, each) for each in described["boards"]])


def _board(archive: zipfile.ZipFile, described: dict[str, Any]) -> ExportedBoard:
    facts = {
        name: value
        for name, value in described.items()
        if name not in ("source", "judge", "category", "method", "file")
    }
    with _Rows(archive, described["file"]) as rows:
        if tuple(next(rows, ())) != COLUMNS:
            raise BadExport(f"{described['file']}: its first line must be {','.join(COLUMNS)}")
        return ExportedBoard(
            described["judge"], described["category"], described["method"], facts, list(rows)
        )


class _Rows:
    """The rows of a CSV file in a zip."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name

    def __enter__(self) -> Iterator[list[str]]:
        try:
            self.member = self.archive.open(self.name)
        except KeyError:
            raise BadExport(f"{self.name} is missing") from None
        return csv.reader(io.TextIOWrapper(self.member, encoding="utf-8", newline=""))

    def __exit__(self, *_: object) -> None:
        self.member.close()
