"""What the queue of record is doing, for those who look at it and those who operate it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, models
from django.db.models import Q

COUNTED = 10_000  # jobs of one owner under way that a page counts; beyond, it says "more than"
COUNTED_WAITING = 1_000  # the same of those that wait, of which there may be many
KEPT = timedelta(days=1)  # runs that are over, for their rates


class Queue(models.Model):
    """The one row that says whether the whole queue is paused."""

    paused_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="Why, for everybody to read.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_queue")]

    def __str__(self) -> str:
        return "paused" if self.paused_at else "open"

    @classmethod
    def read(cls) -> "Queue":
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class Run(models.Model):
    """One worker's work on one owner's jobs, with its pace: ``ended`` jobs from ``since`` to ``seen_at``.

    Work that goes on within a minute of the last is the same run.
    """

    worker = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    owner = models.BigIntegerField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended = models.PositiveIntegerField(default=0)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "kind", "owner"], name="run_once")]
        indexes = [models.Index(fields=["-seen_at", "-id"], name="run_latest")]

    def __str__(self) -> str:
        return f"{self.worker}: {self.kind} {self.owner}"

    @property
    def rate(self) -> float:
        """Jobs a second; 0 while nothing is known."""
        return self.ended / max((self.seen_at - self.since).total_seconds(), 1.0)

    @classmethod
    def begin(cls, worker: str, kind: str, owner: int) -> "Run":
        """Note that a worker begins, or goes on."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO arena_run AS run (worker, kind, owner, since, seen_at, ended, is_open)
                VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp(), 0, true)
                ON CONFLICT (worker, kind, owner) DO UPDATE SET is_open = true, seen_at = clock_timestamp(),
                    since = CASE WHEN run.seen_at > clock_timestamp() - interval '1 minute'
                        THEN run.since ELSE clock_timestamp() END,
                    ended = CASE WHEN run.seen_at > clock_timestamp() - interval '1 minute'
                        THEN run.ended ELSE 0 END
                RETURNING id
                """,
                [worker, kind, owner],
            )
            return cls(pk=cursor.fetchone()[0], worker=worker, kind=kind, owner=owner)

    def note(self, ended: int, *, is_open: bool = True) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE arena_run SET ended = ended + %s, is_open = %s, seen_at = clock_timestamp() "
                "WHERE id = %s",
                [ended, is_open, self.pk],
            )


class Left(NamedTuple):
    """Jobs of an owner that did not end yet; ``is_more`` when there are more than were counted."""

    jobs: int = 0
    is_more: bool = False


def jobs_left(kind: str, owners: Iterable[int], *, most: int = COUNTED) -> dict[int, Left]:
    """How much each owner waits for, counted up to ``most``."""
    counts = _count(kind, owners, most, "AND state IN ('pending', 'running')")
    return {owner: Left(min(number, most), number > most) for owner, number in counts}


def jobs_of(kind: str, owners: Iterable[int]) -> dict[int, int]:
    """All jobs of each owner, ended ones too, up to one more than COUNTED."""
    return dict(_count(kind, owners, COUNTED, ""))


def _count(kind: str, owners: Iterable[int], most: int, only: str) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT owner, (SELECT count(*) FROM (
                SELECT FROM arena_job WHERE kind = %s AND arena_job.owner = wanted.owner {only} LIMIT %s
            ) capped) FROM unnest(%s::bigint[]) AS wanted (owner)
            """,  # noqa: S608 -- no word of it comes from outside
            [kind, most + 1, list(owners)],
        )
        return cursor.fetchall()


def owners_waiting(kind: str) -> list[int]:
    """Owners with jobs of a kind that did not end: one look into the index for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE found AS (
                SELECT min(owner) AS owner FROM arena_job
                WHERE kind = %(kind)s AND state IN ('pending', 'running')
                UNION ALL
                SELECT (SELECT min(owner) FROM arena_job WHERE kind = %(kind)s AND owner > found.owner
                    AND state IN ('pending', 'running')) FROM found
                WHERE owner IS NOT NULL
            )
            SELECT owner FROM found WHERE owner IS NOT NULL
            """,
            {"kind": kind},
        )
        return [owner for (owner,) in cursor.fetchall()]


def database_now() -> datetime:
    """The clock by which workers report; hosts may differ."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
