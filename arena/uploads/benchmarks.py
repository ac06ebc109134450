"""The prompts of a new benchmark."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from arena.uploads.fields import Bad, check_rows, id_of, listed, shown, text_of, texts_of
from arena.uploads.images import MOST_IMAGES, CheckedImage, ImageLimits, read_images
from arena.uploads.rows import Limits, Problem, Row, read_rows

MOST_PROMPTS = 10_000
MOST_TURNS = 8
MOST_TAGS = 20
LONGEST_KEY = 200  # characters
LONGEST_TURN = 100_000
IMAGE_LIMITS = ImageLimits(bytes=4 * 1024 * 1024, pixels=4096 * 4096)
TAG = re.compile(r"[a-z0-9_-]([a-z0-9 _-]{0,58}[a-z0-9_-])?")


@dataclass(frozen=True)
class NewPrompt:
    """One prompt. `reference` has a text for each turn, an empty one where that turn has none; or is None.

    `images` has a tuple for each turn, or is empty where no turn has any.
    """

    key: str
    turns: tuple[str, ...]
    reference: tuple[str, ...] | None
    tags: tuple[str, ...]
    images: tuple[tuple[CheckedImage, ...], ...] = ()


@dataclass(frozen=True)
class CheckedPrompts:
    """A file of prompts. It is taken whole or not at all: `prompts` is empty when there is any problem."""

    prompts: list[NewPrompt]
    problems: list[Problem]


def check_prompts(
    file: IO[bytes],
    filename: str,
    *,
    limit_bytes: int,
    image_limits: ImageLimits = IMAGE_LIMITS,
    max_line_bytes: int = 1024 * 1024,
    max_problems: int = 200,
) -> CheckedPrompts:
    """Read the prompts of a benchmark; nothing is raised for what the file holds.

    JSONL or a JSON list of rows: "id" ("question_id" says the same); "prompt", a text, or "turns", a list of
    1 to 8; tags in "category" (a text), "categories" or "tags" (lists); and a "reference" answer, a text
    where there is one turn or a list with an entry for each, null where a turn has none; and "images", data:
    URIs (see `read_images`), for which a line may be longer. Other fields are passed over.
    """
    prompts: dict[str, NewPrompt] = {}
    lines: dict[str, int] = {}
    kept: dict[str, CheckedImage] = {}  # so that an image of many prompts is held once

    def take(row: Row) -> None:
        prompt = _prompt(row.fields, image_limits, kept)
        if prompt.key in lines:
            raise Bad(f"the id {shown(prompt.key)} comes twice, first on line {lines[prompt.key]}")
        if len(prompts) >= MOST_PROMPTS:
            raise Bad(f"a benchmark has at most {MOST_PROMPTS:,} prompts")
        prompts[prompt.key] = prompt
        lines[prompt.key] = row.line

    longest = max_line_bytes + MOST_IMAGES * (image_limits.bytes * 4 // 3 + 100)
    rows = read_rows(
        file, filename, Limits(limit_bytes, min(longest, max(limit_bytes, max_line_bytes))), refuse_columns
    )
    problems = check_rows(rows, take, max_problems)
    if not prompts and not problems:
        problems.append(Problem(None, "The file holds no prompts."))
    return CheckedPrompts([] if problems else list(prompts.values()), problems)


def refuse_columns(columns: Sequence[str]) -> str:
    return 'Prompts come as JSONL: a row like {"id": "p1", "prompt": "...", "category": "..."} on each line.'


def _prompt(fields: Mapping[str, object], limits: ImageLimits, kept: dict[str, CheckedImage]) -> NewPrompt:
    key = id_of(fields)
    if key is None:
        raise Bad(f"no id: found {listed(fields) or 'nothing'}; wanted: id and prompt (or turns)")
    if len(key) > LONGEST_KEY:
        raise Bad(f"the id {shown(key)} has {len(key):,} characters; the limit is {LONGEST_KEY}")
    if key != key.strip() or not key.isprintable():
        raise Bad(f"the id {shown(key)} begins or ends with space, or holds signs that cannot be printed")
    turns = _turns(fields)
    reference = _reference(fields.get("reference"), len(turns))
    read = read_images(fields.get("images"), len(turns), limits)
    images = tuple(tuple(kept.setdefault(each.sha256, each) for each in turn) for turn in read)
    return NewPrompt(key, turns, reference, _tags(fields), images)


def _turns(fields: Mapping[str, object]) -> tuple[str, ...]:
    if ("prompt" in fields) == ("turns" in fields):
        raise Bad(f"wanted either prompt or turns: found {listed(fields)}")
    if "prompt" in fields:
        turns = texts_of([fields["prompt"]], "prompt", LONGEST_TURN)
    else:
        turns = texts_of(fields["turns"], "turns", LONGEST_TURN)
    if len(turns) > MOST_TURNS:
        raise Bad(f"turns has {len(turns):,} entries; the limit is {MOST_TURNS}")
    if not all(turn.strip() for turn in turns):
        raise Bad("a turn is empty")
    return turns


def _reference(value: object, count: int) -> tuple[str, ...] | None:
    if value is None:
        return None
    entries = value if isinstance(value, list) else [value]
    if len(entries) != count:
        raise Bad(
            f"reference has {len(entries):,} entries; wanted {count}, one a turn, null where there is none"
        )
    texts = texts_of(["" if entry is None else entry for entry in entries], "reference", LONGEST_TURN)
    return texts if any(text.strip() for text in texts) else None


def _tags(fields: Mapping[str, object]) -> tuple[str, ...]:
    tags: list[str] = []
    if fields.get("category") is not None:
        tags.append(text_of(fields["category"], "category"))
    for name in ("categories", "tags"):
        if fields.get(name) not in (None, []):
            tags += texts_of(fields[name], name)
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise Bad(
                f"the tag {shown(tag)} is not 1 to 60 of: a to z, 0 to 9, - and _, and spaces between them"
            )
    if len(tags) > MOST_TAGS:
        raise Bad(f"{len(tags):,} tags; the limit is {MOST_TAGS}")
    return tuple(dict.fromkeys(tags))
