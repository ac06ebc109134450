"""The forms in which a judge is asked. A new one is a file beside these and a line in ``PROTOCOLS``."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeGuard

from arena.engines import TokenLogprob
from arena.outcomes import Verdict
from judging.protocols.asking import Apart, Shown
from judging.protocols.framing import Question, neutralise, suspicious
from judging.protocols.grading import GENERAL, WHOLE, Criterion, Grading
from judging.protocols.math_reference import MathReference
from judging.protocols.pairwise import Pairwise
from judging.protocols.pairwise_reference import PairwiseReference
from judging.protocols.ranking import Ranking
from judging.protocols.two_turns import TwoTurns
from judging.protocols.weighing import Weight

__all__ = [
    "PROTOCOLS",
    "Apart",
    "Criterion",
    "Grading",
    "JudgingProtocol",
    "ManyProtocol",
    "Question",
    "Shown",
    "UnfitProtocol",
    "Weight",
    "choose",
    "neutralise",
    "ranks",
    "suspicious",
]


class JudgingProtocol(Protocol):
    """How a judge is asked about two answers, and how its text is read."""

    @property
    def name(self) -> str: ...

    @property
    def takes(self) -> str:
        """The questions that fit, in words."""

    @property
    def apart(self) -> bool:
        """Whether the judge sees one answer at a time, so that there is no order to ask in twice."""

    @property
    def sees_images(self) -> bool:
        """Whether the images of a question are shown; a form that does not refuses such questions."""

    @property
    def most(self) -> int:
        """How many answers it can show at once: two, or more where it is a ``ManyProtocol``."""

    def fits(self, question: Question) -> bool:
        """Whether questions of this shape can be asked in this form."""

    def render(self, question: Question, first: tuple[str, ...], second: tuple[str, ...]) -> Shown | Apart:
        """What shows the answers, one text a turn, in this order. Same texts, same prompt."""

    def read(self, text: str) -> Verdict | None:
        """What the judge's text says, by position; None when it cannot be read."""

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        """How sure the judge was, and how much better it called the answer, where that is known."""

    def imitated_by(self, text: str) -> bool:
        """Whether an answer's text imitates a verdict or the marks of this prompt."""


class ManyProtocol(JudgingProtocol, Protocol):
    """The same for more than two answers at once."""

    def render_many(self, question: Question, answers: Sequence[tuple[str, ...]]) -> Shown:
        """What shows the answers, two at least, in this order."""

    def read_many(self, text: str, count: int, pairs: Sequence[tuple[int, int]]) -> list[Verdict | None]:
        """What the text on so many answers says of each pair of places, which are counted from 0."""


def ranks(form: JudgingProtocol | None) -> TypeGuard[ManyProtocol]:
    """Whether the judge is asked about many answers at once."""
    return form is not None and form.most > 2


class UnfitProtocol(ValueError):
    """A protocol was named that does not exist or cannot ask this question, or none can."""


PROTOCOLS: dict[str, JudgingProtocol] = {
    form.name: form
    for form in (
        Pairwise(),
        PairwiseReference(),
        MathReference(),
        TwoTurns(),
        Ranking(),
        Grading("grading", WHOLE, 1, 10),
        Grading("rubric", GENERAL, 1, 4),
    )
}


def choose(
    name: str, question: Question, forms: Mapping[str, JudgingProtocol] = PROTOCOLS
) -> JudgingProtocol:
    """The protocol of that name; with an empty name, the pairwise form that was made for such questions."""
    if not name:
        return PROTOCOLS[_made_for(question)]
    if name not in forms:
        raise UnfitProtocol(f"There is no protocol {name!r}; there are {', '.join(forms)}.")
    if question.all_images and not forms[name].sees_images:
        raise UnfitProtocol(
            f"{name} shows no images, and this question has {len(question.all_images)}; "
            "register the judge with one of our own protocols to have them shown."
        )
    if not forms[name].fits(question):
        turns, reference = len(question.turns), "a" if question.has_reference else "no"
        raise UnfitProtocol(
            f"{name} does not fit a question with {turns} turn(s) and {reference} reference; "
            f"it takes: {forms[name].takes}."
        )
    return forms[name]


def _made_for(question: Question) -> str:
    if not question.turns:
        raise UnfitProtocol("No protocol fits a question without turns.")
    if question.is_math and question.has_reference:
        return MathReference.name
    if len(question.turns) > 1:
        return TwoTurns.name
    return PairwiseReference.name if question.has_reference else Pairwise.name
