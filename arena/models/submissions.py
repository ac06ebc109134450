"""Submissions: one competitor's entry to one benchmark, and where its answers come from."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.urls import reverse

from arena.models.jobs import ANSWER, Job


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def answering(self, now: datetime) -> "SubmissionQuerySet":
        """Those whose model may be asked now, those that waited longest first."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        mine = self.filter(due, state=Submission.State.ANSWERING, benchmark__is_open=True)
        mine = mine.filter(competitor__withdrawn_at=None)
        return mine.select_related("competitor", "benchmark", "host_model").order_by("id")

    def received(self, now: datetime) -> "SubmissionQuerySet":
        """Those whose repository may be looked at now."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        return self.filter(due, state=Submission.State.RECEIVED).order_by("id")

    def sent_by(self, user: Any) -> "SubmissionQuerySet":
        """What a person sent, the latest first."""
        return self.filter(submitter=user).select_related("competitor", "benchmark").order_by("-id")


class Submission(models.Model):
    """One competitor's entry to one benchmark and its progress.

    Only what this row itself went through is stored; "judging" and "rated" follow from downstream rows.
    While it is answering, ``cause`` and ``message`` say why it waits, if it does.
    """

    class Kind(models.TextChoices):
        RECORDED = "recorded", "Recorded answers"
        ENDPOINT = "endpoint", "OpenAI-compatible endpoint"
        HOST = "host", "Model served by vLLM here"

    class State(models.TextChoices):
        RECEIVED = "received", "Received"  # its repository is looked at before it is queued
        ANSWERING = "answering", "Answering"  # a worker asks its model; recorded answers begin beyond this
        ANSWERED = "answered", "Answered"  # every answer is stored
        PAIRED = "paired", "Paired"  # its matches exist
        FAILED = "failed", "Failed"

    MOVING = (State.RECEIVED, State.ANSWERING)  # from which it goes on by itself, fails, or is stopped

    competitor = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="submissions")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="submissions")
    submitter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.RECORDED)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ANSWERED)
    cause = models.CharField(max_length=40, blank=True, help_text="Code of the failure.")
    message = models.TextField(blank=True, help_text="The failure in a sentence, with the next step.")
    filename = models.CharField(max_length=255, blank=True)
    host_model = models.ForeignKey(
        "arena.HostModel", models.RESTRICT, null=True, blank=True, related_name="submissions"
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Runs in a row without one answer.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When its repository was looked at.")
    answered_at = models.DateTimeField(null=True, blank=True)
    paired_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["competitor", "benchmark"], name="one_entry_per_benchmark"),
        ]
        indexes = [
            models.Index(fields=["id"], name="submission_answering", condition=Q(state="answering")),
            models.Index(fields=["id"], name="submission_received", condition=Q(state="received")),
        ]

    def __str__(self) -> str:
        return f"{self.competitor} on {self.benchmark}"

    def get_absolute_url(self) -> str:
        return reverse("submission", args=[self.pk])

    def fail(self, cause: str, message: str) -> bool:
        """End it for now; its submitter may try again. Returns whether it was going on till now."""
        return self._move(self.State.FAILED, cause=cause, message=message, next_attempt_at=None)

    def postpone(self, cause: str, message: str, *, until: datetime) -> None:
        """Look at it, or ask its model, again at a later time."""
        attempts = self.attempts + 1
        self._move(self.state, cause=cause, message=message, next_attempt_at=until, attempts=attempts)

    def note_checked(self, host_model: Any, now: datetime) -> None:
        """Its repository can be served, as this model: it is queued."""
        fresh = {"cause": "", "message": "", "next_attempt_at": None, "attempts": 0}
        self._move(self.State.ANSWERING, host_model=host_model, checked_at=now, **fresh)

    def note_answer(self) -> None:
        """Its model answers: what kept it waiting is over."""
        if self.attempts or self.cause:
            self._move(self.State.ANSWERING, cause="", message="", next_attempt_at=None, attempts=0)

    def _move(self, state: str, **fields: object) -> bool:
        moving = Submission.objects.filter(pk=self.pk, state__in=self.MOVING)
        if not moving.update(state=state, **fields):
            return False
        self.state = state
        for name, value in fields.items():
            setattr(self, name, value)
        return True


class Endpoint(models.Model):
    """The OpenAI-compatible server that answers for a submission.

    ``sealed_key`` is the API key, encrypted; pages know its last four characters alone.
    """

    submission = models.OneToOneField(Submission, models.CASCADE, related_name="endpoint")
    base_url = models.CharField(max_length=300)
    model = models.CharField(max_length=200)
    sealed_key = models.TextField(blank=True, editable=False)
    key_ending = models.CharField(max_length=4, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.model} at {self.base_url}"


class AnsweringProgress(NamedTuple):
    """How far a submission's model is with its prompts."""

    total: int
    done: int
    failed: int
    recent: int  # prompts that ended in the last minute
    running: int  # prompts that a worker is at

    @property
    def ended(self) -> int:
        return self.done + self.failed


def answering_progress(submission: Submission, *, now: datetime) -> AnsweringProgress:
    """Count the jobs of a submission whose model answers here."""
    jobs = Job.objects.filter(kind=ANSWER, owner=submission.pk)
    return AnsweringProgress(
        **jobs.aggregate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state=Job.State.DONE)),
            failed=Count("pk", filter=Q(state=Job.State.FAILED)),
            recent=Count("pk", filter=Q(finished_at__gte=now - timedelta(minutes=1))),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
        )
    )
