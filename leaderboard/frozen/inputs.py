"""All that the boards of one benchmark were fitted from, without a database behind it."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from leaderboard.frozen.tables import Columns, cut, digest_of, rows_of

PEOPLE, STYLES = "people", "styles"  # names of tables; judges' are ``judge_table``


class Model(NamedTuple):
    """A competitor as it was called then."""

    slug: str
    name: str
    organisation: str


class Prompt(NamedTuple):
    """A prompt by its key in the benchmark's file, with its categories."""

    key: str
    tags: list[str]


class JudgeName(NamedTuple):
    """A judge as it was called then, and the model behind it."""

    slug: str
    name: str
    model: str


def judge_table(slug: str) -> str:
    return f"judge-{slug}"


@dataclass(frozen=True)
class Inputs:
    """A benchmark's games of every source, in the order in which they were played.

    ``models`` and ``prompts`` are numbered by their place. Each table holds ``first``, ``second``,
    ``quarters`` (points of first in quarters), ``prompt`` and ``match``; people's also ``voter``, numbered
    from 1 by first appearance. ``STYLES`` has a row a match: what both its answers look like.
    """

    slug: str
    name: str
    credit: str
    models: tuple[Model, ...]
    prompts: tuple[Prompt, ...]
    judges: tuple[JudgeName, ...]
    tables: dict[str, Columns] = field(repr=False)

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """The SHA-256 of every table's parts, in their order."""
        return {name: [part.sha256 for part in cut(columns)] for name, columns in self.tables.items()}

    @cached_property
    def digests(self) -> dict[str, str]:
        """Every table's SHA-256."""
        return {name: digest_of(parts) for name, parts in self.parts.items()}

    @cached_property
    def sha256(self) -> str:
        """Of everything here."""
        return digest_json(self.outline() | {"tables": self.digests})

    def outline(self) -> dict[str, Any]:
        """All but the tables, as JSON."""
        found: dict[str, Any] = {name: getattr(self, name) for name in ("slug", "name", "credit")}
        for name in ("models", "prompts", "judges"):
            found[name] = [list(each) for each in getattr(self, name)]
        return found

    @classmethod
    def from_outline(cls, outline: dict[str, Any], tables: dict[str, Columns]) -> "Inputs":
        return cls(
            **{name: str(outline[name]) for name in ("slug", "name", "credit")},
            models=tuple(Model(*row) for row in outline["models"]),
            prompts=tuple(Prompt(*row) for row in outline["prompts"]),
            judges=tuple(JudgeName(*row) for row in outline["judges"]),
            tables=tables,
        )

    def prompts_by_category(self) -> dict[str, list[int]]:
        """Numbers of the prompts of each category, "" (all) among them."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, prompt in enumerate(self.prompts):
            for category in dict.fromkeys(["", *prompt.tags]):
                found[category].append(number)
        return found

    def rows(self, table: str) -> int:
        return rows_of(self.tables.get(table, {}))


def digest_json(value: Any) -> str:
    """SHA-256 of JSON in one fixed spelling."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
