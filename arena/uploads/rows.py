"""Rows of a JSONL, JSON or CSV file with the line each begins at; a few rows at a time are in memory."""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import IO, NamedTuple

from arena.uploads.strict_json import Decoder, ListReader, NotJSON

LONGEST_CELL = 1024 * 1024  # characters, whatever a line may have: images come in JSON alone
CHUNK = 64 * 1024  # bytes of one read
MOST_LINES = 2_000_000
OTHER_KINDS = {
    codecs.BOM_UTF16_LE: "is UTF-16 text; save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16 text; save it as UTF-8",
    b"PK\x03\x04": "is a zip or spreadsheet file; save it as CSV or JSONL",
    b"\x1f\x8b": "is compressed; unpack it first",
}


class Problem(NamedTuple):
    """What is wrong with a file, and at which of its lines (from 1); None for the file as a whole."""

    line: int | None
    reason: str


class Row(NamedTuple):
    """One object of a file. `place` names an item of a JSON list; `is_table` says that it comes from CSV."""

    line: int
    fields: dict[str, object]
    place: str = ""
    is_table: bool = False


class Limits(NamedTuple):
    """Most bytes of the file and of one line (of one item in a JSON list: characters)."""

    file: int
    line: int


class _Line(NamedTuple):
    number: int
    start: int  # offset of its first byte in the file
    data: bytes | None  # None: longer than the limit


class _Stop(Exception):
    """Nothing after this problem can be read."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(line, reason)


HeaderCheck = Callable[[Sequence[str]], str | None]


def read_rows(
    file: IO[bytes], filename: str, limits: Limits, check_header: HeaderCheck
) -> Iterator[Row | Problem]:
    """The rows of `file` in order, and a Problem where there is none to read.

    The content says what it is: "[" begins a JSON list (unless the name ends in .jsonl), "{" JSONL, anything
    else CSV unless the name speaks of JSON. `check_header` gets a CSV file's columns and returns what is
    wrong with them, or None.
    """
    try:
        chunks = _chunks(file, limits.file)
        head = next(chunks, b"")
        if not head:
            raise _Stop(None, "The file is empty.")
        for beginning, what in OTHER_KINDS.items():
            if head.startswith(beginning):
                raise _Stop(None, f"The file {what}.")
        whole = chain([head], chunks)
        kind = _kind(head, filename.lower())
        if kind == "list":
            yield from _list_rows(whole, limits.line)
        elif kind == "lines":
            yield from _jsonl_rows(_lines(whole, limits.line), limits.line)
        else:
            yield from _csv_rows(_lines(whole, limits.line), limits.line, check_header)
    except _Stop as stop:
        yield stop.problem


def _kind(head: bytes, filename: str) -> str:
    sign = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    by_line = filename.endswith((".jsonl", ".ndjson"))
    if sign == b"[" and not by_line:
        return "list"
    return "lines" if sign in (b"{", b"") or by_line or filename.endswith(".json") else "table"


def _chunks(file: IO[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise _Stop(None, f"The file is too large: the limit is {limit:,} bytes.")
        yield chunk


def _lines(chunks: Iterator[bytes], longest: int) -> Iterator[_Line]:
    """The lines of a file with their ends. What is beyond `longest` bytes is read past, not kept."""
    number, start, held, size = 1, 0, [], 0
    for chunk in chunks:
        for part in _split(chunk):
            size += len(part)
            if size <= longest:
                held.append(part)
            if part.endswith(b"\n"):
                yield _Line(number, start, b"".join(held) if size <= longest else None)
                number, start, held, size = number + 1, start + size, [], 0
                if number > MOST_LINES:
                    raise _Stop(number, f"The file has more than {MOST_LINES:,} lines.")
    if size:
        yield _Line(number, start, b"".join(held) if size <= longest else None)


def _split(chunk: bytes) -> list[bytes]:
    """A chunk's lines with their ends. A CR alone ends no line."""
    parts = [part + b"\n" for part in chunk.split(b"\n")]
    parts[-1] = parts[-1][:-1]
    return parts if parts[-1] else parts[:-1]


def _decode(line: _Line) -> tuple[str, str | None]:
    """The text of a line, and what is wrong with it or None."""
    data, start = line.data or b"", line.start
    if start == 0 and data.startswith(codecs.BOM_UTF8):
        data, start = data[3:], 3
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return data.decode(errors="replace"), _not_utf8(data, error, start)
    return text, "holds a NUL character" if "\0" in text else None


