"""The queue of record: claim, keep, finish and give back rows of ``Job``.

Who races here and why nothing is lost or done twice:

1. ``claim`` takes pending jobs, and running ones whose lease ran out, in one UPDATE that skips rows
   locked by others, and writes a new fencing token on them.
2. The holder extends its lease while it works (``keep_alive``). A holder that was stopped for longer
   than its lease wakes up with a token that nobody honours any more.
3. Results are stored inside ``fenced``: the job's row is locked and its token compared in the same
   transaction as the INSERT, so a late holder's results are refused.
4. A unique constraint on the results stands behind all this.
5. A job whose worker or engine died at it is a suspect (``deaths``). Suspects are claimed apart from all
   else and in small groups, and the second time alone, so that at the third death the one that kills is
   known, and fails for good; what was only near it is done.

All times are the database's ``clock_timestamp()``: hosts' clocks may differ, and ``now()`` stands still
in a transaction.
"""

import logging
import math
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet

from arena.models import Job
from arena.models.jobs import ENGINE_DIED

MAX_ATTEMPTS = 8
MAX_DEATHS = 3  # of its worker or engine, after which a job has failed
FIRST_DELAY = 15.0  # seconds before the second attempt; doubles up to LONGEST_DELAY
LONGEST_DELAY = 600.0
CAUSES_READ = 5000  # failed jobs that are looked at for their causes
LAST_DEATH = f"{MAX_DEATHS} times while at it, the last time with nothing else under way"

log = logging.getLogger(__name__)


class Claim(NamedTuple):
    """One claimed job. ``attempts`` counts this one; ``deaths``: of workers and engines that were at it."""

    id: int
    subject: int
    token: uuid.UUID
    attempts: int
    deaths: int = 0


def worker_name(role: str = "worker") -> str:
    """What the jobs of this host's worker are claimed under."""
    return f"{role}@{socket.gethostname()}"


def enqueue(kind: str, owner: int, subjects: Iterable[int]) -> int:
    """Add a job for each subject that has none yet. Returns how many were given (repeats are harmless)."""
    rows = [Job(kind=kind, owner=owner, subject=subject) for subject in subjects]
    Job.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len(rows)


def claim(kind: str, owner: int, *, limit: int, lease: float, worker: str) -> list[Claim]:
    """Claim up to ``limit`` jobs for ``lease`` seconds.

    What was not tried yet comes first, oldest first, then what was put back, in the order in which it is
    due. But before all that come suspects, those nearest to being told apart: alone, or as many as the root
    of ``limit``; nothing else may be under way with them. Each branch has an index of its own, so that
    neither what runs nor what has to wait is read (by the clock only when that stands in a subquery).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH lost AS (
                SELECT id, deaths + 1 AS deaths FROM arena_job
                WHERE kind = %(kind)s AND owner = %(owner)s AND state = 'running'
                  AND lease_until < (SELECT clock_timestamp()) AND deaths < %(most)s - 1
                ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            ), put_back AS (
                SELECT id, deaths FROM arena_job
                WHERE kind = %(kind)s AND owner = %(owner)s AND state = 'pending'
                  AND deaths > 0 AND deaths < %(most)s
                  AND coalesce(next_attempt_at, '-infinity') <= (SELECT clock_timestamp())
                ORDER BY deaths DESC, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            ), suspects AS (
                SELECT * FROM lost UNION ALL SELECT * FROM put_back
            ), fresh AS (
                SELECT id FROM arena_job
                WHERE kind = %(kind)s AND owner = %(owner)s AND state = 'pending' AND deaths = 0
                  AND coalesce(next_attempt_at, '-infinity') <= (SELECT clock_timestamp())
                ORDER BY coalesce(next_attempt_at, '-infinity'), id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            ), picked AS (
                (SELECT id FROM suspects WHERE deaths = (SELECT max(deaths) FROM suspects) ORDER BY id
                    LIMIT (SELECT CASE WHEN max(deaths) < %(most)s - 1 THEN %(few)s ELSE 1 END FROM suspects))
                UNION ALL SELECT id FROM fresh WHERE NOT EXISTS (SELECT FROM suspects)
            )
            UPDATE arena_job SET state = 'running', token = %(token)s, attempts = attempts + 1,
                deaths = deaths + (state = 'running')::int, worker = %(worker)s,
                lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE id = ANY(ARRAY(SELECT id FROM picked))
            RETURNING id, subject, token, attempts, deaths
            """,
            {
                "kind": kind,
                "owner": owner,
                "limit": limit,
                "few": math.isqrt(limit),
                "lease": lease,
                "worker": worker,
                "token": uuid.uuid4(),
                "most": MAX_DEATHS,
            },
        )
        return sorted(Claim(*row) for row in cursor.fetchall())


