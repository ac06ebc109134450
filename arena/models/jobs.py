"""The queue of record: one row a unit of work. Claiming and finishing live in ``arena.jobs``."""

from django.db import models
from django.db.models import DateTimeField, Q, Value
from django.db.models.functions import Cast, Coalesce

ANSWER = "answer"  # the kind whose owner is a submission and whose subject is a prompt
ENGINE_DIED = "engine_died"  # the code of a job whose server died, while its worker went on


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> "JobQuerySet":
        return self.filter(state__in=[Job.State.PENDING, Job.State.RUNNING])


class Job(models.Model):
    """A unit of work of one kind on one subject, for one owner (for judging: the match, for the judge).

    A running job carries the fencing ``token`` of its claim; whoever finishes it must hold that token.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    kind = models.CharField(max_length=20)
    owner = models.BigIntegerField()
    subject = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often its worker or its model's server died while at it."
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, null=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "owner", "subject"], name="job_once")]
        indexes = [
            models.Index(
                fields=["kind", "owner", "id"],
                name="job_unfinished",
                condition=Q(state__in=["pending", "running"]),
            ),
            models.Index(
                "kind",
                "owner",
                Coalesce("next_attempt_at", Cast(Value("-infinity"), DateTimeField())),
                "id",
                name="job_pending",
                condition=Q(state="pending"),
            ),
            models.Index(
                fields=["kind", "owner", "lease_until"], name="job_leases", condition=Q(state="running")
            ),
            models.Index(
                fields=["kind", "owner", "deaths"],
                name="job_suspects",
                condition=Q(state="pending", deaths__gt=0),
            ),
            models.Index(fields=["kind", "owner", "id"], name="job_failed", condition=Q(state="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner}/{self.subject}: {self.state}"
