"""Answering: ask a submission's model about each prompt, turn by turn, and store each answer as it comes."""

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from arena import brake, jobs
from arena.engines import ENGINES, GONE, LOST, Completion, Engine, EngineError, Message, Request
from arena.engines.guard import Guard, parse_allowed
from arena.engines.vllm import ServerFailed
from arena.models import Answer, Job, Prompt, Submission, hashes_of
from arena.models.jobs import ANSWER
from arena.sealing import SealBroken, unseal
from arena.services.dry_runs import close_dry_runs
from arena.services.images import attach
from arena.services.workers import noted
from arena.suspects import Suspects

log = logging.getLogger(__name__)

CHUNK, CHUNK_SECONDS = 64, 1.0  # answers stored at once; a crash costs at most what came since
PATIENCE = 8  # failures in a row after which a run ends: the model is away, or refuses everything
RUNS = 8  # of them without one answer, after which a submission has failed
DRY_RUNS = 3  # the same for an endpoint in its dry run: somebody waits to hear
FIRST_DELAY, LONGEST_DELAY = 15.0, 600.0  # seconds between two runs; the delay doubles
# Errors that every further request would meet too.
EVERYWHERE = {"unauthorized", "not_found", "forbidden_address", "bad_certificate"}


class Fruitless(Exception):
    """A run that led nowhere was ended: the model is away, or would refuse every request."""

    def __init__(self, error: EngineError) -> None:
        super().__init__(error.message)
        self.error = error


class Tally(NamedTuple):
    """What one chunk did, in prompts."""

    answered: int = 0
    failed: int = 0
    retried: int = 0


@dataclass
class _Conversation:
    """One prompt with what its model has said so far."""

    claim: jobs.Claim
    prompt: Prompt
    said: list[Completion] = field(default_factory=list)
    error: EngineError | None = None

    @property
    def is_over(self) -> bool:
        return self.error is not None or len(self.said) == len(self.prompt.turns)

    def take(self, completion: Completion) -> None:
        if completion.error:
            self.error = completion.error
        else:
            self.said.append(completion)


class _Feed(Iterator[Request]):
    """The requests of a run: next turns of what is under way, then prompts, claimed as needed.

    It may be exhausted and give more later, when an answer makes the next turn possible, or when suspects may
    begin, with which nothing else may be under way (see ``jobs.claim``).
    """

    def __init__(self, submission: Submission, *, worker: str, room: int, end: float | None) -> None:
        self.submission, self.worker, self.room, self.end = submission, worker, room, end
        self.open: dict[str, _Conversation] = {}
        self._all_claimed = False
        self.suspects = Suspects(self.open)
        self.claims: list[jobs.Claim] = []
        self._next_turns: deque[_Conversation] = deque()
        self._fresh: deque[_Conversation] = deque()
        sampling = dict(submission.competitor.sampling)
        system = sampling.pop("system_prompt", "")
        self.system = (Message("system", str(system)),) if system else ()
        self.sampling = sampling

    def __next__(self) -> Request:
        if self._next_turns:
            return self._request(self._next_turns.popleft())
        if brake.is_on() or (self.end is not None and time.monotonic() >= self.end):
            raise StopIteration
        if not (self._fresh or self._all_claimed or self.suspects.must_end):
            self._claim()
        if self.suspects.must_wait or not self._fresh:
            raise StopIteration
        conversation = self._fresh.popleft()
        self.open[str(conversation.claim.id)] = conversation
        return self._request(conversation)

    def take(self, completion: Completion) -> _Conversation | None:
        """Note a completion; returns its conversation when that is over."""
        conversation = self.open[completion.key]
        conversation.take(completion)
        if conversation.is_over:
            return self.open.pop(completion.key)
        self._next_turns.append(conversation)
        return None

    def release(self, claims: Sequence[jobs.Claim]) -> None:
        """Hold these no more: they have ended."""
        ended = set(claims)
        self.claims[:] = [held for held in self.claims if held not in ended]

    def _claim(self) -> None:
        claims = jobs.claim(
            ANSWER, self.submission.pk, limit=self.room, lease=settings.LEASE_SECONDS, worker=self.worker
        )
        self.claims += claims
        self.suspects.note(claims)
        # It is asked again after each completion: once is enough.
        self._all_claimed = not claims or (len(claims) < self.room and not self.suspects.were_claimed)
        prompts = Prompt.objects.in_bulk([held.subject for held in claims])
        for held in claims:
            if held.subject in prompts:
                self._fresh.append(_Conversation(held, prompts[held.subject]))
        gone = [held for held in claims if held.subject not in prompts]
        if gone:  # prompts that were deleted since
            with jobs.fenced(gone) as ours:
                jobs.drop(ours)

    def _request(self, conversation: _Conversation) -> Request:
        messages, images = list(self.system), hashes_of(conversation.prompt.images)
        for number, turn in enumerate(conversation.prompt.turns[: len(conversation.said) + 1]):
            shown = images[number] if images else ()
            messages.append(Message("user", turn, shown))
            if number < len(conversation.said):
                messages.append(Message("assistant", conversation.said[number].text or ""))
        return attach(Request(str(conversation.claim.id), tuple(messages), self.sampling))


