"""What came of asking a judge, stored in chunks under the jobs' tokens."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection

from arena import jobs
from arena.engines import LOST, Completion, EngineError
from arena.models import Match
from arena.outcomes import Verdict, winner_of
from judging.models import Among, Judge, Judgment, compressed
from judging.panels import read_points
from judging.protocols import Weight, ranks
from judging.services.feeding import Due, Work
from judging.services.rendering import Ask
from judging.verdicts import read_last_verdict

AWAY_SECONDS = 60.0  # before a server that did not answer at all is asked again


class Tally(NamedTuple):
    """What one run of judging did, in matches; judgments are rows stored."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    judgments: int = 0

    def __add__(self, other: tuple) -> "Tally":
        return Tally(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def store(due: Iterable[Work], answered: bool) -> Tally:
    """Store a chunk under the jobs' tokens; a match with nothing open ends: done, failed, or again later.

    ``answered``: the judge answers in this run, so that an error says something of its match.
    """
    works = {work.claim: work for work in due}
    if not works:
        return Tally()
    with jobs.fenced(list(works)) as ours:
        matches = Match.objects.filter(pk__in=[held.subject for held in ours]).order_by("pk")
        kept = set(matches.select_for_update(no_key=True).values_list("pk", flat=True))
        rows = [ruling for held in ours if held.subject in kept for ruling in works[held].judgments]
        _insert(rows)
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


def _insert(rows: list[Judgment]) -> None:
    """Add rows but those that are there already: as one JSON text, a fraction of bulk_create's cost."""
    fields = [each for each in Judgment._meta.concrete_fields if not each.primary_key]
    columns = ", ".join(f'"{each.column}"' for each in fields)
    given = [{each.column: getattr(row, each.attname) for each in fields} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO judging_judgment ({columns}) SELECT {columns} "  # noqa: S608 -- the model's own columns
            "FROM json_populate_recordset(NULL::judging_judgment, %s) ON CONFLICT DO NOTHING",
            [json.dumps(given, ensure_ascii=False, default=_as_text)],
        )


def _as_text(value: datetime | bytes) -> str:
    """What JSON has no word for, as PostgreSQL reads it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat()


def _end_badly(held: jobs.Claim, error: EngineError, answered: bool) -> Tally:
    if error.final:
        jobs.fail(held, error.code, error.message)
        return Tally(failed=1)
    if error.code == LOST:
        failed = jobs.suspect([held], delay=jobs.FIRST_DELAY)
        return Tally(failed=failed, retried=1 - failed)
    if answered:
        jobs.retry(held, error.code, error.message, delay=error.retry_after)
    else:  # the server is away, which says nothing of this match; but what was not asked yet comes first
        jobs.postpone([held], error.code, error.message, delay=max(error.retry_after or 0, 2 * AWAY_SECONDS))
    return Tally(retried=1)


def postpone(
    kind: str, judge: Judge, claims: Sequence[jobs.Claim], error: EngineError, delay: float
) -> Tally:
    """Put all that is not ended aside, claimed or not: the judge or its server has to be mended first."""
    with jobs.fenced(claims) as ours:
        jobs.postpone(ours, error.code, error.message, delay=delay)
    waiting = jobs.postpone_pending(kind, judge.pk, error.code, error.message, delay=delay)
    return Tally(retried=waiting + len(ours))


def judgments_of(
    judge: Judge, due: Due, completion: Completion, now: datetime, *, version: str
) -> list[Judgment]:
    """The rows for a completion that has a text, one a part; ``version`` is the engine's, where it is known.

    Tokens, cost and seconds are those of one request, so they are divided among its rows.
    """
    ask, text, count = due.ask, completion.text or "", len(due.parts)
    common = {
        "judge_id": judge.pk,  # ids, because a model that is given rows takes twice as long
        "raw_text": text,
        "suspect": ask.suspect,
        "protocol": ask.protocol.name if ask.protocol else judge.protocol or judge.model,
        "prompt_zlib": compressed(ask.prompt_text),
        "prompt_sha256": sha256(ask.prompt_text.encode()).hexdigest() if ask.prompt_text else "",
        "model_returned": (completion.model or "")[:200],
        "fingerprint": (completion.fingerprint or "")[:200],
        "finish_reason": (completion.finish_reason or "")[:20],
        "seconds": completion.seconds / count,
        "created_at": now,
    }
    made = _settings(judge, version)
    rows = []
    verdicts = _verdicts(due, completion)
    for number, (part, places, verdict) in enumerate(zip(due.parts, due.places, verdicts, strict=True)):
        weight = _weight_of(ask, completion) if verdict else Weight()
        tokens_in = share(completion.tokens_in, number, count)
        tokens_out = share(completion.tokens_out, number, count)
        settings = made
        if ranks(ask.protocol):
            among = Among(len(ask.answers), *(place + 1 for place in places))
            settings = made | among.as_settings() | {"rulings": count}
        rows.append(
            Judgment(
                match_id=part.match.pk,
                order=part.order,
                verdict=verdict or "",
                winner=winner_of(verdict, part.order) or "",
                preference=weight.preference,
                label_mass=weight.label_mass,
                strength=weight.strength,
                settings=settings,
                cost=judge.cost_of(tokens_in, tokens_out),
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                **common,
            )
        )
    return rows


def share(total: int | None, number: int, count: int) -> int | None:
    """One of ``count`` whole parts of a total, which differ by at most one and add up to it."""
    return None if total is None else total * (number + 1) // count - total * number // count


def _verdicts(due: Due, completion: Completion) -> list[Verdict | None]:
    ask = due.ask
    if not ranks(ask.protocol):
        return [verdict_of(ask, completion)]
    if _cut_off(ask, completion):
        return [None] * len(due.parts)
    return ask.protocol.read_many(completion.text or "", len(ask.answers), due.places)


def verdict_of(ask: Ask, completion: Completion) -> Verdict | None:
    """What a completion on two answers that has a text says, by position."""
    read = ask.protocol.read if ask.protocol else read_last_verdict
    return None if _cut_off(ask, completion) else read(completion.text or "")


def _weight_of(ask: Ask, completion: Completion) -> Weight:
    text = completion.text or ""
    if ask.place:
        return Weight(preference=read_points(text))
    return ask.protocol.weigh(text, completion.logprobs) if ask.protocol else Weight()


def _settings(judge: Judge, version: str) -> dict[str, Any]:
    """What the ruling was made with, besides the prompt; what is not stated is left out."""
    served = judge.host_model
    made: dict[str, Any] = {"engine": judge.engine, "version": version, "model": judge.model}
    if judge.engine == Judge.Engine.PANEL:
        made |= {"members": {each.slug: each.version for each in judge.seated}}
    if served:
        made |= {"revision": served.revision, "dtype": served.dtype}
    return {name: value for name, value in made.items() if value} | judge.sampling


def _cut_off(ask: Ask, completion: Completion) -> bool:
    """Whether the text ended for want of tokens before its verdict: what it quotes then is not a ruling."""
    if all(request.sampling.get("max_tokens") == 1 for request in ask.requests):
        return False  # a ruling in one token ends like that
    text = (completion.text or "").rstrip(" \n.*`")
    return completion.finish_reason == "length" and not text.endswith("]]")
