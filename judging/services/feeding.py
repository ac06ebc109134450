"""What a run of judging asks: matches claimed as they are needed, rendered for the judge one by one."""

import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from arena import jobs
from arena.engines import EngineError, Request
from arena.models import Answer, Benchmark, Match, Prompt
from arena.outcomes import Order
from judging.models import KIND, Judge, Judgment
from judging.protocols import JudgingProtocol, Question, UnfitProtocol, choose
from judging.protocols.asking import as_json, requests_for
from judging.services.lengths import room_of, size_of

BOTH_ORDERS = (Order.AB, Order.BA)


@dataclass
class Work:
    """A claimed match: what is still to be asked about it, and what came since the last chunk was stored.

    ``match`` None: there is nothing to judge any more.
    """

    claim: jobs.Claim
    match: Match | None
    open: set[Order]
    judgments: list[Judgment] = field(default_factory=list)
    error: EngineError | None = None

    def refuse(self, code: str, message: str) -> None:
        """Ask nothing more about it, and end it with this error."""
        self.open.clear()
        self.error = EngineError(code, message, retry_after=None, final=True)


@dataclass(frozen=True)
class Ask:
    """One order of one match, rendered for the judge: one request, or one for each answer.

    ``protocol`` None: a baseline's, which needs no request.
    """

    work: Work
    order: Order
    key: str
    question: Question
    first: tuple[str, ...] = field(repr=False)
    second: tuple[str, ...] = field(repr=False)
    protocol: JudgingProtocol | None = None
    requests: tuple[Request, ...] = field(default=(), repr=False)
    prompt_text: str = field(default="", repr=False)


class Feed(Iterator[Ask]):
    """What to ask, claimed a window of matches at a time, so that there is always something at hand.

    Jobs are claimed in the order in which they were planned. Within a window, prompts with a shared beginning
    (question and first answer) come next to each other, because engines keep what they computed for it.
    Nothing is given after ``end``. ``closed`` are the matches that there is nothing to ask about.
    """

    def __init__(
        self,
        judge: Judge,
        forms: Mapping[str, JudgingProtocol],
        *,
        worker: str,
        benchmark: Benchmark | None,
        room: int,
        end: float | None,
    ) -> None:
        self.judge, self.forms, self.worker, self.room, self.end = judge, forms, worker, room, end
        self.kind, self.named = kind_of(benchmark), benchmark is not None
        self.lengths = room_of(judge)
        self.claims: list[jobs.Claim] = []
        self.closed: list[Work] = []
        self.under_way: dict[str, Ask] = {}
        self._window: deque[tuple[Work, Order]] = deque()

    def __next__(self) -> Ask:
        while self.end is None or time.monotonic() < self.end:
            if not self._window and not self._claim():
                break
            if self._window and (ask := self._prepare(*self._window.popleft())):
                self.under_way[ask.key] = ask
                return ask
        raise StopIteration

    def release(self, claims: Sequence[jobs.Claim]) -> None:
        """Hold these no more: they have ended."""
        ended = set(claims)
        self.claims[:] = [held for held in self.claims if held not in ended]

    def _claim(self) -> bool:
        """Fill the window; whether there was anything left."""
        claims = jobs.claim(
            self.kind, self.judge.pk, limit=self.room, lease=settings.LEASE_SECONDS, worker=self.worker
        )
        self.claims += claims
        works = load(self.judge, claims, named=self.named)
        self.closed += [work for work in works if not work.open]
        self._window.extend(sorted(((w, order) for w in works for order in w.open), key=_place))
        return bool(claims)

    def _prepare(self, work: Work, order: Order) -> Ask | None:
        """What to ask; None, and the match is closed, when it cannot be asked about."""
        if order not in work.open:  # it was refused in its other order
            return None
        try:
            ask = render(self.judge, work, order, self.forms)
        except UnfitProtocol as error:
            work.refuse("unfit_protocol", str(error))
        else:
            longest = max(map(size_of, ask.requests), default=0)
            if not (excess := self.lengths.excess(longest, self.judge.sampling)):
                return ask
            work.refuse("too_long", excess)
        self.closed.append(work)
        return None


def kind_of(benchmark: Benchmark | None) -> str:
    """The kind of Job for a benchmark that was named, which only the one who named it works on."""
    return f"{KIND}-{benchmark.pk}" if benchmark else KIND


def load(judge: Judge, claims: Sequence[jobs.Claim], *, named: bool) -> list[Work]:
    """The claimed matches, each with the orders that are not stored yet.

    Matches that were deleted, or of a withdrawn model, or of a benchmark that was closed and not named, come
    without a match.
    """
    subjects = [held.subject for held in claims]
    matches = Match.objects.in_play()
    if not named:
        matches = matches.filter(prompt__benchmark__is_open=True)
    found = matches.in_bulk(subjects)
    _add_texts(found.values())
    ruled: dict[int, set[str]] = {}
    for match_id, order in judge.judgments.filter(match_id__in=subjects).values_list("match_id", "order"):
        ruled.setdefault(match_id, set()).add(order)
    wanted = set(BOTH_ORDERS if judge.both_orders else BOTH_ORDERS[:1])
    works = []
    for held in claims:
        match = found.get(held.subject)
        works.append(Work(held, match, wanted - ruled.get(held.subject, set()) if match else set()))
    return works


def _add_texts(matches: Collection[Match]) -> None:
    """Give matches their prompts and answers, each of which is read once, however many matches share it."""
    prompts = Prompt.objects.in_bulk({match.prompt_id for match in matches})
    sides = {pk for match in matches for pk in (match.answer_a_id, match.answer_b_id)}
    answers = Answer.objects.defer("html").select_related("competitor").in_bulk(sides)
    for match in matches:
        match.prompt = prompts[match.prompt_id]
        match.answer_a, match.answer_b = answers[match.answer_a_id], answers[match.answer_b_id]


def _place(asked: tuple[Work, Order]) -> tuple[int, ...]:
    work, order = asked
    match = work.match
    assert match is not None  # without its match, a work has nothing open
    shown = (match.answer_a_id, match.answer_b_id)
    return (match.prompt_id, *(shown if order == Order.AB else shown[::-1]))


def render(judge: Judge, work: Work, order: Order, forms: Mapping[str, JudgingProtocol]) -> Ask:
    """One order of a match as the judge is asked about it. Raises UnfitProtocol."""
    match = work.match
    assert match is not None  # without its match, a work has nothing open
    shown = [match.answer_a, match.answer_b]
    if order == Order.BA:
        shown.reverse()
    first, second = (tuple(answer.turns or ()) for answer in shown)
    question = _question(match)
    # A script knows its texts by what is shown; other engines only hand the key back.
    key = f"{match.pk}:{order}"
    if judge.engine == Judge.Engine.SCRIPTED:
        key = "|".join([match.prompt.key, *(answer.competitor.slug for answer in shown)])
    if judge.engine == Judge.Engine.BASELINE:
        return Ask(work, order, key, question, first, second)
    protocol = choose(judge.protocol, question, forms)
    asked = protocol.render(question, first, second)
    requests = requests_for(key, asked, judge.sampling)
    return Ask(work, order, key, question, first, second, protocol, requests, as_json(asked))


def _question(match: Match) -> Question:
    reference = match.prompt.reference
    return Question(tuple(match.prompt.turns), tuple(text or "" for text in reference) if reference else None)
