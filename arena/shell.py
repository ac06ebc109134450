"""Rows as a table, CSV or JSON; how the shell commands print them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMATS = ("table", "json", "csv")


def format_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], style: str) -> str:
    """Rows as text. JSON and CSV keep full precision and null; the table is rounded for reading."""
    if style == "json":
        return json.dumps([{column: row[column] for column in columns} for row in rows], indent=1)
    if style == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([harmless(row[column]) for column in columns] for row in rows)
        return text.getvalue().rstrip("\n")
    cells = [list(columns), *([_readable(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def _readable(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets a leading quote; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
