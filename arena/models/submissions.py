"""Submissions: one competitor's entry to one benchmark, and where its answers come from."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.urls import reverse

from arena.models.answers import Competitor
from arena.models.hosts import HostModel
from arena.models.jobs import ANSWER, Job

TURNS = (F("priority").desc(), F("turn_at").asc(nulls_first=True), "id")


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def answering(self, now: datetime) -> "SubmissionQuerySet":
        """Those whose model may be asked now, in the order in which they get their turns."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        mine = self.filter(due, state__in=Submission.ASKED, benchmark__is_open=True)
        mine = mine.filter(competitor__withdrawn_at=None)
        return mine.select_related("competitor", "benchmark", "host_model").take_turns()

    def take_turns(self) -> "SubmissionQuerySet":
        """By priority, those first that were not asked for longest: so all share the workers."""
        return self.order_by(*TURNS)

    def before(self, submission: "Submission") -> "SubmissionQuerySet":
        """Those whose turn comes before this one's."""
        sooner = Q(turn_at=submission.turn_at, pk__lt=submission.pk)
        if submission.turn_at:
            sooner |= Q(turn_at=None) | Q(turn_at__lt=submission.turn_at)
        level = Q(priority=submission.priority) & sooner
        return self.filter(Q(priority__gt=submission.priority) | level)

    def in_queue(self) -> "SubmissionQuerySet":
        """All whose model is to be asked, now or later, in the order in which they get their turns."""
        mine = self.filter(state__in=Submission.MOVING, benchmark__is_open=True)
        mine = mine.filter(competitor__withdrawn_at=None)
        return mine.select_related("competitor", "benchmark", "host_model").take_turns()

    def received(self, now: datetime) -> "SubmissionQuerySet":
        """Those whose repository may be looked at now."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        return self.filter(due, state=Submission.State.RECEIVED).order_by("id")

    def moving(self) -> "SubmissionQuerySet":
        """Those that go on by themselves, up to their last answer."""
        return self.filter(state__in=Submission.MOVING)

    def sent_by(self, user: Any) -> "SubmissionQuerySet":
        """What a person sent, the latest first."""
        return self.filter(submitter=user).select_related("competitor", "benchmark").order_by("-id")


class Submission(models.Model):
    """One competitor's entry to one benchmark and its progress.

    Only what this row itself went through is stored; "judging" and "rated" follow from downstream rows.
    While it moves, ``cause`` and ``message`` say why it waits, if it does. Each time belongs to a step:
    ``tried_at`` is the end of the dry run, ``queued_at`` when the rest was let go on, ``begun_at`` when a
    worker first asked after that, ``ended_at`` when it failed or was cancelled.
    """

    class Kind(models.TextChoices):
        RECORDED = "recorded", "Recorded answers"
        ENDPOINT = "endpoint", "OpenAI-compatible endpoint"
        HOST = "host", "Model served by vLLM here"

    class State(models.TextChoices):
        RECEIVED = "received", "Received"  # its repository is looked at before anything else
        DRY_RUN = "dry_run", "Dry run"  # its first prompts are asked, then shown, before the rest
        ANSWERING = "answering", "Generating"  # queued, or a worker asks its model; see ``stage``
        ANSWERED = "answered", "Pairing"  # every answer is stored; recorded answers begin here
        PAIRED = "paired", "Paired"  # its matches exist
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"  # by its sender, or with its model

    ASKED = (State.DRY_RUN, State.ANSWERING)  # in which a worker asks its model
    MOVING = (State.RECEIVED, *ASKED)  # from which it goes on by itself, fails, or is cancelled
    COMPLETE = (State.ANSWERED, State.PAIRED)  # whose answers others may meet
    ENDED = (State.FAILED, State.CANCELLED)  # after which it can be tried again, or gives way

    competitor = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="submissions")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="submissions")
    submitter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.RECORDED)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ANSWERED)
    dry_run = models.BooleanField(default=False, help_text="Whether its first answers are shown first.")
    cause = models.CharField(max_length=40, blank=True, help_text="Code of the failure.")
    message = models.TextField(blank=True, help_text="The failure in a sentence, with the next step.")
    filename = models.CharField(max_length=255, blank=True)
    host_model = models.ForeignKey(
        "arena.HostModel", models.RESTRICT, null=True, blank=True, related_name="submissions"
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Runs in a row without one answer.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    priority = models.SmallIntegerField(default=0, help_text="The highest is asked first.")
    turn_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a worker last began to ask its model."
    )
    received_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When its repository was looked at.")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="When its dry run had ended.")
    queued_at = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    paired_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it failed or was cancelled.")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["competitor", "benchmark"], name="one_entry_per_benchmark"),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="submission_answering", condition=Q(state__in=["dry_run", "answering"])
            ),
            models.Index(fields=["id"], name="submission_received", condition=Q(state="received")),
            models.Index(
                fields=["-id"],
                name="submission_failed",
                condition=Q(state="failed") & ~Q(kind="recorded"),
            ),
            models.Index(
                *TURNS, name="submission_turns", condition=Q(state__in=["received", "dry_run", "answering"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.competitor} on {self.benchmark}"

    def get_absolute_url(self) -> str:
        return reverse("submission", args=[self.pk])

    @property
    def stage(self) -> str:
        """Its state in the words of the pages; queued and generating are one to the workers."""
        if self.state == self.State.ANSWERING and self.begun_at is None:
            return "Queued"
        return self.get_state_display()

    def fail(self, cause: str, message: str) -> bool:
        """End it for now; its submitter may try again. Returns whether it was going on till now."""
        return self._end(self.State.FAILED, cause, message)

    def cancel(self, cause: str, message: str) -> bool:
        """End it as somebody wishes; it may be tried again. Returns whether it was going on till now."""
        return self._end(self.State.CANCELLED, cause, message)

    def postpone(self, cause: str, message: str, *, until: datetime) -> None:
        """Look at it, or ask its model, again at a later time."""
        self._move(cause=cause, message=message, next_attempt_at=until, attempts=self.attempts + 1)

    def note_checked(self, host_model: Any, now: datetime) -> None:
        """Its repository can be served, as this model: it is tried, or queued."""
        self._move(host_model=host_model, checked_at=now, **self.ready(self.dry_run, now))

    @classmethod
    def ready(cls, dry_run: bool, now: datetime) -> dict[str, object]:
        """What stands on a row whose model may be asked from now on."""
        fresh = {"cause": "", "message": "", "next_attempt_at": None, "attempts": 0}
        if dry_run:
            return {"state": cls.State.DRY_RUN, **fresh}
        return {"state": cls.State.ANSWERING, "queued_at": now, **fresh}

    def note_begun(self) -> None:
        """A worker asks its model, for the first time since it was queued. The clock is the database's."""
        if self.begun_at is None and self.state == self.State.ANSWERING:
            mine = Submission.objects.filter(pk=self.pk, state=self.State.ANSWERING, begun_at=None)
            mine.update(begun_at=Now())

    def note_answer(self) -> None:
        """Its model answers: what kept it waiting is over."""
        if self.attempts or self.cause:
            self._move(cause="", message="", next_attempt_at=None, attempts=0)

    def note_tried(self, now: datetime) -> bool:
        """Its dry run is over: its answers wait for a word, or for their time."""
        trial = Submission.objects.filter(pk=self.pk, state=self.State.DRY_RUN, tried_at=None)
        return bool(trial.update(tried_at=now, cause="", message="", next_attempt_at=None, attempts=0))

    def _end(self, state: str, cause: str, message: str) -> bool:
        return self._move(state=state, cause=cause, message=message, next_attempt_at=None, ended_at=Now())

    def _move(self, **fields: object) -> bool:
        """Change what still moves. A worker's copy may be old, so only what is named changes."""
        moving = Submission.objects.filter(pk=self.pk, state__in=self.MOVING)
        if not moving.update(**fields):
            return False
        self.refresh_from_db(fields=list(fields))
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


def latest_submission(competitor: Competitor) -> Submission | None:
    """The one whose form is filled in anew for other settings."""
    return competitor.submissions.select_related("benchmark", "host_model").order_by("-id").first()


def settings_of(submission: Submission) -> dict[str, Any]:
    """What was said in the form of a submission, by the form's names; never a key, nor the model's name."""
    competitor = submission.competitor
    said = {"benchmark": submission.benchmark.slug, "organisation": competitor.organisation}
    if submission.kind == Submission.Kind.ENDPOINT:
        said |= {"base_url": submission.endpoint.base_url, "model": submission.endpoint.model}
    if submission.host_model:
        said |= {name: getattr(submission.host_model, name) for name in HostModel.SETTINGS}
    return {**said, **competitor.sampling}


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
