"""A custom judge as a protocol like those beside it, and what makes one."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import product

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.custom.rules import BadRule, Caught, PathRule, PatternRule, Rule
from judging.custom.templates import TURNS, BadTemplate, Template
from judging.preferences import soft_preference
from judging.protocols import Apart, Question, Shown, UnfitProtocol, Weight, neutralise
from judging.protocols.asking import both_texts
from judging.protocols.framing import EMPTY
from judging.recipes import PAIR, SINGLE
from judging.recipes.filling import TOKENS, as_pattern, defuse
from judging.verdicts import compare_scores

PATTERN, PATH = "pattern", "path"
FIELDS = {
    PAIR: ("question", "first", "second", "reference"),
    SINGLE: ("question", "answer", "reference"),
}
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?")


@dataclass(frozen=True)
class Spec:
    """What an admin says of a custom judge. Words are separated by commas; a scale is for single answers."""

    asks: str
    raw: bool
    system: str
    template: str
    rule: str
    expression: str
    words_first: str
    words_second: str
    words_tie: str
    lowest: float
    highest: float
    tie_margin: float

    def digest_of(self, name: str) -> str:
        """All of it as one text, for a hash."""
        return json.dumps([name, asdict(self)], sort_keys=True)


class Faults(ValueError):
    """What is wrong with a Spec: a sentence for each field at fault."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(" ".join(by_field.values()))
        self.by_field = dict(by_field)


