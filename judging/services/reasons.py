"""Grade first, reason on demand: a judge is asked why, with its verdict fixed, when that is wanted."""

import json
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256

from django.conf import settings

from arena import jobs
from arena.engines import Completion, Engine, Message, Request
from arena.models import Job
from arena.services.images import attach
from judging.models import REASONS, Judge, Judgment
from judging.services.asking import engine_of

AT_ONCE = 32
TOKENS = 512  # that reasons may take
ASK = (
    "Your verdict stands and is not asked for again. Say in at most five sentences what decided it: which "
    "reply did what better or worse, and where. Give no verdict line."
)
ASK_OF_MANY = (
    "Your ranking stands and is not asked for again. Say in at most five sentences what decided between "
    "answer {first} and answer {second}: which did what better or worse, and where. Give no ranking line."
)
# What belongs to giving a verdict, not to giving reasons.
OF_VERDICTS = ("structured_outputs", "logprobs", "top_logprobs", "stop", "stop_token_ids")


def may_explain(judgment: Judgment) -> bool:
    """Whether this ruling came from a prompt that can be gone on with."""
    asked = judgment.judge.engine in (Judge.Engine.OPENAI, Judge.Engine.VLLM)
    return asked and bool(judgment.raw_text) and reasons_request(judgment) is not None


def reasons_request(judgment: Judgment) -> Request | None:
    """The ruling's own prompt and text, and then the question why; a raw text just goes on.

    None where no prompt was recorded, or each answer was asked about by itself.
    """
    rows = json.loads(judgment.prompt_text or "[]")
    roles, said = {row["role"] for row in rows}, judgment.raw_text or ""
    sampling = {key: value for key, value in judgment.judge.sampling.items() if key not in OF_VERDICTS}
    sampling["max_tokens"] = TOKENS
    if roles == {"prompt"}:
        return Request(str(judgment.pk), (), sampling, prompt=rows[0]["content"] + said.rstrip() + "\n")
    if not rows or not roles <= {"system", "user", "assistant"}:
        return None
    messages = tuple(Message(row["role"], row["content"], tuple(row.get("images", ()))) for row in rows)
    among = judgment.among
    why = ASK_OF_MANY.format(first=among.first, second=among.second) if among else ASK
    return Request(str(judgment.pk), (*messages, Message("assistant", said), Message("user", why)), sampling)


def ask_for_reasons(judgments: Iterable[Judgment]) -> int:
    """Let the judges explain these rulings; returns how many can be. A failed attempt is made again."""
    wanted = [row for row in judgments if may_explain(row)]
    for row in wanted:
        jobs.enqueue(REASONS, row.judge_id, [row.pk])
    jobs.try_again(Job.objects.filter(kind=REASONS, subject__in=[row.pk for row in wanted]))
    return len(wanted)


def give_reasons(judge: Judge, *, worker: str, engine: Engine | None = None) -> int:
    """Ask the judge for some of the reasons that wait; returns how many came. Safe to run twice."""
    claims = jobs.claim(REASONS, judge.pk, limit=AT_ONCE, lease=settings.LEASE_SECONDS, worker=worker)
    by_key = {str(held.subject): held for held in claims}
    try:
        with jobs.keep_alive(claims, settings.LEASE_SECONDS):
            rows = judge.judgments.filter(pk__in=[held.subject for held in claims])
            asked = {str(row.pk): request for row in rows if (request := reasons_request(row))}
            with jobs.fenced([held for key, held in by_key.items() if key not in asked]) as gone:
                jobs.drop(gone)
            if not asked:
                return 0
            with closing((engine or engine_of(judge)).stream(map(attach, asked.values()))) as completions:  # type: ignore[type-var]
                return sum(_store(by_key[each.key], asked[each.key], each) for each in completions)
    except (ValueError, TypeError, OSError) as error:
        with jobs.fenced(claims) as ours:
            jobs.postpone(ours, "misconfigured", str(error), delay=jobs.LONGEST_DELAY)
        return 0
    finally:
        jobs.give_back(claims)


def _store(held: jobs.Claim, request: Request, completion: Completion) -> bool:
    with jobs.fenced([held]) as ours:
        if not ours:
            return False
        if error := completion.error:
            if error.final:
                jobs.fail(held, error.code, error.message)
            else:
                jobs.retry(held, error.code, error.message, delay=error.retry_after)
            return False
        sent = json.dumps([[each.role, each.content] for each in request.messages] or request.prompt)
        Judgment.objects.filter(pk=held.subject).update(
            reasons=completion.text or "", reasons_sha256=sha256(sent.encode()).hexdigest()
        )
        jobs.finish([held])
        return True
