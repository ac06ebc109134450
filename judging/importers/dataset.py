"""What an import brings, by position as recorded; the writer finds the canonical order."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from arena.outcomes import Verdict


class DatasetError(Exception):
    """The folder is not what it should be; the message names the file and what is wrong with it."""


class PromptRow(NamedTuple):
    key: str
    turns: list[str]
    reference: list[str | None] | None
    tags: list[str]


class CompetitorRow(NamedTuple):
    key: str
    name: str
    organisation: str


class AnswerRow(NamedTuple):
    """``turns`` None: only labels were recorded. ``key`` identifies the answer within the data set."""

    key: Any
    competitor: str
    prompt: str
    sample: int
    turns: list[str] | None


class VoteRow(NamedTuple):
    """A person's choice between the answers ``first`` and ``second``; ``shown`` if in that order."""

    voter: str
    first: Any
    second: Any
    verdict: Verdict
    shown: bool
    turn: int | None


class RulingRow(NamedTuple):
    """A recorded judge's ruling. ``folded`` when both orders were merged; then ``inconsistent`` may be set.

    ``verdict`` None and not inconsistent: the recorded text could not be read.
    """

    judge: str
    first: Any
    second: Any
    verdict: Verdict | None
    inconsistent: bool
    folded: bool
    turn: int | None
    raw_text: str | None


@dataclass(frozen=True)
class Dataset:
    """One whole data set: a closed benchmark, its votes, and its recorded judges (name -> description)."""

    slug: str
    name: str
    description: str
    credit: str
    judges: dict[str, str]
    prompts: list[PromptRow] = field(default_factory=list)
    competitors: list[CompetitorRow] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    voters: dict[str, str] = field(default_factory=dict)  # name -> role
    votes: list[VoteRow] = field(default_factory=list)
    rulings: list[RulingRow] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows there are in all."""
        lists = (self.prompts, self.competitors, self.answers, self.votes, self.rulings)
        return sum(len(rows) for rows in lists)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file with a header."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: {error}") from error


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """One object a line; an error names the line."""
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                rows.append(json.loads(line))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: {error}") from error
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}, line {len(rows) + 1}: not JSON ({error.msg})") from error
    return rows


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: {error}") from error
