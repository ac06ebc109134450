"""Judging what is pending: plan jobs, ask the judge's engine, store each ruling as it comes."""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from arena import jobs
from arena.engines import GONE, LOST, Completion, Engine, EngineError
from arena.engines.vllm import ServerFailed
from arena.models import Benchmark, Job, Match
from arena.services.workers import noted
from judging.models import Judge
from judging.services.asking import ask_judge
from judging.services.budgets import matches_to_plan, spent
from judging.services.feeding import Due, Feed, Work, kind_of
from judging.services.panels import heard_on
from judging.services.recipes import protocols_of
from judging.services.storing import AWAY_SECONDS, Tally, judgments_of, postpone, store

log = logging.getLogger(__name__)

CHUNK, CHUNK_SECONDS = 128, 1.0  # rulings stored at once, about; a crash costs at most what came since
PATIENCE = 8  # failures in a row that may pass, after which a run ends: the server is away
JUDGE_WIDE = {"unauthorized", "not_found"}  # errors that every further request would meet too


class Served(NamedTuple):
    """A server of our own; ``check`` raises ServerFailed when it has died."""

    engine: Engine
    check: Callable[[], None]


def plan_judging(judge: Judge, *, benchmark: Benchmark | None = None, limit: int = 10_000) -> int:
    """Add a job for each match that ``judge`` should rule on and has no job for.

    Without a benchmark: all matches of open benchmarks whose answers have texts. A closed benchmark is
    judged only when it is named. Matches of withdrawn models are not judged at all, nor any beyond the
    judge's budget.
    """
    room = matches_to_plan(judge)
    subjects = unplanned(judge, benchmark)[: limit if room is None else min(limit, room)]
    return jobs.enqueue(kind_of(benchmark), judge.pk, subjects)


def unplanned(judge: Judge, benchmark: Benchmark | None) -> QuerySet[Match, int]:
    """Ids of the matches that ``judge`` should rule on and has no job for, in the order of asking.

    A panel rules where all of its members have, or have failed for good; it needs no texts.
    """
    if judge.engine == Judge.Engine.PANEL:
        matches = Match.objects.in_play().filter(*heard_on(judge))
    else:
        matches = Match.objects.with_texts().in_play()
    wanted = Q(prompt__benchmark=benchmark) if benchmark else Q(prompt__benchmark__is_open=True)
    planned = Job.objects.filter(kind=kind_of(benchmark), owner=judge.pk, subject=OuterRef("pk"))
    # Prompts with a shared beginning next to each other: engines cache the common prefix.
    order = matches.filter(wanted, ~Exists(planned)).order_by("prompt_id", "answer_a_id", "id")
    return order.values_list("pk", flat=True)


def judge_pending(
    judge: Judge,
    *,
    worker: str,
    benchmark: Benchmark | None = None,
    seconds: float | None = None,
    served: Served | None = None,
    room: int | None = None,
) -> Iterator[Tally]:
    """Claim and judge until nothing is left, or ask nothing new after ``seconds``; yields after each chunk.

    ``served`` is given for a judge whose model is served here; others say by themselves where they are.
    ``room`` is how many matches are claimed at once. Closing the iterator gives back what is not stored.
    Raises ServerFailed when a server of our own has died.
    """
    end = None if seconds is None else time.monotonic() + seconds
    room = room or 4 * settings.JUDGE_CONCURRENCY
    engine = served.engine if served else None
    try:
        forms = protocols_of(judge)
        feed = Feed(judge, forms, worker=worker, benchmark=benchmark, room=room, end=end)
        completions = _ask(judge, feed, engine, ask_judge(judge, feed, engine))
    except (ValueError, TypeError, OSError) as error:
        wrong = EngineError("misconfigured", str(error), retry_after=None, final=True)
        log.warning("judge %s: %s", judge, error)
        yield postpone(kind_of(benchmark), judge, [], wrong, jobs.LONGEST_DELAY)
        return
    with noted(worker, feed.kind, judge.pk) as run, jobs.keep_alive(feed.claims, settings.LEASE_SECONDS):
        try:
            with closing(completions), closing(_Run(judge, feed, served).go(completions)) as tallies:
                for tally in tallies:
                    run.note(tally.done + tally.failed)
                    yield tally
        finally:
            jobs.give_back(feed.claims)  # finds only those that were not ended


