"""How far a submission's model is with its prompts: its pace, its worker, and what stands before it."""

from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery, Sum

from arena.models.answers import Answer
from arena.models.hosts import HostWorker
from arena.models.jobs import ANSWER, ENGINE_DIED, Job
from arena.models.submissions import Submission

RECENT = timedelta(minutes=1)
READ = 2000  # answers that a page reads for its pace
MEASURED, MEASURED_FOR = 20, timedelta(days=30)  # submissions from which a pace is measured, and their age
MEASURED_KEPT = 15  # seconds; pages share it, and one that waits asks every two seconds
NAMED = 3  # of those ahead


class Pace(NamedTuple):
    """Answers and tokens a second; the tokens are None where the server does not count them."""

    answers: float
    tokens: float | None


def pace_of(submission: Submission, *, now: datetime) -> Pace | None:
    """How fast a submission's model answered in the last minute, or since it began.

    Jobs are read for that: their times are the database's, whatever clock a worker has.
    """
    since = max(now - RECENT, submission.begun_at or submission.checked_at or submission.received_at)
    done = Job.objects.filter(kind=ANSWER, owner=submission.pk, state=Job.State.DONE, finished_at__gte=since)
    rows = list(done.order_by("-finished_at").values_list("subject", "finished_at")[:READ])
    if not rows:
        return None
    # Where more came than are read, the time is that of those which were.
    first = rows[-1][1] if len(rows) == READ else since
    seconds = max((now - (first or since)).total_seconds(), 1.0)
    answers = Answer.objects.filter(submission=submission, prompt__in=[subject for subject, _ in rows])
    found = answers.aggregate(tokens=Sum("tokens_out"), unknown=Count("pk", filter=Q(tokens_out=None)))
    tokens = None if found["unknown"] or found["tokens"] is None else found["tokens"] / seconds
    return Pace(len(rows) / seconds, tokens)


class Held(NamedTuple):
    """Prompts that a worker holds. ``until`` is its lease's end, which each sign of life moves on."""

    worker: str
    prompts: int
    until: datetime


def held_by(submission: Submission) -> list[Held]:
    """Who is at a submission's prompts, the one that was heard of last first."""
    running = Job.objects.filter(kind=ANSWER, owner=submission.pk, state=Job.State.RUNNING)
    rows = running.exclude(lease_until=None).values("worker")
    rows = rows.annotate(prompts=Count("pk"), until=Max("lease_until")).order_by("-until")
    return [Held(**row) for row in rows]


def sent_back(submission: Submission) -> int:
    """Prompts whose worker went silent beyond its lease, and which did not end yet.

    Where a server died and its worker did not, the code says so.
    """
    mine = Job.objects.unfinished().filter(kind=ANSWER, owner=submission.pk, deaths__gt=0)
    return mine.exclude(error_code=ENGINE_DIED).count()


class Ahead(NamedTuple):
    """What is asked before a submission: how many, their models' names (a few), and their open prompts."""

    submissions: int
    names: list[str]
    prompts: int


def ahead_of(submission: Submission, *, now: datetime) -> Ahead:
    """Those of the same kind that a worker is at, or whose turn comes first.

    Who waits for a person or a time is not among them.
    """
    alike = Submission.objects.answering(now).filter(kind=submission.kind).exclude(pk=submission.pk)
    alike = alike.exclude(state=Submission.State.DRY_RUN, tried_at__isnull=False)
    running = Job.objects.filter(kind=ANSWER, owner=OuterRef("pk"), state=Job.State.RUNNING)
    others = alike.filter(Exists(running)) | alike.before(submission)
    keys = list(others.values_list("pk", flat=True))
    names = list(others.values_list("competitor__name", flat=True)[:NAMED])
    prompts = Job.objects.unfinished().filter(kind=ANSWER, owner__in=keys).count() if keys else 0
    return Ahead(len(keys), names, prompts)


class Measured(NamedTuple):
    """Prompts a second of the middle one of so many models."""

    prompts: float
    models: int


def measured_pace(kind: str, *, now: datetime) -> Measured | None:
    """How fast models of a kind were answered here lately, from begin to end; None while none was."""
    key = f"measured-pace:{kind}"
    found = cache.get(key)
    if found is None:
        found = _measure(kind, now)
        cache.set(key, found, MEASURED_KEPT)
    return found


def _measure(kind: str, now: datetime) -> Measured | None:
    over = Submission.objects.filter(kind=kind, begun_at__isnull=False, answered_at__gt=now - MEASURED_FOR)
    latest = list(over.order_by("-answered_at").values_list("pk", flat=True)[:MEASURED])
    begun = Submission.objects.filter(pk=OuterRef("owner")).values("begun_at")
    done = Job.objects.filter(kind=ANSWER, owner__in=latest, state=Job.State.DONE)
    since = done.annotate(begun=Subquery(begun)).filter(finished_at__gte=F("begun"))
    rows = since.values("owner", "begun").annotate(number=Count("pk"), end=Max("finished_at"))
    paces = [row["number"] / max((row["end"] - row["begun"]).total_seconds(), 1.0) for row in rows]
    return Measured(median(paces), len(paces)) if paces else None


def workers_of_models(now: datetime) -> list[HostWorker]:
    """Workers with vLLM that are there, the one seen last first."""
    return list(HostWorker.objects.seen(now).select_related("host_model").order_by("-seen_at"))
