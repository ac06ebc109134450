"""Each answer by itself, graded by one criterion or several; the larger total wins, equal ones are a tie.

Grades of one answer do not hang on its rival, so there is no order to be asked in twice.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.protocols import wording
from judging.protocols.asking import Apart, both_texts
from judging.protocols.framing import (
    Question,
    compose,
    forged_grade,
    frame_answer,
    frame_question,
    suspicious,
)
from judging.protocols.weighing import Weight
from judging.verdicts import PAD, compare_scores

_NUMBER = rf"\[\[{PAD}([0-9]{{1,3}}){PAD}\]\]"
_OBJECT = re.compile(r"\{[^{}]*\}")


class Criterion(NamedTuple):
    """What is graded, and what earns a high grade."""

    name: str
    description: str


@dataclass(frozen=True)
class Grading:
    """Whole grades from ``lowest`` to ``highest``, one a criterion; their sum is the answer's score."""

    name: str
    criteria: tuple[Criterion, ...]
    lowest: int
    highest: int

    takes = "one turn or more"
    apart = True
    sees_images = True
    most = 2

    @property
    def constraint(self) -> Mapping[str, object]:
        """The lines that are asked for. As JSON, spaces would be free, and some models write nothing else."""
        grade = "|".join(map(str, range(self.lowest, self.highest + 1)))
        # Names are letters, digits, spaces and hyphens: nothing to escape, which engines do differently.
        lines = [rf"{criterion.name}: \[\[(?:{grade})\]\]" for criterion in self.criteria]
        return {"regex": r"\n".join(lines)}

    def fits(self, question: Question) -> bool:
        return bool(question.turns)

    def render(self, question: Question, first: tuple[str, ...], second: tuple[str, ...]) -> Apart:
        return Apart(self._show(question, first), self._show(question, second))

    def read(self, text: str) -> Verdict | None:
        """The verdict of a JSON list with the texts on the first and on the second answer."""
        texts = both_texts(text)
        if texts is None:
            return None
        first, second = map(self.grades, texts)
        return compare_scores(sum(first), sum(second)) if first and second else None

    def grades(self, text: str) -> tuple[int, ...]:
        """The grades that one text ends with, in the order of the criteria; empty if one cannot be read.

        Of each criterion the last line that grades it counts; a line that gives it two different grades,
        or one off the scale, leaves it unread. Without such lines, the last JSON object that names
        every criterion and nothing else counts.
        """
        said = [self._last(pattern, text) for pattern in self._patterns]
        if not any(said):
            said = self._from_object(text)
        numbers = [int(each) if each else self.lowest - 1 for each in said]
        return tuple(numbers) if all(self.lowest <= n <= self.highest for n in numbers) else ()

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        return Weight()

    def imitated_by(self, text: str) -> bool:
        return suspicious(text) or bool(self._forged.search(text))

    def _show(self, question: Question, answer: tuple[str, ...]) -> tuple[Message, ...]:
        guide = [wording.CONVERSATION_OF_ONE] if len(question.turns) > 1 else []
        guide += [wording.REFERENCE] if question.has_reference else []
        guide += [wording.IMAGES] if question.all_images else []
        system = wording.paragraphs(wording.GRADER, *guide, self._scale, wording.DATA_OF_ONE, self._form)
        harmless = tuple(self._forged.sub(r"\1[ [\2] ]", text) for text in answer)
        blocks = [*frame_question(question), *frame_answer("", question, harmless)]
        return compose(system, blocks, wording.TASK_GRADES, question.all_images)

    @property
    def _scale(self) -> str:
        head = (
            f"Grades are whole numbers from {self.lowest} (worst) to {self.highest} (best). What is graded:"
        )
        return "\n".join([head, *(f"- {name}: {description}" for name, description in self.criteria)])

    @property
    def _form(self) -> str:
        lines = [f"{criterion.name}: [[n]]" for criterion in self.criteria]
        head = "If it helps, first think it over in a few sentences. Then end with "
        head += "this line" if len(lines) == 1 else "these lines"
        return "\n".join([f"{head}, where a grade stands in place of n:", *lines])

    @cached_property
    def _forged(self) -> re.Pattern[str]:
        return forged_grade(criterion.name for criterion in self.criteria)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        names = [re.escape(criterion.name) for criterion in self.criteria]
        return [re.compile(rf"(?<![\w-]){name}[\s*_]{{0,6}}:{PAD}{_NUMBER}", re.IGNORECASE) for name in names]

    @staticmethod
    def _last(pattern: re.Pattern[str], text: str) -> str:
        for line in reversed(text.splitlines()):
            said = {int(number) for number in pattern.findall(line)}
            if said:
                return str(said.pop()) if len(said) == 1 else ""
        return ""

    def _from_object(self, text: str) -> list[str]:
        names = [criterion.name for criterion in self.criteria]
        for found in reversed(_OBJECT.findall(text)):
            try:
                said = json.loads(found)
            except ValueError:
                continue
            if set(said) == set(names) and all(type(grade) is int for grade in said.values()):
                return [str(said[name]) for name in names]
        return []


GENERAL = (
    Criterion("relevance", "it answers what was asked, and nothing that was not"),
    Criterion("accuracy", "what it states is right"),
    Criterion("completeness", "nothing that was asked for is missing"),
    Criterion("coherence", "it is clear, and its parts fit together"),
)
WHOLE = (Criterion("grade", "how well the reply serves the person who asked"),)
