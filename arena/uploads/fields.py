"""Checks of single fields, and the loop that collects what is wrong with them."""

import re
from collections.abc import Callable, Iterable, Mapping

from arena.uploads.rows import Problem, Row, kind_of

ID_NAMES = ("id", "prompt_id", "question_id")
SHOWN = 60  # characters of the file's own words in a reason
SURROGATE = re.compile("[\ud800-\udfff]")


class Bad(Exception):
    """A row cannot be taken; `str()` of it is the reason."""


def check_rows(rows: Iterable[Row | Problem], take: Callable[[Row], None], most: int) -> list[Problem]:
    """Hand each row to `take`, which raises Bad for one it refuses. Reading stops at `most` problems."""
    problems: list[Problem] = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
        else:
            try:
                take(row)
            except Bad as bad:
                problems.append(Problem(row.line, f"{row.place}{bad}"))
        if len(problems) >= most:
            problems.append(Problem(None, f"Reading stopped here, after {most} problems."))
            break
    return problems


def shown(text: str) -> str:
    """`text` in quotation marks for a reason: cut, and without signs that cannot be printed."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "“" + "".join(sign if sign.isprintable() else "\ufffd" for sign in cut) + "”"


def listed(names: Iterable[str]) -> str:
    """Names in a row, the first ten of them."""
    names = list(names)
    return ", ".join(shown(name) for name in names[:10]) + (", …" if len(names) > 10 else "")


def text_of(value: object, name: str, longest: int | None = None) -> str:
    """`value` when it is a text that can be stored. Raises Bad."""
    if not isinstance(value, str):
        raise Bad(f"{name} is {kind_of(value)}, not text")
    if "\0" in value:
        raise Bad(f"{name} holds a NUL character")
    if SURROGATE.search(value):
        raise Bad(f"{name} holds half of a surrogate pair (\\ud800 to \\udfff)")
    if longest is not None and len(value) > longest:
        raise Bad(f"{name} has {len(value):,} characters; the limit is {longest:,}")
    return value


def texts_of(value: object, name: str, longest: int | None = None) -> tuple[str, ...]:
    """`value` when it is a list of one or more texts that can be stored. Raises Bad."""
    if not isinstance(value, list):
        raise Bad(f"{name} is {kind_of(value)}, not a list")
    if not value:
        raise Bad(f"{name} is an empty list")
    return tuple(text_of(text, f"{name}, entry {n}", longest) for n, text in enumerate(value, start=1))


def id_of(fields: Mapping[str, object]) -> str | None:
    """The row's id under any of its names, a whole number as its digits; None for none. Raises Bad."""
    named = [(name, fields[name]) for name in ID_NAMES if name in fields]
    if not named:
        return None
    if len(named) > 1:
        raise Bad(f"has more than one id: {listed(name for name, _ in named)}")
    name, value = named[0]
    key = str(value) if type(value) is int else text_of(value, name)
    if not key.strip():
        raise Bad(f"{name} is empty")
    return key
