"""A recipe with its texts: a protocol like those beside it, which the site asks and reads by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.preferences import soft_preference
from judging.protocols import Apart, Question, Shown, UnfitProtocol, Weight, suspicious
from judging.protocols.asking import both_texts
from judging.recipes.contract import MANY, PAIR, SINGLE, UNREAD, Reading, Recipe
from judging.recipes.filling import defuse, hostile_pattern, shown
from judging.verdicts import compare_among, compare_scores


@dataclass(frozen=True)
class InstalledProtocol:
    """How an installed judge is asked: about a pair, about each answer by itself, or about many at once.

    ``asks`` is PAIR, SINGLE or MANY. ``name`` holds a part of the texts' hash, so that a judge whose
    texts change is another judge.
    """

    name: str
    recipe: Recipe
    texts: Mapping[str, str]
    asks: str = PAIR

    sees_images = False  # the authors' words speak of texts alone

    @property
    def apart(self) -> bool:
        return self.asks == SINGLE

    @cached_property
    def most(self) -> int:
        return min(form.most for mode, form in self.recipe.forms.items() if mode.answers == self.asks)

    @property
    def takes(self) -> str:
        return "; ".join(str(mode) for mode in self.recipe.forms if mode.answers == self.asks)

    def fits(self, question: Question) -> bool:
        return self.recipe.mode_for(self.asks, question) is not None

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...] | str | Apart:
        if not self.apart:
            return self.ask(self.asks, question, (first, second))
        return Apart(self.ask(SINGLE, question, (first,)), self.ask(SINGLE, question, (second,)))

    def render_many(self, question: Question, answers: Sequence[tuple[str, ...]]) -> Shown:
        return self.ask(MANY, question, answers)

    def read(self, text: str) -> Verdict | None:
        return self.reading(text).verdict

    def read_many(self, text: str, count: int, pairs: Sequence[tuple[int, int]]) -> list[Verdict | None]:
        return compare_among(self.scores_of_many(text, count), pairs, self.recipe.tie_margin)

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        soft = None
        if logprobs and self.recipe.labels and self.asks == PAIR:
            soft = soft_preference(text, len(text) - len(text.lstrip()), self.recipe.labels, logprobs)
        points, mass = soft or (None, None)
        return Weight(points, mass, self.reading(text).strength)

    def imitated_by(self, text: str) -> bool:
        return suspicious(text) or bool(self._hostile[self.asks].search(text))

    def reading(self, text: str) -> Reading:
        """What the text says; of a JSON list of the texts of two single rulings, what follows from both."""
        if self.asks == PAIR:
            return self.recipe.readers[PAIR](text)
        if self.asks == MANY:
            return compare(self.scores_of_many(text, 2), self.recipe.tie_margin)
        texts = both_texts(text) or ()
        scores = [score for each in texts for score in self.recipe.readers[SINGLE](each).scores]
        return compare(tuple(scores), self.recipe.tie_margin)

    def ask(self, answers_kind: str, question: Question, answers: Sequence[tuple[str, ...]]) -> Shown:
        """The prompt for PAIR, SINGLE or MANY answers. Raises UnfitProtocol for a mode that it has not."""
        mode = self.recipe.mode_for(answers_kind, question)
        if mode is None:
            turns, reference = len(question.turns), "a" if question.has_reference else "no"
            raise UnfitProtocol(
                f"{self.recipe.name} does not judge {answers_kind}, {turns} turn(s), {reference} reference; "
                f"its modes are: {self.recipe.modes}."
            )
        if too_long := [turns for turns in answers if len(turns) > len(question.turns)]:
            raise ValueError(f"An answer has {len(too_long[0])} turns, its question {len(question.turns)}.")
        form = self.recipe.forms[mode]
        hostile = self._hostile[answers_kind]

        def harmless(turns: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(defuse(self.recipe.clean(text), hostile) for text in turns)

        asked = Question(harmless(question.turns), harmless(question.reference or ()) or None)
        texts = shown(form, self.texts, asked, [harmless(turns) for turns in answers], answers_kind)
        if form.raw:
            return texts[0]
        roles = [role for role, _ in form.chat]
        return tuple(Message(role, text) for role, text in zip(roles, texts, strict=True))

    def scores_of_many(self, text: str, count: int) -> tuple[float, ...]:
        """The scores of so many answers that were asked about at once; empty when they cannot be read."""
        scores = self.recipe.readers[MANY](text).scores
        return scores if len(scores) == count else ()

    @cached_property
    def _hostile(self) -> dict[str, re.Pattern[str]]:
        return {kind: hostile_pattern(self.recipe, self.texts, kind) for kind in self.recipe.readers}


def compare(scores: tuple[float, ...], tie_margin: float = 0.0) -> Reading:
    """The verdict that follows from two scores; anything but two is unread."""
    if len(scores) != 2:
        return UNREAD
    return Reading(compare_scores(*scores, tie_margin), scores)