def has_claimable(kind: str, owner: int) -> bool:
    """Whether ``claim`` would find something now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT FROM arena_job
                    WHERE kind = %(kind)s AND owner = %(owner)s AND state = 'pending'
                      AND deaths < %(most)s
                      AND coalesce(next_attempt_at, '-infinity') <= (SELECT clock_timestamp()))
                OR EXISTS (SELECT FROM arena_job
                    WHERE kind = %(kind)s AND owner = %(owner)s AND state = 'running'
                      AND lease_until < (SELECT clock_timestamp()) AND deaths < %(most)s - 1)
            """,
            {"kind": kind, "owner": owner, "most": MAX_DEATHS},
        )
        return bool(cursor.fetchone()[0])


def kinds() -> list[str]:
    """Every kind that there are jobs of: one look into the index for each, however many jobs there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE found AS (
                SELECT min(kind) AS kind FROM arena_job
                UNION ALL
                SELECT (SELECT min(kind) FROM arena_job WHERE kind > found.kind) FROM found
                WHERE kind IS NOT NULL
            )
            SELECT kind FROM found WHERE kind IS NOT NULL
            """
        )
        return [kind for (kind,) in cursor.fetchall()]


def causes() -> list[str]:
    """Codes of why jobs failed, of a few thousand of them."""
    failed = Job.objects.filter(state=Job.State.FAILED).values_list("error_code", flat=True)
    return sorted(set(failed[:CAUSES_READ]))


class Failure(NamedTuple):
    """Why jobs failed: a code, and a sentence."""

    code: str
    message: str


def commonest_failure(kind: str, owner: int) -> Failure | None:
    """What most of an owner's failed jobs failed of; None when none has."""
    failed = Job.objects.filter(kind=kind, owner=owner, state=Job.State.FAILED)
    found = failed.values_list("error_code", "error").annotate(n=Count("pk")).order_by("-n").first()
    return Failure(*found[:2]) if found else None


def fail_abandoned() -> int:
    """Mark jobs failed at which a worker died for the last time; nobody claims them any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arena_job SET state = 'failed', finished_at = clock_timestamp(), token = NULL,
                lease_until = NULL, deaths = %(most)s, error_code = 'worker_died', error = %(error)s
            WHERE (state = 'running' AND lease_until < (SELECT clock_timestamp()) AND deaths >= %(most)s - 1)
               OR (state = 'pending' AND deaths >= %(most)s)
            """,
            {"most": MAX_DEATHS, "error": f"Its worker died or hung {LAST_DEATH}."},
        )
        return cursor.rowcount


@contextmanager
def fenced(claims: Sequence[Claim]) -> Iterator[list[Claim]]:
    """A transaction that holds the jobs' rows and gives those that are still ours.

    A claim that is missing was taken over by another worker: drop what you have for it.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # stopped in here, this process would keep the rows for ever
            seconds = f"{settings.LEASE_SECONDS}s"
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [seconds])
        rows = Job.objects.select_for_update().filter(
            id__in=[held.id for held in claims],
            token__in={held.token for held in claims},
            state=Job.State.RUNNING,
        )
        ours = set(rows.order_by("id").values_list("id", "token"))
        yield [held for held in claims if (held.id, held.token) in ours]


def finish(claims: Iterable[Claim]) -> None:
    """Mark jobs done. Call inside ``fenced``, with their last results."""
    ids = [held.id for held in claims]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arena_job SET state = 'done', error_code = '', error = '', lease_until = NULL,
                finished_at = clock_timestamp() WHERE id = ANY(%s)
            """,
            [ids],
        )


def fail(held: Claim, code: str, message: str) -> None:
    """Mark a job failed for good, with the cause's code and a sentence. Call inside ``fenced``."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arena_job SET state = 'failed', error_code = %s, error = %s, lease_until = NULL,
                finished_at = clock_timestamp() WHERE id = %s
            """,
            [code, message, held.id],
        )


def retry(held: Claim, code: str, message: str, *, delay: float | None = None) -> None:
    """Put a job back for a later attempt, or fail it when its attempts are spent. Call inside ``fenced``."""
    if held.attempts >= MAX_ATTEMPTS:
        fail(held, code, message)
        return
    delay = max(delay or 0.0, min(FIRST_DELAY * 2 ** (held.attempts - 1), LONGEST_DELAY))
    postpone([held], code, message, delay=delay, spend=True)


