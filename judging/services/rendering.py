"""A match in one order, as its judge is asked about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from arena.engines import Request
from arena.models import Answer, Match, Prompt, hashes_of
from arena.outcomes import Order
from judging.models import Judge
from judging.protocols import JudgingProtocol, Question, choose, suspicious
from judging.protocols.asking import as_json, requests_for

MATH = {"math", "mathematics", "maths"}  # tags of prompts


@dataclass(frozen=True)
class Ask:
    """Two answers, rendered for the judge: one request, or one for each answer.

    ``protocol`` None: a baseline's or a panel's, which need no request. A panel sees no texts; ``place`` is
    the match and the order that its members are listened to in.
    """

    key: str
    question: Question
    first: tuple[str, ...] = field(repr=False)
    second: tuple[str, ...] = field(repr=False)
    protocol: JudgingProtocol | None = None
    requests: tuple[Request, ...] = field(default=(), repr=False)
    prompt_text: str = field(default="", repr=False)
    place: tuple[int, Order] | None = None

    @property
    def suspect(self) -> bool:
        """Whether an answer imitates a verdict or the marks of the prompt."""
        imitates = self.protocol.imitated_by if self.protocol else suspicious
        return any(map(imitates, (*self.first, *self.second)))


def render(judge: Judge, match: Match, order: Order, forms: Mapping[str, JudgingProtocol]) -> Ask:
    """A match whose texts are there. Raises UnfitProtocol."""
    if judge.engine == Judge.Engine.PANEL:
        return Ask(f"{match.pk}:{order}", Question(()), (), (), place=(match.pk, order))
    shown = [match.answer_a, match.answer_b]
    if order == Order.BA:
        shown.reverse()
    first, second = (tuple(answer.turns or ()) for answer in shown)
    # A script knows its texts by what is shown; other engines only hand the key back.
    key = f"{match.pk}:{order}"
    if judge.engine == Judge.Engine.SCRIPTED:
        key = "|".join([match.prompt.key, *(answer.competitor.slug for answer in shown)])
    return render_texts(judge, key, question_of(match), first, second, forms)


def render_texts(
    judge: Judge,
    key: str,
    question: Question,
    first: tuple[str, ...],
    second: tuple[str, ...],
    forms: Mapping[str, JudgingProtocol],
) -> Ask:
    """Any two answers to a question. Raises UnfitProtocol."""
    if judge.engine == Judge.Engine.BASELINE:
        return Ask(key, question, first, second)
    protocol = choose(judge.protocol, question, forms)
    asked = protocol.render(question, first, second)
    requests = requests_for(key, asked, judge.sampling)
    return Ask(key, question, first, second, protocol, requests, as_json(asked))


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