def endpoint_engine(submission: Submission) -> Engine:
    """The client of a submitted endpoint. Raises ValueError for settings that cannot work, and SealBroken."""
    endpoint = submission.endpoint
    return ENGINES["openai"](
        base_url=endpoint.base_url,
        model=endpoint.model,
        api_key=unseal(endpoint.sealed_key, settings.SEALING_KEYS),
        concurrency=settings.ENDPOINT_CONCURRENCY,
        deadline=settings.ANSWER_DEADLINE,
        guard=Guard(allowed=parse_allowed(settings.ENDPOINT_ALLOW)),
        give_up=brake.is_overdue,
    )


def answer_by_endpoint(submission: Submission, *, worker: str, seconds: float | None = None) -> None:
    """Let a submitted endpoint answer what is pending, or ask nothing new after ``seconds``."""
    try:
        engine = endpoint_engine(submission)
    except SealBroken:
        submission.fail("key_unreadable", "The stored API key cannot be read any more. Send it again below.")
    except ValueError as error:
        submission.fail("misconfigured", f"{error} Submit the model again with other settings.")
    else:
        room = settings.ENDPOINT_CONCURRENCY
        try:
            for _ in answer_pending(submission, engine, worker=worker, room=room, seconds=seconds):
                pass
        except Fruitless as end:
            give_up(submission, end.error)


def answer_pending(
    submission: Submission,
    engine: Engine,
    *,
    worker: str,
    room: int,
    seconds: float | None = None,
    check: Callable[[], None] | None = None,
) -> Iterator[Tally]:
    """Claim and ask until no prompt is left, or ask nothing new after ``seconds``; yields after each chunk.

    ``room`` is how many prompts are claimed at once. Closing the iterator gives back what is not stored.
    Raises Fruitless at the end of a run that leads nowhere. ``check`` raises ServerFailed when a server of
    our own has died; so does the run then.
    """
    end = None if seconds is None else time.monotonic() + seconds
    feed = _Feed(submission, worker=worker, room=room, end=end)
    submission.note_begun()
    with noted(worker, ANSWER, submission.pk) as run, jobs.keep_alive(feed.claims, settings.LEASE_SECONDS):
        try:
            with closing(_Run(submission, feed, check).go(engine)) as tallies:
                for tally in tallies:
                    run.note(tally.answered + tally.failed)
                    yield tally
        finally:
            jobs.give_back(feed.claims)


class _Run:
    """One run over what a feed gives: completions become answers, stored in chunks."""

    def __init__(self, submission: Submission, feed: _Feed, check: Callable[[], None] | None) -> None:
        self.submission, self.feed, self.check = submission, feed, check
        self.due: list[_Conversation] = []
        self.held: list[_Conversation] = []  # errors of our own server: whether it died is seen at the end
        self.last: EngineError | None = None
        self.failures, self.answered = 0, False
        self.stored_at = time.monotonic()

    def go(self, engine: Engine) -> Generator[Tally]:
        with closing(engine.stream(self.feed)) as completions:  # type: ignore[type-var]
            for completion in completions:
                self._take(completion)
                if self._leads_nowhere:
                    break
                late = time.monotonic() - self.stored_at > CHUNK_SECONDS
                if len(self.due) >= CHUNK or late or self.feed.suspects.are_over:
                    yield self._store()
        if self.held:
            self._look_after_server()
        elif self.last and self.last.code == LOST and self._leads_nowhere:
            self._put_down([each.claim for each in self.feed.open.values()], jobs.FIRST_DELAY)
        self.due += self.held
        yield self._store()
        if self.last and (not self.answered or self._leads_nowhere):
            raise Fruitless(self.last)

    @property
    def _leads_nowhere(self) -> bool:
        if self.last is None:
            return False
        lost_ours = self.check is not None and self.last.code in GONE
        return self.failures == PATIENCE or lost_ours or self.last.code in EVERYWHERE

    def _take(self, completion: Completion) -> None:
        self.last = completion.error
        self.failures = self.failures + 1 if self.last else 0
        if not self.last and not self.answered:
            self.answered = True
            self.submission.note_answer()
        if ended := self.feed.take(completion):
            passing = self.check and ended.error and not ended.error.final
            (self.held if passing else self.due).append(ended)

    def _look_after_server(self) -> None:
        """If it has died, whatever was under way may have killed it."""
        assert self.check is not None
        try:
            self.check()
        except ServerFailed as failure:
            self._store()
            failure.worked = self.answered
            self._put_down([each.claim for each in (*self.held, *self.feed.open.values())], 0.0)
            raise

    def _put_down(self, claims: list[jobs.Claim], delay: float) -> None:
        with jobs.fenced(claims) as ours:
            jobs.suspect(ours, delay=delay)
        self.feed.release(claims)

    def _store(self) -> Tally:
        """Store answers under their jobs' tokens. Errors count once the model has answered."""
        ended = {each.claim: each for each in self.due if self.answered or _counts(each.error)}
        self.due, self.stored_at = [], time.monotonic()
        if not ended:
            return Tally()
        with jobs.fenced(list(ended)) as ours:
            row = Submission.objects.select_for_update(no_key=True).filter(pk=self.submission.pk)
            state = row.values_list("state", flat=True).first()
            if state not in Submission.ASKED:  # cancelled, or removed: nothing new is asked
                self.feed.end = time.monotonic()
            if state is None:
                jobs.drop(ours)
                return Tally()
            good = [held for held in ours if ended[held].error is None]
            rows = [_answer(self.submission, ended[held]) for held in good]
            Answer.objects.bulk_create(rows, ignore_conflicts=True)
            jobs.finish(good)
            tally = Tally(answered=len(good))
            for held in ours:
                if error := ended[held].error:
                    tally = _end_badly(held, error, tally)
        self.feed.release(list(ended))
        return tally