def _not_utf8(data: bytes, error: UnicodeDecodeError, start: int) -> str:
    return f"not UTF-8: byte 0x{data[error.start]:02X} at offset {start + error.start:,} of the file"


def _jsonl_rows(lines: Iterator[_Line], longest: int) -> Iterator[Row | Problem]:
    decoder = Decoder()
    for line in lines:
        if line.data is None:
            yield Problem(line.number, f"longer than {longest:,} bytes")
            continue
        text, flaw = _decode(line)
        if flaw:
            yield Problem(line.number, flaw)
        elif text.strip():
            parsed = decoder.read(text)
            yield _row(line.number, parsed.value, parsed.flaw, "")


def _list_rows(chunks: Iterator[bytes], longest: int) -> Iterator[Row | Problem]:
    try:
        for item in ListReader(_texts(chunks), longest).items():
            yield _row(item.line, item.value, item.flaw, f"item {item.number}: ")
    except NotJSON as error:
        raise _Stop(error.line, error.reason) from error


def _row(line: int, value: object, flaw: str | None, place: str) -> Row | Problem:
    if flaw:
        return Problem(line, place + flaw)
    if not isinstance(value, dict):
        return Problem(line, f"{place}found {kind_of(value)} where an object {{...}} was expected")
    return Row(line, value, place)


def kind_of(value: object) -> str:
    """What a JSON value is, in a word or two."""
    names = {type(None): "null", bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _texts(chunks: Iterator[bytes]) -> Iterator[str]:
    """The text of a file in pieces, its byte order mark left out."""
    start, line, rest = 0, 1, b""
    for chunk in chain(chunks, [b""]):
        data = rest + chunk
        try:
            text, used = codecs.utf_8_decode(data, "strict", not chunk)
        except UnicodeDecodeError as error:
            line += data.count(b"\n", 0, error.start)
            raise _Stop(line, _not_utf8(data, error, start)) from error
        if "\0" in text:
            raise _Stop(line + text.count("\n", 0, text.index("\0")), "holds a NUL character")
        yield text.removeprefix("\ufeff") if start == 0 else text
        start, line, rest = start + used, line + text.count("\n"), data[used:]


def _csv_rows(lines: Iterator[_Line], longest: int, check_header: HeaderCheck) -> Iterator[Row | Problem]:
    # The limit of a cell is the module's own state, 128 KiB at first; it only ever grows here.
    csv.field_size_limit(max(csv.field_size_limit(), min(longest, LONGEST_CELL)))
    flaws: list[Problem] = []
    reader = csv.reader(_csv_lines(lines, longest, flaws), strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield from flaws
            raise _Stop(number, _csv_reason(str(error), longest)) from error
        yield from flaws
        flaws.clear()
        if cells is None:
            return
        if header is None and cells:
            header = _header(number, cells, check_header)
        elif cells:
            yield _table_row(number, header or [], cells)


def _csv_lines(lines: Iterator[_Line], longest: int, flaws: list[Problem]) -> Iterator[str]:
    for line in lines:
        if line.data is None:
            # A quoted cell may begin or end in it, so that nothing after it can be told apart.
            raise _Stop(line.number, f"longer than {longest:,} bytes")
        text, flaw = _decode(line)
        if flaw:
            flaws.append(Problem(line.number, flaw))
        yield text


def _csv_reason(message: str, longest: int) -> str:
    if "limit" in message or "unexpected end" in message:
        return f"not valid CSV: a quotation mark is never closed, or a cell has over {longest:,} characters"
    if "new-line" in message:
        return "not valid CSV: a CR without LF outside of quotation marks"
    return f"not valid CSV: {message}"


def _header(number: int, cells: list[str], check_header: HeaderCheck) -> list[str]:
    columns = [cell.strip() for cell in cells]
    reason = check_header(columns)
    if reason:
        raise _Stop(number, reason)
    return columns


def _table_row(number: int, header: list[str], cells: list[str]) -> Row | Problem:
    if len(cells) != len(header):
        return Problem(number, f"{len(cells)} cells, but the first line names {len(header)} columns")
    return Row(number, dict(zip(header, cells, strict=True)), is_table=True)
