"""What a run of judging asks: matches claimed as they are needed, rendered for the judge as it takes them."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from arena import brake, jobs
from arena.engines import EngineError
from arena.models import Answer, Benchmark, Match
from arena.outcomes import Order
from arena.suspects import Suspects
from judging.models import KIND, Judge, Judgment
from judging.protocols import JudgingProtocol, UnfitProtocol
from judging.services.budgets import Purse
from judging.services.grouping import Sides, grouped, shown
from judging.services.lengths import images_of, room_of, size_of
from judging.services.rendering import Ask, add_texts, in_order, render

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


class Part(NamedTuple):
    """One order of a match that is to be asked about."""

    work: Work
    order: Order

    @property
    def match(self) -> Match:
        match = self.work.match
        assert match is not None  # without its match, a work has nothing open
        return match

    @property
    def answers(self) -> tuple[Answer, Answer]:
        """As they are shown."""
        return in_order(self.match, self.order)

    @property
    def sides(self) -> Sides:
        one, other = self.match.answer_a_id, self.match.answer_b_id
        return (one, other) if self.order == Order.AB else (other, one)


class Due(NamedTuple):
    """What is being asked about at once: one pair, or all that a ranking of ``ask``'s answers decides.

    ``places`` are those of each part's two answers among them, from 0.
    """

    parts: tuple[Part, ...]
    places: tuple[tuple[int, int], ...]
    ask: Ask


class Feed(Iterator[Ask]):
    """What to ask, claimed a window of matches at a time, so that there is always something at hand.

    Jobs are claimed in the order in which they were planned. For a judge that ranks many answers, the
    pairs of a window with the same prompt are put together. Within a window, prompts with a shared beginning
    (question and first answer) come next to each other, because engines keep what they computed for it.
    Suspects wait until nothing else is under way (see ``jobs.claim``): the feed is exhausted until then.
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
        self.most = most_of(judge, forms)
        self.kind, self.named = kind_of(benchmark), benchmark is not None
        self.lengths, self.purse, self.is_spent = room_of(judge), Purse(judge), False
        self.claims: list[jobs.Claim] = []
        self.closed: list[Work] = []
        self.under_way: dict[str, Due] = {}
        self.suspects = Suspects(self.under_way)
        self._window: deque[tuple[Part, ...]] = deque()
        self._was_held_back = False  # when it was last exhausted
        self._parts = 0  # under way

    def __next__(self) -> Ask:
        while not (self._has_ended or self._must_wait):
            wanted = len(self._window[0]) if self._window else 1
            if not self.purse.allows(self._parts, wanted):
                self.is_spent = True
                break
            if not self._window:
                if not self._claim():
                    break
                continue
            if due := self._prepare(self._window.popleft()):
                self.under_way[due.ask.key] = due
                self._parts += len(due.parts)
                return due.ask
        self._was_held_back = self._must_wait
        raise StopIteration

    @property
    def goes_on(self) -> bool:
        """Whether an exhausted feed may give more, now that all that was under way has been taken.

        That is so when parts of what was asked came back, or suspects had to wait.
        """
        more = bool(self._window) or self._was_held_back
        return more and not (self.is_spent or self._has_ended)

    @property
    def _must_wait(self) -> bool:
        return self.suspects.must_wait or (not self._window and self.suspects.must_end)

    @property
    def _has_ended(self) -> bool:
        return brake.is_on() or (self.end is not None and time.monotonic() >= self.end)

    def take(self, key: str) -> Due:
        """What was under way, and is no more."""
        due = self.under_way.pop(key)
        self._parts -= len(due.parts)
        return due

    def split(self, due: Due) -> bool:
        """Ask about the same pairs with half as many answers at once; False for a pair alone."""
        return self._split(due.parts, len(due.ask.answers))

    def release(self, claims: Sequence[jobs.Claim]) -> None:
        """Hold these no more: they have ended."""
        ended = set(claims)
        self.claims[:] = [held for held in self.claims if held not in ended]

    def _claim(self) -> bool:
        """Fill the window; whether there was anything left."""
        room = self.purse.matches(self.room * self.most // 2)
        self.is_spent = room == 0
        if self.is_spent:
            return False
        claims = jobs.claim(
            self.kind, self.judge.pk, limit=room, lease=settings.LEASE_SECONDS, worker=self.worker
        )
        self.claims += claims
        self.suspects.note(claims)
        works = load(self.judge, claims, named=self.named)
        self.closed += [work for work in works if not work.open]
        self._window.extend(together((Part(w, order) for w in works for order in w.open), self.most))
        return bool(claims)

    def _prepare(self, group: tuple[Part, ...]) -> Due | None:
        """What to ask; None when it cannot be: it comes again in parts, or its match is closed."""
        parts = tuple(part for part in group if part.order in part.work.open)
        if not parts:  # they were refused in their other order
            return None
        match, order = parts[0].match, parts[0].order
        try:
            among = answers_of(parts) if len(parts) > 1 else None
            ask = render(self.judge, match, order, self.forms, among)
        except UnfitProtocol as error:
            self._refuse(parts, "unfit_protocol", str(error))
            return None
        longest = max(map(size_of, ask.requests), default=0)
        images = max(map(images_of, ask.requests), default=0)
        if excess := self.lengths.excess(longest, self.judge.sampling, images):
            if not self._split(parts, len(ask.answers)):
                self._refuse(parts, "too_long", excess)
            return None
        if among is None:
            return Due(parts, ((0, 1),), ask)
        place = {answer.pk: number for number, answer in enumerate(among)}
        return Due(parts, tuple((place[one], place[other]) for one, other in (p.sides for p in parts)), ask)

    def _split(self, parts: tuple[Part, ...], count: int) -> bool:
        if count <= 2:
            return False
        self._window.extendleft(reversed(together(parts, (count + 1) // 2)))
        return True

    def _refuse(self, parts: tuple[Part, ...], code: str, message: str) -> None:
        for part in parts:
            part.work.refuse(code, message)
            self.closed.append(part.work)


def most_of(judge: Judge, forms: Mapping[str, JudgingProtocol]) -> int:
    """How many answers the judge sees at once."""
    form = forms.get(judge.protocol) if judge.engine != Judge.Engine.BASELINE else None
    return form.most if form else 2


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


def together(parts: Iterable[Part], most: int) -> list[tuple[Part, ...]]:
    """What is asked about at once, in the order of asking."""
    if most == 2:
        return sorted(((part,) for part in parts), key=_place)
    of_prompt: dict[int, dict[Sides, Part]] = {}
    for part in parts:
        of_prompt.setdefault(part.match.prompt_id, {})[part.sides] = part
    groups = [
        tuple(pairs[sides] for sides in group)
        for pairs in of_prompt.values()
        for group in grouped(pairs, most)
    ]
    return sorted(groups, key=_place)


def answers_of(parts: tuple[Part, ...]) -> list[Answer]:
    """What is shown of the parts that are asked about at once, in its order."""
    found = {answer.pk: answer for part in parts for answer in part.answers}
    return [found[pk] for pk in shown(part.sides for part in parts)]


def _place(group: tuple[Part, ...]) -> tuple[int, ...]:
    sides = group[0].sides if len(group) == 1 else shown(part.sides for part in group)
    return (group[0].match.prompt_id, *sides)