def _counts(error: EngineError | None) -> bool:
    """Whether this says something of a prompt even when nothing else was answered in the run."""
    return error is None or error.code == LOST


def give_up(submission: Submission, error: EngineError) -> None:
    """Ask the model no more: for good, or for a while."""
    log.warning("submission %s: %s", submission.pk, error.message)
    tries = submission.queued_at is None and submission.kind == Submission.Kind.ENDPOINT
    if error.final or submission.attempts + 1 >= (DRY_RUNS if tries else RUNS):
        submission.fail(error.code, error.message)
        return
    delay = max(error.retry_after or 0.0, min(FIRST_DELAY * 2**submission.attempts, LONGEST_DELAY))
    submission.postpone(error.code, error.message, until=timezone.now() + timedelta(seconds=delay))


def _end_badly(held: jobs.Claim, error: EngineError, tally: Tally) -> Tally:
    if error.final:
        jobs.fail(held, error.code, error.message)
        return tally._replace(failed=tally.failed + 1)
    if error.code == LOST:
        failed = jobs.suspect([held], delay=jobs.FIRST_DELAY)
        return tally._replace(failed=tally.failed + failed, retried=tally.retried + 1 - failed)
    jobs.retry(held, error.code, error.message, delay=error.retry_after)
    return tally._replace(retried=tally.retried + 1)


def _answer(submission: Submission, conversation: _Conversation) -> Answer:
    said = conversation.said
    last = said[-1]
    return Answer(
        competitor_id=submission.competitor_id,
        prompt=conversation.prompt,
        submission=submission,
        turns=[completion.text for completion in said],
        engine="vllm" if submission.kind == Submission.Kind.HOST else "openai",
        model_returned=(last.model or "")[:200],
        fingerprint=(last.fingerprint or "")[:200],
        finish_reason=(last.finish_reason or "")[:20],
        tokens_in=_sum(completion.tokens_in for completion in said),
        tokens_out=_sum(completion.tokens_out for completion in said),
        seconds=sum(completion.seconds for completion in said),
        created_at=timezone.now(),
    )


def _sum(counts: Iterator[int | None]) -> int | None:
    """The total; unknown when one of them is."""
    known = list(counts)
    return None if None in known else sum(count or 0 for count in known)


def close_answered(now: datetime) -> int:
    """Move on every submission whose model has nothing left to answer. Returns how many those were."""
    jobs.fail_abandoned()
    close_dry_runs(now, seconds=settings.DRY_RUN_SECONDS)
    waiting = Job.objects.unfinished().filter(kind=ANSWER, owner=OuterRef("pk"))
    answering = Submission.objects.filter(state=Submission.State.ANSWERING).select_related("benchmark")
    over = list(answering.exclude(Exists(waiting)))
    for submission in over:
        _close(submission, now)
    moving = Submission.objects.moving().select_related("benchmark")
    for submission in moving.filter(benchmark__is_open=False):
        submission.fail("closed", f"{submission.benchmark} was closed before the model had answered.")
    for submission in moving.filter(competitor__withdrawn_at__isnull=False):
        submission.cancel("withdrawn", "Its model was withdrawn. What was answered is kept.")
    return len(over)


def _close(submission: Submission, now: datetime) -> None:
    worst = jobs.commonest_failure(ANSWER, submission.pk)
    if worst is None:
        answering = Submission.objects.filter(pk=submission.pk, state=Submission.State.ANSWERING)
        answering.update(state=Submission.State.ANSWERED, answered_at=now, cause="", message="")
        return
    failed = Job.objects.filter(kind=ANSWER, owner=submission.pk, state=Job.State.FAILED)
    count, total = failed.count(), submission.benchmark.prompts.count()
    have = "has" if count == 1 else "have"
    submission.fail(worst.code, f"{count} of {total} prompts {have} no answer: {worst.message}")
