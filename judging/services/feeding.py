"""What a run of judging asks: matches claimed as they are needed, rendered for the judge one by one."""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from arena import jobs
from arena.engines import EngineError
from arena.models import Benchmark, Match
from arena.outcomes import Order
from judging.models import KIND, Judge, Judgment
from judging.protocols import JudgingProtocol, UnfitProtocol
from judging.services.budgets import Purse
from judging.services.lengths import images_of, room_of, size_of
from judging.services.rendering import Ask, add_texts, render

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


class Due(NamedTuple):
    """One order of a match that is being asked about."""

    work: Work
    order: Order
    ask: Ask


class Feed(Iterator[Ask]):
    """What to ask, claimed a window of matches at a time, so that there is always something at hand.

    Jobs are claimed in the order in which they were planned. Within a window, prompts with a shared beginning
    (question and first answer) come next to each other, because engines keep what they computed for it.
    Nothing is given after ``end``, nor beyond the judge's budget (``is_spent``). ``closed`` are the matches
    that there is nothing to ask about.
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
        self.lengths, self.purse, self.is_spent = room_of(judge), Purse(judge), False
        self.claims: list[jobs.Claim] = []
        self.closed: list[Work] = []
        self.under_way: dict[str, Due] = {}
        self._window: deque[tuple[Work, Order]] = deque()

    def __next__(self) -> Ask:
        while self.end is None or time.monotonic() < self.end:
            if not self.purse.allows(len(self.under_way)):
                self.is_spent = True
                break
            if not self._window:
                if not self._claim():
                    break
                continue
            work, order = self._window.popleft()
            if ask := self._prepare(work, order):
                self.under_way[ask.key] = Due(work, order, ask)
                return ask
        raise StopIteration

    def release(self, claims: Sequence[jobs.Claim]) -> None:
        """Hold these no more: they have ended."""
        ended = set(claims)
        self.claims[:] = [held for held in self.claims if held not in ended]

    def _claim(self) -> bool:
        """Fill the window; whether there was anything left."""
        room = self.purse.matches(self.room)
        self.is_spent = room == 0
        if self.is_spent:
            return False
        claims = jobs.claim(
            self.kind, self.judge.pk, limit=room, lease=settings.LEASE_SECONDS, worker=self.worker
        )
        self.claims += claims
        works = load(self.judge, claims, named=self.named)
        self.closed += [work for work in works if not work.open]
        self._window.extend(sorted(((w, order) for w in works for order in w.open), key=_place))
        return bool(claims)

    def _prepare(self, work: Work, order: Order) -> Ask | None:
        """What to ask; None, and the match is closed, when it cannot be asked about."""
        match = work.match
        if match is None or order not in work.open:  # it was refused in its other order
            return None
        try:
            ask = render(self.judge, match, order, self.forms)
        except UnfitProtocol as error:
            work.refuse("unfit_protocol", str(error))
        else:
            longest = max(map(size_of, ask.requests), default=0)
            images = max(map(images_of, ask.requests), default=0)
            if not (excess := self.lengths.excess(longest, self.judge.sampling, images)):
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
    if judge.engine != Judge.Engine.PANEL:  # which reads its members, not the answers
        add_texts(found.values())
    ruled: dict[int, set[str]] = {}
    for match_id, order in judge.judgments.filter(match_id__in=subjects).values_list("match_id", "order"):
        ruled.setdefault(match_id, set()).add(order)
    wanted = set(BOTH_ORDERS if judge.both_orders else BOTH_ORDERS[:1])
    works = []
    for held in claims:
        match = found.get(held.subject)
        works.append(Work(held, match, wanted - ruled.get(held.subject, set()) if match else set()))
    return works


def _place(asked: tuple[Work, Order]) -> tuple[int, ...]:
    work, order = asked
    match = work.match
    assert match is not None  # without its match, a work has nothing open
    shown = (match.answer_a_id, match.answer_b_id)
    return (match.prompt_id, *(shown if order == Order.AB else shown[::-1]))
