"""Recorded answers of one model, as people have them: our own rows, FastChat's, AlpacaEval's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from arena.uploads.fields import ID_NAMES, Bad, check_rows, id_of, listed, shown, text_of, texts_of
from arena.uploads.rows import Limits, Problem, Row, kind_of, read_rows

TEXT_NAMES = ("answer", "output", "turns", "choices")
TURN_COLUMN = re.compile(r"turn_[1-9][0-9]?", re.ASCII)
MOST_SAMPLES = 16
WANTED = "wanted: id and answer (or turns), or instruction and output"
WANTED_COLUMNS = "wanted: id,answer or id,turn_1,turn_2"


@dataclass(frozen=True)
class PromptInfo:
    """What a file's rows are matched with: a prompt's id in files, and its turns."""

    key: str
    turns: tuple[str, ...]


@dataclass(frozen=True)
class RecordedAnswer:
    """One answer, a text for each turn of its prompt. `sample` counts the answers to one prompt from 0."""

    prompt_key: str
    sample: int
    turns: tuple[str, ...]


@dataclass(frozen=True)
class CheckedAnswers:
    """A file of answers. It is taken whole or not at all: `answers` is empty when there is any problem.

    `empty` counts answers without text in any turn, `missing` prompts without an answer.
    """

    answers: list[RecordedAnswer]
    problems: list[Problem]
    empty: int
    missing: int


def check_answers(
    file: IO[bytes],
    filename: str,
    prompts: Sequence[PromptInfo],
    *,
    limit_bytes: int,
    max_line_bytes: int = 1024 * 1024,
    max_problems: int = 200,
) -> CheckedAnswers:
    """Read one model's answers to `prompts`; nothing is raised for what the file holds.

    JSONL or a JSON list of rows {"id", "answer"}; "prompt_id" and "question_id" say the same as "id". In
    place of "answer" may stand "output", "turns" (a list of texts) or FastChat's "choices" (a list of
    {"turns": [...]}), each choice a sample. CSV has the columns id,answer or id,turn_1,turn_2; a cell that
    begins like a formula is text as any other, and empty cells beyond the prompt's last turn do not count.
    Rows without an id but with an "instruction", as AlpacaEval writes them, go to the prompt whose first turn
    is that text, space around it aside. Other fields are passed over.
    """
    book = _Book(prompts)
    rows = read_rows(file, filename, Limits(limit_bytes, max_line_bytes), check_columns)
    problems = check_rows(rows, book.take, max_problems)
    if not book.answers and not problems:
        problems.append(Problem(None, "The file holds no answers."))
    return CheckedAnswers(
        answers=[] if problems else book.answers,
        problems=problems,
        empty=sum(not any(turn.strip() for turn in answer.turns) for answer in book.answers),
        missing=len(prompts) - len(book.lines),
    )


def check_columns(columns: Sequence[str]) -> str | None:
    """What is wrong with the columns of a CSV file, or None."""
    turns = [name for name in columns if TURN_COLUMN.fullmatch(name)]
    in_order = turns == [f"turn_{n}" for n in range(1, len(turns) + 1)]
    texts = [name for name in columns if name in ("answer", "output")] + turns[:1]
    ids = [name for name in columns if name in (*ID_NAMES, "instruction")]
    if len(set(columns)) == len(columns) and in_order and len(texts) == 1 and ids:
        return None
    return f"wrong columns: found {listed(columns)}; {WANTED_COLUMNS}"


class _Book:
    """The answers so far, by the prompts that they belong to."""

    def __init__(self, prompts: Sequence[PromptInfo]) -> None:
        self.answers: list[RecordedAnswer] = []
        self.lines: dict[str, int] = {}
        self._turns = {prompt.key: len(prompt.turns) for prompt in prompts}
        self._by_text: dict[str, str | None] = {}
        for prompt in prompts:
            text = "".join(prompt.turns[:1]).strip()
            self._by_text[text] = None if text in self._by_text else prompt.key

    def take(self, row: Row) -> None:
        """Add the answers of `row`. Raises Bad."""
        key = self._key(row)
        samples = [self._fit(key, turns, row.is_table) for turns in _samples(row)]
        if key in self.lines:
            raise Bad(f"a second answer to {shown(key)}; the first is on line {self.lines[key]}")
        self.lines[key] = row.line
        self.answers += [RecordedAnswer(key, sample, turns) for sample, turns in enumerate(samples)]

    def _key(self, row: Row) -> str:
        key = id_of(row.fields)
        if key is None:
            return self._key_by_text(row)
        if key not in self._turns:
            raise Bad(f"no prompt has the id {shown(key)}")
        return key

    def _key_by_text(self, row: Row) -> str:
        if "instruction" not in row.fields:
            raise Bad(f"no id: found {listed(row.fields) or 'nothing'}; {WANTED}")
        text = text_of(row.fields["instruction"], "instruction").strip()
        if text not in self._by_text:
            raise Bad(f"no prompt has the text {shown(text)}")
        key = self._by_text[text]
        if key is None:
            raise Bad(f"several prompts have the text {shown(text)}; give ids instead")
        return key

    def _fit(self, key: str, turns: tuple[str, ...], is_table: bool) -> tuple[str, ...]:
        wanted = self._turns[key]
        if is_table and not any(turns[wanted:]):
            turns = turns[:wanted]
        if len(turns) != wanted:
            raise Bad(f"wrong number of turns: {len(turns)}, and {shown(key)} has {wanted}")
        return turns


def _samples(row: Row) -> Iterator[tuple[str, ...]]:
    """The turns of each answer in a row. Raises Bad."""
    fields = row.fields
    if row.is_table and "turn_1" in fields:
        columns = [name for name in fields if TURN_COLUMN.fullmatch(name)]
        yield tuple(text_of(fields[name], name) for name in columns)
        return
    names = [name for name in TEXT_NAMES if name in fields]
    if len(names) != 1:
        raise Bad(f"{'more than one answer' if names else 'no answer'}: found {listed(fields)}; {WANTED}")
    [name] = names
    if name == "choices":
        yield from _choices(fields[name])
    elif name == "turns":
        yield texts_of(fields[name], name)
    else:
        yield (text_of(fields[name], name),)


def _choices(value: object) -> Iterator[tuple[str, ...]]:
    if not isinstance(value, list) or not value:
        raise Bad(f"choices is {kind_of(value) if value != [] else 'an empty list'}, not a list of choices")
    if len(value) > MOST_SAMPLES:
        raise Bad(f"choices has {len(value):,} entries; the limit is {MOST_SAMPLES}")
    for number, choice in enumerate(value, start=1):
        if not isinstance(choice, dict) or "turns" not in choice:
            raise Bad(f'choices, entry {number}: wanted {{"turns": [...]}}')
        yield texts_of(choice["turns"], f"choices, entry {number}, turns")
