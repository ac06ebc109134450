"""A match in one order, or several at once, as their judge is asked about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from arena.engines import Request
from arena.models import Answer, Match, Prompt, hashes_of
from arena.outcomes import Order
from judging.models import Judge
from judging.protocols import Apart, JudgingProtocol, Question, Shown, choose, ranks, suspicious
from judging.protocols.asking import as_json, requests_for

MATH = {"math", "mathematics", "maths"}  # tags of prompts


@dataclass(frozen=True)
class Ask:
    """Answers, rendered for the judge: one request, or one for each of two.

    ``protocol`` None: a baseline's or a panel's, which need no request. A panel sees no texts; ``place`` is
    the match and the order that its members are listened to in.
    """

    key: str
    question: Question
    answers: tuple[tuple[str, ...], ...] = field(repr=False)
    protocol: JudgingProtocol | None = None
    requests: tuple[Request, ...] = field(default=(), repr=False)
    prompt_text: str = field(default="", repr=False)
    place: tuple[int, Order] | None = None

    @property
    def first(self) -> tuple[str, ...]:
        return self.answers[0]

    @property
    def second(self) -> tuple[str, ...]:
        return self.answers[1]

    @property
    def suspect(self) -> bool:
        """Whether an answer imitates a verdict or the marks of the prompt."""
        imitates = self.protocol.imitated_by if self.protocol else suspicious
        return any(imitates(text) for answer in self.answers for text in answer)


def in_order(match: Match, order: Order) -> tuple[Answer, Answer]:
    """The answers of a match as they are shown."""
    return (match.answer_b, match.answer_a) if order == Order.BA else (match.answer_a, match.answer_b)


def render(
    judge: Judge,
    match: Match,
    order: Order,
    forms: Mapping[str, JudgingProtocol],
    among: Sequence[Answer] | None = None,
) -> Ask:
    """A match whose texts are there; ``among`` are answers to its prompt that are shown at once, with its
    own in this order. Raises UnfitProtocol.
    """
    if judge.engine == Judge.Engine.PANEL:
        return Ask(f"{match.pk}:{order}", Question(()), ((), ()), place=(match.pk, order))
    shown = among or in_order(match, order)
    # A script knows its texts by what is shown; other engines only hand the key back.
    key = f"{match.pk}:{order}"
    if judge.engine == Judge.Engine.SCRIPTED:
        key = "|".join([match.prompt.key, *(answer.competitor.slug for answer in shown)])
    texts = [tuple(answer.turns or ()) for answer in shown]
    return render_texts(judge, key, question_of(match), texts, forms)


def render_texts(
    judge: Judge,
    key: str,
    question: Question,
    answers: Sequence[tuple[str, ...]],
    forms: Mapping[str, JudgingProtocol],
) -> Ask:
    """Any answers to a question: two, or more for a judge that ranks them. Raises UnfitProtocol."""
    if judge.engine == Judge.Engine.BASELINE:
        return Ask(key, question, tuple(answers))
    protocol = choose(judge.protocol, question, forms)
    if ranks(protocol):
        asked: Shown | Apart = protocol.render_many(question, answers)
    else:
        first, second = answers
        asked = protocol.render(question, first, second)
    requests = requests_for(key, asked, judge.sampling)
    return Ask(key, question, tuple(answers), protocol, requests, as_json(asked))


def question_of(match: Match) -> Question:
    prompt = match.prompt
    reference = tuple(text or "" for text in prompt.reference) if prompt.reference else None
    is_math = any(tag.lower() in MATH for tag in prompt.tags)
    return Question(tuple(prompt.turns), reference, is_math, hashes_of(prompt.images))


def add_texts(matches: Collection[Match]) -> None:
    """Give matches their prompts and answers, each of which is read once, however many matches share it."""
    prompts = Prompt.objects.in_bulk({match.prompt_id for match in matches})
    sides = {pk for match in matches for pk in (match.answer_a_id, match.answer_b_id)}
    answers = Answer.objects.defer("html").select_related("competitor").in_bulk(sides)
    for match in matches:
        match.prompt = prompts[match.prompt_id]
        match.answer_a, match.answer_b = answers[match.answer_a_id], answers[match.answer_b_id]
