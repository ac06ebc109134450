"""Judging what is pending: plan jobs, ask the judge's engine, store each ruling as it comes."""

import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import takewhile
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from arena import jobs
from arena.engines import ENGINES, Completion, Engine, EngineError, Request
from arena.models import Benchmark, Job, Match
from arena.outcomes import Order, Verdict, winner_of
from judging import baselines
from judging.models import KIND, Judge, Judgment
from judging.protocols import JudgingProtocol, Question, UnfitProtocol, choose
from judging.protocols.asking import as_json, complete, requests_for
from judging.services.recipes import protocols_of
from judging.verdicts import read_last_verdict

log = logging.getLogger(__name__)

BOTH_ORDERS = (Order.AB, Order.BA)
CHUNK, CHUNK_SECONDS = 64, 1.0  # matches stored at once; a crash costs at most what came since
AWAY_SECONDS = 60.0  # before a server that did not answer at all is asked again
JUDGE_WIDE = {"unauthorized", "not_found"}  # errors that every further request would meet too


class Tally(NamedTuple):
    """What one run of judging did, in matches; judgments are rows stored."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    judgments: int = 0

    def __add__(self, other: tuple) -> "Tally":
        return Tally(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass
class _Work:
    """A claimed match: what is still to be asked about it, and what came since the last chunk was stored.

    ``match`` None: there is nothing to judge any more.
    """

    claim: jobs.Claim
    match: Match | None
    open: set[Order]
    judgments: list[Judgment] = field(default_factory=list)
    error: EngineError | None = None


@dataclass(frozen=True)
class _Ask:
    """One order of one match, rendered for the judge: one request, or one for each answer."""

    work: _Work
    order: Order
    key: str
    requests: tuple[Request, ...]
    protocol: str
    read: Callable[[str], Verdict | None]
    prompt_text: str = field(repr=False)


def kind_of(benchmark: Benchmark | None) -> str:
    """The kind of Job for a benchmark that was named, which only the one who named it works on."""
    return f"{KIND}-{benchmark.pk}" if benchmark else KIND


def plan_judging(judge: Judge, *, benchmark: Benchmark | None = None, limit: int = 10_000) -> int:
    """Add a job for each match that ``judge`` should rule on and has no job for.

    Without a benchmark: all matches of open benchmarks whose answers have texts. A closed benchmark is
    judged only when it is named. Matches of withdrawn models are not judged at all.
    """
    matches = Match.objects.with_texts().in_play()
    wanted = Q(prompt__benchmark=benchmark) if benchmark else Q(prompt__benchmark__is_open=True)
    planned = Job.objects.filter(kind=kind_of(benchmark), owner=judge.pk, subject=OuterRef("pk"))
    # Prompts with a shared beginning next to each other: engines cache the common prefix.
    order = matches.filter(wanted, ~Exists(planned)).order_by("prompt_id", "answer_a_id", "id")
    return jobs.enqueue(kind_of(benchmark), judge.pk, order.values_list("pk", flat=True)[:limit])


def judge_pending(
    judge: Judge,
    *,
    worker: str,
    benchmark: Benchmark | None = None,
    seconds: float | None = None,
    engine: Engine | None = None,
) -> Iterator[Tally]:
    """Claim and judge until nothing is left, or ask nothing new after ``seconds``; yields after each chunk.

    ``engine`` is given for a judge whose model is served here; others say by themselves where they are.
    Closing the iterator gives back what is not stored.
    """
    end = None if seconds is None else time.monotonic() + seconds
    lease = settings.LEASE_SECONDS
    while end is None or time.monotonic() < end:
        claims = jobs.claim(
            kind_of(benchmark), judge.pk, limit=4 * settings.JUDGE_CONCURRENCY, lease=lease, worker=worker
        )
        if not claims:
            return
        try:
            with jobs.keep_alive(claims, lease):
                yield from _judge_claims(judge, claims, engine, named=benchmark is not None, end=end)
        finally:
            jobs.give_back(claims)  # finds only those that were not ended


def _judge_claims(
    judge: Judge, claims: list[jobs.Claim], engine: Engine | None, *, named: bool, end: float | None
) -> Iterator[Tally]:
    """Ask everything that is open about the claimed matches; store what comes in small chunks."""
    works = _load(judge, claims, named=named)
    try:
        forms = protocols_of(judge)
        asks = {ask.key: ask for work in works for ask in _prepare(judge, work, forms)}
        completions = _ask_judge(judge, asks, engine, end)
    except (ValueError, TypeError, OSError) as error:
        yield _postpone(judge, claims, EngineError("misconfigured", str(error), retry_after=None, final=True))
        return
    due = {work.claim.id: work for work in works if not work.open}  # by job: has something to store
    stored_at, answered = time.monotonic(), False
    with closing(completions):
        for completion in completions:
            if completion.error and completion.error.code in JUDGE_WIDE:
                yield _store(due.values(), answered) + _postpone(judge, claims, completion.error)
                return
            ask = asks[completion.key]
            _take(judge, ask, completion)
            answered = answered or completion.error is None
            due[ask.work.claim.id] = ask.work
            if len(due) >= CHUNK or time.monotonic() - stored_at > CHUNK_SECONDS:
                yield _store(due.values(), answered)
                due, stored_at = {}, time.monotonic()
    if away := [work.error for work in due.values() if work.error and not answered]:
        log.warning("judge %s: %s", judge, away[0].message)
    yield _store(due.values(), answered)


def _prepare(judge: Judge, work: _Work, forms: Mapping[str, JudgingProtocol]) -> list["_Ask"]:
    """What to ask about a match; nothing is left open when it cannot be asked about."""
    try:
        return [_render(judge, work, order, forms) for order in sorted(work.open)]
    except UnfitProtocol as error:
        work.open.clear()
        work.error = EngineError("unfit_protocol", str(error), retry_after=None, final=True)
        return []


def _load(judge: Judge, claims: list[jobs.Claim], *, named: bool) -> list[_Work]:
    """The claimed matches, those with a shared beginning together, each with the orders not stored yet.

    Matches that were deleted, or of a withdrawn model, or of a benchmark that was closed and not named, come
    without a match.
    """
    subjects = [held.subject for held in claims]
    matches = Match.objects.in_play().select_related("prompt", "answer_a__competitor", "answer_b__competitor")
    if not named:
        matches = matches.filter(prompt__benchmark__is_open=True)
    found = matches.in_bulk(subjects)
    ruled: dict[int, set[str]] = {}
    for match_id, order in judge.judgments.filter(match_id__in=subjects).values_list("match_id", "order"):
        ruled.setdefault(match_id, set()).add(order)
    wanted = set(BOTH_ORDERS if judge.both_orders else BOTH_ORDERS[:1])
    works = []
    for held in claims:
        match = found.get(held.subject)
        works.append(_Work(held, match, wanted - ruled.get(held.subject, set()) if match else set()))
    return sorted(works, key=_place)


def _place(work: _Work) -> tuple[int, ...]:
    return (work.match.prompt_id, work.match.answer_a_id) if work.match else ()


def _render(judge: Judge, work: _Work, order: Order, forms: Mapping[str, JudgingProtocol]) -> _Ask:
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
        return _Ask(work, order, key, (), judge.model, read_last_verdict, "")
    protocol = choose(judge.protocol, question, forms)
    asked = protocol.render(question, first, second)
    requests = requests_for(key, asked, judge.sampling)
    return _Ask(work, order, key, requests, protocol.name, protocol.read, as_json(asked))


def _question(match: Match) -> Question:
    reference = match.prompt.reference
    return Question(tuple(match.prompt.turns), tuple(text or "" for text in reference) if reference else None)


def _ask_judge(
    judge: Judge, asks: dict[str, _Ask], engine: Engine | None, end: float | None
) -> Generator[Completion]:
    """Every completion that comes; nothing new is asked after ``end``."""
    if judge.engine == Judge.Engine.BASELINE:
        if judge.model not in baselines.BASELINES:
            raise ValueError(f"There is no baseline {judge.model!r}.")
        return _rule_by_baseline(judge, asks, seed=int(judge.sampling.get("seed", 0)))
    engine = engine or ENGINES[judge.engine](**_engine_options(judge))
    in_time = takewhile(lambda _: end is None or time.monotonic() < end, asks.values())
    return (completion for completion in complete(engine, ((ask.key, ask.requests) for ask in in_time)))


def _engine_options(judge: Judge) -> dict[str, Any]:
    if judge.engine == Judge.Engine.SCRIPTED:
        return {"script": settings.BASE_DIR / judge.model}
    return {
        "base_url": judge.base_url,
        "model": judge.model,
        "api_key": os.environ.get(judge.key_variable, "").strip() if judge.key_variable else "",
        "concurrency": settings.JUDGE_CONCURRENCY,
        "deadline": settings.JUDGE_DEADLINE,
    }


def _rule_by_baseline(judge: Judge, asks: dict[str, _Ask], *, seed: int) -> Generator[Completion]:
    for key, ask in asks.items():
        match = ask.work.match
        assert match is not None
        first, second = (tuple(answer.turns or ()) for answer in (match.answer_a, match.answer_b))
        if ask.order == Order.BA:
            first, second = second, first
        ruling = baselines.rule(
            judge.model, question=_question(match), first=first, second=second, key=key, seed=seed
        )
        yield Completion(
            key=key,
            text=ruling.raw_text,
            finish_reason="stop",
            model=judge.model,
            fingerprint="",
            tokens_in=None,
            tokens_out=None,
            seconds=0.0,
            error=None,
        )


def _take(judge: Judge, ask: _Ask, completion: Completion) -> None:
    """Note one completion on its match."""
    ask.work.open.discard(ask.order)
    if completion.error:
        ask.work.error = completion.error
    else:
        ask.work.judgments.append(_judgment(judge, ask, completion, timezone.now()))


def _store(due: Iterable[_Work], answered: bool) -> Tally:
    """Store a chunk under the jobs' tokens; a match with nothing open ends: done, failed, or again later.

    ``answered``: the judge has answered something in this run, so that an error says something of its match.
    """
    works = {work.claim: work for work in due}
    with jobs.fenced(list(works)) as ours:
        kept = Match.objects.select_for_update(no_key=True).in_bulk([held.subject for held in ours])
        rows = [ruling for held in ours if held.subject in kept for ruling in works[held].judgments]
        Judgment.objects.bulk_create(rows, ignore_conflicts=True)
        ended = [held for held in ours if not works[held].open]
        gone = [held for held in ended if works[held].match is None or held.subject not in kept]
        jobs.drop(gone)
        left = set(ended) - set(gone)
        done = [held for held in left if works[held].error is None]
        jobs.finish(done)
        tally = Tally(done=len(done), judgments=len(rows))
        for held in left:
            if error := works[held].error:
                tally += _end_badly(held, error, answered)
    for work in works.values():
        work.judgments.clear()
    return tally


def _end_badly(held: jobs.Claim, error: EngineError, answered: bool) -> Tally:
    if error.final:
        jobs.fail(held, error.code, error.message)
        return Tally(failed=1)
    if answered:
        jobs.retry(held, error.code, error.message, delay=error.retry_after)
    else:  # the server is away, which says nothing of this match
        jobs.postpone([held], error.code, error.message, delay=max(error.retry_after or 0, AWAY_SECONDS))
    return Tally(retried=1)


def _postpone(judge: Judge, claims: list[jobs.Claim], error: EngineError) -> Tally:
    """Put everything that is not ended aside: the judge itself has to be mended first."""
    log.warning("judge %s: %s", judge, error.message)
    with jobs.fenced(claims) as ours:
        jobs.postpone(ours, error.code, error.message, delay=jobs.LONGEST_DELAY)
    return Tally(retried=len(ours))


def _judgment(judge: Judge, ask: _Ask, completion: Completion, now: datetime) -> Judgment:
    text = completion.text or ""
    verdict = None if _cut_off(ask, completion) else ask.read(text)
    return Judgment(
        judge=judge,
        match=ask.work.match,
        order=ask.order,
        verdict=verdict or "",
        winner=winner_of(verdict, ask.order) or "",
        raw_text=text,
        protocol=ask.protocol,
        prompt_text=ask.prompt_text,
        prompt_sha256=sha256(ask.prompt_text.encode()).hexdigest() if ask.prompt_text else "",
        settings={"engine": judge.engine, "model": judge.model, **judge.sampling},
        model_returned=(completion.model or "")[:200],
        fingerprint=(completion.fingerprint or "")[:200],
        finish_reason=(completion.finish_reason or "")[:20],
        tokens_in=completion.tokens_in,
        tokens_out=completion.tokens_out,
        seconds=completion.seconds,
        created_at=now,
    )


def _cut_off(ask: _Ask, completion: Completion) -> bool:
    """Whether the text ended for want of tokens before its verdict: what it quotes then is not a ruling."""
    if all(request.sampling.get("max_tokens") == 1 for request in ask.requests):
        return False  # a ruling in one token ends like that
    text = (completion.text or "").rstrip(" \n.*`")
    return completion.finish_reason == "length" and not text.endswith("]]")
