"""Tables of whole numbers that are kept for ever: cut into parts, digested, packed.

A column is bytes, eight a number with the highest first, as the database sends it. A history mostly grows at
its end, so that most parts of a table are those of the snapshot before, and are stored once.
"""

import hashlib
import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

Columns = dict[str, bytes]

ROWS = 100_000  # of a part; other parts would give other digests
_WIDTH = 8  # bytes a number


class Part(NamedTuple):
    """Up to ``ROWS`` rows of a table, named by the SHA-256 of their names and numbers."""

    sha256: str
    rows: int
    columns: Columns


def numbers_of(column: bytes) -> array:
    """The numbers of a column."""
    values = array("q")
    values.frombytes(column)
    if sys.byteorder == "little":
        values.byteswap()
    return values


def column_of(numbers: Iterable[int]) -> bytes:
    """A column of these numbers."""
    values = array("q", numbers)
    if sys.byteorder == "little":
        values.byteswap()
    return values.tobytes()


def rows_of(columns: Mapping[str, bytes]) -> int:
    return len(next(iter(columns.values()))) // _WIDTH if columns else 0


def cut(columns: Mapping[str, bytes]) -> Iterator[Part]:
    """A table's parts, columns by name; a table without rows has a single empty one."""
    columns = dict(sorted(columns.items()))
    for start in range(0, max(rows_of(columns), 1), ROWS):
        own = slice(start * _WIDTH, (start + ROWS) * _WIDTH)
        part = {name: column[own] for name, column in columns.items()}
        seen = hashlib.sha256(json.dumps([list(part), rows_of(part)]).encode())
        for column in part.values():
            seen.update(column)
        yield Part(seen.hexdigest(), rows_of(part), part)


def join(parts: Iterable[Columns]) -> Columns:
    """The table that was cut into these parts."""
    found = list(parts)
    return {name: b"".join(part[name] for part in found) for name in found[0]}


def digest_of(parts: Sequence[str]) -> str:
    """A table's SHA-256, from those of its parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def pack(columns: Mapping[str, bytes]) -> bytes:
    """A part in few bytes: all first bytes of a column, then all second ones, so that zeros meet."""
    planes = b"".join(column[at::_WIDTH] for column in columns.values() for at in range(_WIDTH))
    return json.dumps([list(columns), rows_of(columns)]).encode() + b"\n" + zlib.compress(planes, 9)


def unpack(data: bytes) -> Columns:
    head, _, packed = data.partition(b"\n")
    names, rows = json.loads(head)
    planes = zlib.decompress(packed)
    found = {}
    for place, name in enumerate(names):
        column = bytearray(rows * _WIDTH)
        for at in range(_WIDTH):
            start = (place * _WIDTH + at) * rows
            column[at::_WIDTH] = planes[start : start + rows]
        found[name] = bytes(column)
    return found


def squeeze(value: object) -> bytes:
    """JSON, compressed. Numbers with a point come back exactly as they were."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def unsqueeze(data: bytes) -> object:
    return json.loads(zlib.decompress(data))