@dataclass(frozen=True)
class CustomProtocol:
    """Filled templates, one rule, and what it catches: words for a pair, a number for a single answer."""

    name: str
    spec: Spec
    templates: tuple[Template, ...]  # system and user text; or the raw text alone
    rule: Rule
    labels: Mapping[str, Verdict]

    sees_images = False  # its template places texts
    most = 2

    @property
    def apart(self) -> bool:
        return self.spec.asks == SINGLE

    @property
    def takes(self) -> str:
        return "one turn or more" if self.uses_turns else "one turn (its template does not use turns)"

    def fits(self, question: Question) -> bool:
        return len(question.turns) == 1 or (len(question.turns) > 1 and self.uses_turns)

    def render(self, question: Question, first: tuple[str, ...], second: tuple[str, ...]) -> Shown | Apart:
        if self.apart:
            return Apart(self._show(question, answer=first), self._show(question, answer=second))
        return self._show(question, first=first, second=second)

    def read(self, text: str) -> Verdict | None:
        if not self.apart:
            return self.verdict_of(self.rule.catch(text))
        texts = both_texts(text)
        scores = [self.score_of(self.rule.catch(each)) for each in texts or ()]
        if len(scores) != 2 or scores[0] is None or scores[1] is None:
            return None
        return compare_scores(scores[0], scores[1], self.spec.tie_margin)

    def verdict_of(self, caught: Caught | None) -> Verdict | None:
        """What a caught word means; None for no word, and for one that was not named."""
        return self.labels.get(_plain(caught.value)) if caught else None

    def score_of(self, caught: Caught | None) -> float | None:
        """The number that was caught; None for none, and for one off the scale."""
        said = caught.value.strip(" \t*_") if caught else ""
        if not _NUMBER.fullmatch(said):
            return None
        score = float(said.replace(",", "."))
        return score if self.spec.lowest <= score <= self.spec.highest else None

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        caught = self.rule.catch(text) if logprobs and not self.apart else None
        if caught is None or caught.place is None or self.verdict_of(caught) is None:
            return Weight()
        soft = soft_preference(text, caught.place, self.labels, logprobs or ())
        return Weight(soft.points, soft.mass) if soft else Weight()

    def imitated_by(self, text: str) -> bool:
        return self._harmless(text) != text

    def _show(self, question: Question, **answers: tuple[str, ...]) -> Shown:
        if not self.fits(question):
            raise UnfitProtocol(f"{self.name} takes: {self.takes}.")
        try:
            texts = [template.render(self.material(question, answers)) for template in self.templates]
        except BadTemplate as error:
            raise UnfitProtocol(f"The template of {self.name} cannot be filled. {error}") from error
        if self.spec.raw:
            return texts[0]
        roles = zip(("system", "user"), texts, strict=True)
        return tuple(Message(role, text.strip()) for role, text in roles if text.strip())

    def material(self, question: Question, answers: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
        """The first turn's texts by their names, and all turns."""
        columns = {"question": question.turns, "reference": question.reference or (), **answers}
        count = len(question.turns)
        if too_long := [turns for turns in answers.values() if len(turns) > count]:
            raise ValueError(f"An answer has {len(too_long[0])} turns, its question {count}.")
        turns = [
            {name: self._cell(texts, number, name in answers) for name, texts in columns.items()}
            for number in range(count)
        ]
        return {**turns[0], TURNS: turns}

    def _cell(self, texts: Sequence[str], number: int, is_answer: bool) -> str:
        text = texts[number] if number < len(texts) else ""
        if not text.strip():
            return EMPTY if is_answer else ""
        return self._harmless(text)

    @cached_property
    def _harmless(self) -> Callable[[str], str]:
        """What others wrote, with imitations of a verdict, of the template's marks and of roles broken up."""

        @lru_cache(maxsize=512)  # an answer is shown in each of its matches, which come soon after each other
        def harmless(text: str) -> str:
            return neutralise(defuse(self.rule.break_up(text), self._marks))

        return harmless

    @property
    def uses_turns(self) -> bool:
        return any(template.uses_turns for template in self.templates)

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        marks = {mark for template in self.templates for mark in template.marks}
        longest_first = sorted(marks, key=lambda mark: (-len(mark), mark))
        return re.compile("|".join([*map(as_pattern, longest_first), TOKENS]), re.IGNORECASE)


def build(name: str, spec: Spec) -> CustomProtocol:
    """The protocol of that spec. Raises Faults."""
    faults: dict[str, str] = {}
    templates, rule = _templates(spec, faults), _rule(spec, faults)
    labels = _labels(spec, faults) if spec.asks == PAIR else {}
    if spec.asks == SINGLE:
        _check_scale(spec, faults)
    if faults or rule is None:
        raise Faults(faults)
    made = CustomProtocol(name, spec, templates, rule, labels)
    _try_out(made)
    return made


def parse_words(words: str) -> list[str]:
    return [word for each in words.split(",") if (word := _plain(each))]


def _plain(word: str) -> str:
    """A word without case, emphasis and needless space."""
    return " ".join(word.strip(" \t\r\n*_").casefold().split())


def _templates(spec: Spec, faults: dict[str, str]) -> tuple[Template, ...]:
    fields = FIELDS[spec.asks]
    named = {"template": spec.template}
    if not spec.raw:
        named = {"system": spec.system, **named}
    elif spec.system.strip():
        faults["system"] = "A raw text has no system text: put everything into one, or choose a chat."
    templates = []
    for field, source in named.items():
        try:
            templates.append(Template(source, (*fields, TURNS), fields))
        except BadTemplate as error:
            faults[field] = str(error)
    return tuple(templates)


def _rule(spec: Spec, faults: dict[str, str]) -> Rule | None:
    try:
        return PatternRule(spec.expression) if spec.rule == PATTERN else PathRule(spec.expression)
    except BadRule as error:
        faults["expression"] = str(error)
        return None


def _labels(spec: Spec, faults: dict[str, str]) -> dict[str, Verdict]:
    labels: dict[str, Verdict] = {}
    for verdict in Verdict:
        field = f"words_{verdict}"
        words = parse_words(getattr(spec, field))
        if not words and verdict != Verdict.TIE:
            faults[field] = "Name at least one word that the rule catches."
        if twice := [word for word in words if word in labels]:
            faults[field] = f"{twice[0]} stands for another verdict already."
        labels |= dict.fromkeys(words, verdict)
    return labels


def _check_scale(spec: Spec, faults: dict[str, str]) -> None:
    if not all(map(math.isfinite, (spec.lowest, spec.highest, spec.tie_margin))):
        faults["lowest"] = "The scale needs numbers."
    elif spec.lowest >= spec.highest:
        faults["highest"] = "The best score must be above the worst."
    elif not 0 <= spec.tie_margin < spec.highest - spec.lowest:
        faults["tie_margin"] = "The margin is from 0 to less than the whole scale."


def _try_out(made: CustomProtocol) -> None:
    """Fill the templates with short texts of every shape. Raises Faults, as where an answer is not shown."""
    names = [name for name in FIELDS[made.spec.asks] if name not in ("question", "reference")]
    fields = ("template",) if made.spec.raw else ("system", "template")
    for count, known in product((1, 2) if made.uses_turns else (1,), (False, True)):
        question = Question(("qxq",) * count, ("qxref",) * count if known else None)
        answers = {name: tuple(f"qx{name}{n}z" for n in range(count)) for name in names}
        material, whole = made.material(question, answers), ""
        for field, template in zip(fields, made.templates, strict=True):
            try:
                whole += template.render(material).casefold()
            except BadTemplate as error:
                raise Faults({field: str(error)}) from error
        for name, number in product(names, range(count)):
            if answers[name][number] not in whole:
                turn = f" of turn {number + 1} of {count}" if count > 1 else ""
                shape = f"a question with {'a' if known else 'no'} reference"
                raise Faults({"template": f"The template does not show {name}{turn}, for {shape}."})
