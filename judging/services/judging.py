"""Judging what is pending: plan jobs, ask the judge's engine, store each ruling as it comes."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from arena import jobs
from arena.engines import ENGINES, Completion, EngineError, Message, Request
from arena.models import Benchmark, Job, Match
from arena.outcomes import Order, Verdict, winner_of
from judging import baselines
from judging.models import Judge, Judgment
from judging.protocols import Question, UnfitProtocol, choose
from judging.verdicts import read_last_verdict

KIND = "judge"  # of Job: the owner is the judge, the subject the match
BOTH_ORDERS = (Order.AB, Order.BA)
CHUNK, CHUNK_SECONDS = 64, 1.0  # matches stored at once; a crash costs at most what came since


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
    """A claimed match: what is still to be asked about it, and what came since the last chunk was stored."""

    claim: jobs.Claim
    match: Match | None
    open: set[Order]
    judgments: list[Judgment] = field(default_factory=list)
    error: EngineError | None = None


@dataclass(frozen=True)
class _Ask:
    """One order of one match, rendered for the judge."""

    work: _Work
    order: Order
    request: Request
    protocol: str
    read: Callable[[str], Verdict | None]
    prompt_text: str = field(repr=False)


def plan_judging(judge: Judge, *, benchmark: Benchmark | None = None, limit: int = 10_000) -> int:
    """Add a job for each match that ``judge`` should rule on and has no job for.

    Without a benchmark: all matches of open benchmarks whose answers have texts. A closed benchmark is
    judged only when it is named.
    """
    matches = Match.objects.with_texts()
    matches = (
        matches.of_benchmark(benchmark) if benchmark else matches.filter(prompt__benchmark__is_open=True)
    )
    planned = Job.objects.filter(kind=KIND, owner=judge.pk, subject=OuterRef("pk"))
    # Prompts with a shared beginning next to each other: engines cache the common prefix.
    order = matches.filter(~Exists(planned)).order_by("prompt_id", "answer_a_id", "id")
    return jobs.enqueue(KIND, judge.pk, order.values_list("pk", flat=True)[:limit])


def judge_pending(
    judge: Judge, *, worker: str, seconds: float | None = None, chunk: int | None = None
) -> Iterator[Tally]:
    """Claim and judge until nothing is left or ``seconds`` have passed; yields after each chunk stored."""
    chunk = chunk or 4 * settings.JUDGE_CONCURRENCY
    start = time.monotonic()
    while seconds is None or time.monotonic() - start < seconds:
        lease = settings.LEASE_SECONDS
        claims = jobs.claim(KIND, judge.pk, limit=chunk, lease=lease, worker=worker)
        if not claims:
            return
        try:
            with jobs.keep_alive(claims, lease):
                yield from _judge_claims(judge, claims)
        finally:
            jobs.give_back(claims)  # finds only those that neither ended nor failed


def _judge_claims(judge: Judge, claims: list[jobs.Claim]) -> Iterator[Tally]:
    """Ask everything that is open about the claimed matches; store what comes in small chunks."""
    works = _load(judge, claims)
    asks: dict[str, _Ask] = {}
    due: dict[int, _Work] = {}  # by job: has something to store
    for work in works:
        asks |= _prepare(judge, work)
        if not work.open:
            due[work.claim.id] = work
    stored_at = time.monotonic()
    for completion in _ask_judge(judge, asks):
        ask = asks[completion.key]
        _take(judge, ask, completion)
        due[ask.work.claim.id] = ask.work
        if len(due) >= CHUNK or time.monotonic() - stored_at > CHUNK_SECONDS:
            yield _store(due.values())
            due, stored_at = {}, time.monotonic()
    yield _store(due.values())


def _prepare(judge: Judge, work: _Work) -> dict[str, "_Ask"]:
    """What to ask about a match; nothing is left open when it cannot be asked about."""
    try:
        rendered = [_render(judge, work, order) for order in sorted(work.open)]
    except UnfitProtocol as error:
        work.open.clear()
        work.error = EngineError("unfit_protocol", str(error), retry_after=None, final=True)
        return {}
    return {ask.request.key: ask for ask in rendered}


def _load(judge: Judge, claims: list[jobs.Claim]) -> list[_Work]:
    """The claimed matches, those with a shared beginning together, each with the orders not stored yet."""
    subjects = [held.subject for held in claims]
    related = ("prompt", "answer_a__competitor", "answer_b__competitor")
    matches = Match.objects.select_related(*related).in_bulk(subjects)
    ruled: dict[int, set[str]] = {}
    for match_id, order in judge.judgments.filter(match_id__in=subjects).values_list("match_id", "order"):
        ruled.setdefault(match_id, set()).add(order)
    wanted = set(BOTH_ORDERS if judge.both_orders else BOTH_ORDERS[:1])
    works = []
    for held in claims:
        match = matches.get(held.subject)
        work = _Work(held, match, wanted - ruled.get(held.subject, set()) if match else set())
        if match is None:
            work.error = EngineError("match_gone", "The match was deleted.", retry_after=None, final=True)
        works.append(work)
    return sorted(
        works, key=lambda work: (work.match.prompt_id, work.match.answer_a_id) if work.match else ()
    )


def _render(judge: Judge, work: _Work, order: Order) -> _Ask:
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
        return _Ask(work, order, Request(key, (), {}), judge.model, read_last_verdict, "")
    protocol = choose(judge.protocol, question)
    messages = protocol.render(question, first, second)
    request = Request(key, messages, judge.sampling)
    return _Ask(work, order, request, protocol.name, protocol.read, _as_json(messages))


def _question(match: Match) -> Question:
    reference = match.prompt.reference
    return Question(tuple(match.prompt.turns), tuple(text or "" for text in reference) if reference else None)


def _as_json(messages: Iterable[Message]) -> str:
    return json.dumps([{"role": m.role, "content": m.content} for m in messages], ensure_ascii=False)


def _ask_judge(judge: Judge, asks: dict[str, _Ask]) -> Iterator[Completion]:
    if judge.engine == Judge.Engine.BASELINE:
        return _rule_by_baseline(judge, asks)
    engine = ENGINES[judge.engine](**_engine_options(judge))
    return iter(engine.stream(ask.request for ask in asks.values()))


def _engine_options(judge: Judge) -> dict[str, Any]:
    if judge.engine == Judge.Engine.SCRIPTED:
        return {"script": settings.BASE_DIR / judge.model}
    return {
        "base_url": judge.base_url,
        "model": judge.model,
        "api_key": os.environ.get(judge.key_variable, "") if judge.key_variable else "",
        "concurrency": settings.JUDGE_CONCURRENCY,
        "deadline": settings.JUDGE_DEADLINE,
    }


def _rule_by_baseline(judge: Judge, asks: dict[str, _Ask]) -> Iterator[Completion]:
    seed = int(judge.sampling.get("seed", 0))
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


def _store(due: Iterable[_Work]) -> Tally:
    """Store a chunk under the jobs' tokens; a match with nothing open ends: done, failed, or again later."""
    works = {work.claim: work for work in due}
    tally = Tally()
    with jobs.fenced(list(works)) as ours:
        rows = [judgment for held in ours for judgment in works[held].judgments]
        Judgment.objects.bulk_create(rows, ignore_conflicts=True)
        ended = [held for held in ours if not works[held].open]
        done = [held for held in ended if works[held].error is None]
        jobs.finish(done)
        tally += (len(done), 0, 0, len(rows))
        for held in ended:
            if error := works[held].error:
                tally += _end_badly(held, error)
    for work in works.values():
        work.judgments.clear()
    return tally


def _end_badly(held: jobs.Claim, error: EngineError) -> Tally:
    if error.final:
        jobs.fail(held, error.code, error.message)
        return Tally(failed=1)
    jobs.retry(held, error.code, error.message, delay=error.retry_after)
    return Tally(retried=1)


def _judgment(judge: Judge, ask: _Ask, completion: Completion, now: datetime) -> Judgment:
    text = completion.text or ""
    verdict = None if _cut_off(completion) else ask.read(text)
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


def _cut_off(completion: Completion) -> bool:
    """Whether the text ended for want of tokens before its verdict: what it quotes then is not a ruling."""
    text = (completion.text or "").rstrip(" \n.*`")
    return completion.finish_reason == "length" and not text.endswith("]]")