def _ask(
    judge: Judge, feed: Feed, engine: Engine | None, completions: Generator[Completion]
) -> Generator[Completion]:
    yield from completions
    while feed.goes_on:
        yield from ask_judge(judge, feed, engine)


class _Run:
    """One run over what a feed gives: completions become judgments, stored in chunks."""

    def __init__(self, judge: Judge, feed: Feed, served: Served | None) -> None:
        self.judge, self.feed, self.served = judge, feed, served
        self.version = getattr(served.engine, "version", "") if served else ""
        self.worked = False  # whether anything was answered at all
        self.due: dict[int, Work] = {}  # by job: has something to store
        self.failures = 0  # in a row, of those that may pass
        self.answered = False  # since the last failures in a row
        self.stored_at = time.monotonic()

    def go(self, completions: Iterator[Completion]) -> Generator[Tally]:
        for completion in completions:
            error = completion.error
            if error and error.code in JUDGE_WIDE:
                yield self._store() + self._put_aside(error, jobs.LONGEST_DELAY)
                return
            self._take(self.feed.take(completion.key), completion)
            if error and self.served and error.code in GONE:
                yield self._look_after(self.served)
                return
            if error and self.failures == PATIENCE:
                if error.code == LOST:
                    self._put_down([], jobs.FIRST_DELAY)
                yield self._store() + self._put_aside(error, max(error.retry_after or 0, AWAY_SECONDS))
                return
            late = time.monotonic() - self.stored_at > CHUNK_SECONDS
            if len(self.due) >= CHUNK or late or self.feed.suspects.are_over:
                yield self._store()
        if not self.answered and (away := [work.error for work in self.due.values() if work.error]):
            log.warning("judge %s: %s", self.judge, away[0].message)
        yield self._store()
        if self.feed.is_spent:
            yield self._put_aside(spent(self.judge), jobs.LONGEST_DELAY)

    def _take(self, due: Due, completion: Completion) -> None:
        """Note one completion on its matches."""
        error = completion.error
        if error and error.final and self.feed.split(due):
            return  # it may say something of one answer alone: that all are too long, or that it is refused
        for work, order in due.parts:
            work.open.discard(order)
            work.error = error or work.error
            self.due[work.claim.id] = work
        if error:
            self.failures += not error.final
            self.answered = self.answered and self.failures < PATIENCE
            return
        rows = judgments_of(self.judge, due, completion, timezone.now(), version=self.version)
        for (work, _), row in zip(due.parts, rows, strict=True):
            work.judgments.append(row)
            self.feed.purse.pay(row.cost)
        self.failures, self.answered, self.worked = 0, True, True

    def _look_after(self, served: Served) -> Tally:
        """If our own server has died, whatever was under way may have killed it; else the errors are kept."""
        failed = [work for work in self.due.values() if work.error and not work.error.final]
        try:
            served.check()
        except ServerFailed as failure:
            failure.worked = self.worked
            for work in failed:
                del self.due[work.claim.id]
            self._store()
            self._put_down([work.claim for work in failed], 0.0)
            raise
        return self._store()

    def _put_down(self, claims: list[jobs.Claim], delay: float) -> None:
        """These, and all that is under way, may have killed the server."""
        claims += {part.work.claim for due in self.feed.under_way.values() for part in due.parts}
        with jobs.fenced(claims) as ours:
            jobs.suspect(ours, delay=delay)
        self.feed.release(claims)

    def _store(self) -> Tally:
        works = [*self.due.values(), *self.feed.closed]
        tally = store(works, self.answered)
        self.feed.release([work.claim for work in works if not work.open])
        self.due, self.feed.closed, self.stored_at = {}, [], time.monotonic()
        return tally

    def _put_aside(self, error: EngineError, delay: float) -> Tally:
        log.warning("judge %s: %s", self.judge, error.message)
        return postpone(self.feed.kind, self.judge, self.feed.claims, error, delay)