def postpone(claims: Iterable[Claim], code: str, message: str, *, delay: float, spend: bool = False) -> None:
    """Put jobs back for ``delay`` seconds. What says nothing of the job itself need not ``spend`` an attempt.

    Call inside ``fenced``.
    """
    ids = [held.id for held in claims]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE arena_job SET state = 'pending', token = NULL, lease_until = NULL,
                error_code = %s, error = %s, attempts = attempts - %s,
                next_attempt_at = clock_timestamp() + make_interval(secs => %s)
            WHERE id = ANY(%s) AND state = 'running'
            """,
            [code, message, 0 if spend else 1, delay, ids],
        )


def suspect(claims: Iterable[Claim], *, delay: float = 0.0) -> int:
    """Put jobs back at which an engine died; those at which it did so for the last time have failed.

    No attempt is spent. Call inside ``fenced``. Returns how many have failed.
    """
    claims = list(claims)
    killers = [held for held in claims if held.deaths + 1 >= MAX_DEATHS]
    for held in killers:
        fail(held, ENGINE_DIED, f"The model's server died {LAST_DEATH}; look at its log for why.")
    postpone(claims, ENGINE_DIED, "The model's server died while at it.", delay=delay)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE arena_job SET deaths = deaths + 1 WHERE id = ANY(%s)", [[held.id for held in claims]]
        )
    return len(killers)


def postpone_pending(kind: str, owner: int, code: str, message: str, *, delay: float) -> int:
    """Put all that waits for an owner aside for ``delay`` seconds, or for as long as it has to wait anyway.

    Nothing of it can be done before. Returns how many could have been claimed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, coalesce(next_attempt_at, '-infinity') AS wanted FROM arena_job
                WHERE kind = %s AND owner = %s AND state = 'pending' ORDER BY id FOR UPDATE
            ), put_aside AS (
                UPDATE arena_job SET error_code = %s, error = %s,
                    next_attempt_at = greatest(wanted, clock_timestamp() + make_interval(secs => %s))
                FROM waiting WHERE arena_job.id = waiting.id
            )
            SELECT count(*) FROM waiting WHERE wanted <= clock_timestamp()
            """,
            [kind, owner, code, message, delay],
        )
        return int(cursor.fetchone()[0])


def drop(claims: Iterable[Claim]) -> None:
    """Delete jobs that need not be done any more. Call inside ``fenced``."""
    Job.objects.filter(id__in=[held.id for held in claims]).delete()


def give_back(claims: Iterable[Claim]) -> None:
    """Return those of the jobs that neither ended nor were taken over, as if they had not been claimed."""
    tokens = {held.token for held in claims}
    _give_back(Job.objects.filter(id__in=[held.id for held in claims], token__in=tokens))


def give_back_of(worker: str) -> int:
    """Return what a worker of this name left running: for its start, when it is known to have ended."""
    running = Job.objects.filter(worker=worker, state=Job.State.RUNNING)
    return running.update(state=Job.State.PENDING, token=None, lease_until=None, deaths=F("deaths") + 1)


def give_back_all(kind: str, owner: int) -> int:
    """Take an owner's running jobs from whoever holds them: what they store for these is refused."""
    return _give_back(Job.objects.filter(kind=kind, owner=owner))


def _give_back(jobs: QuerySet[Job]) -> int:
    return jobs.filter(state=Job.State.RUNNING).update(
        state=Job.State.PENDING, token=None, lease_until=None, attempts=F("attempts") - 1
    )


def retry_failed(kind: str, owner: int) -> int:
    """``try_again`` for all jobs of a kind and owner."""
    return try_again(Job.objects.filter(kind=kind, owner=owner))


def try_again(jobs: QuerySet[Job]) -> int:
    """Give failed jobs a fresh set of attempts, and postponed ones theirs at once. Returns how many.

    What went wrong stays written on them until they end.
    """
    again = jobs.filter(Q(state=Job.State.FAILED) | Q(state=Job.State.PENDING, next_attempt_at__isnull=False))
    return again.update(
        state=Job.State.PENDING,
        attempts=0,
        deaths=0,
        token=None,
        lease_until=None,
        next_attempt_at=None,
        finished_at=None,
    )


@contextmanager
def keep_alive(claims: list[Claim], lease: float) -> Iterator[None]:
    """Extend the leases every third of their time, from a thread with a connection of its own.

    ``claims`` may grow while the block runs.
    """
    done = threading.Event()

    def extend() -> None:
        try:
            while not done.wait(lease / 3):
                _extend({held.token for held in list(claims)}, lease)
        finally:
            connection.close()

    thread = threading.Thread(target=extend, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _extend(tokens: set[uuid.UUID], lease: float) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE arena_job SET lease_until = clock_timestamp() + make_interval(secs => %s) "
                "WHERE token = ANY(%s) AND state = 'running'",
                [lease, list(tokens)],
            )
    except Exception:  # the database may be restarting; the next beat tries again with a fresh connection
        log.warning("could not extend %d leases", len(tokens), exc_info=True)
        connection.close()
