"""What a person has used of this arena lately."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Exists, Max, OuterRef, Q, Sum

from arena.models.answers import Answer
from arena.models.submissions import Submission

# Causes of failures that are the arena's own or its operators'.
OURS = ("worker_died", "closed", "key_unreadable", "hub_out_of_reach")


class Spent(models.Model):
    """What a submission that gave way to another had cost its sender: that goes on counting."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="spent")
    at = models.DateTimeField(help_text="When the submission was received.")
    counts = models.BooleanField(help_text="Whether it counts as one of the day's submissions.")
    tokens = models.PositiveBigIntegerField(default=0)
    tokens_at = models.DateTimeField(null=True, blank=True, help_text="Of its last answer.")

    class Meta:
        verbose_name_plural = "spent"
        indexes = [models.Index(fields=["user", "at"], name="spent_lately")]

    def __str__(self) -> str:
        return f"{self.user}: {self.tokens} tokens"

    @classmethod
    def note(cls, submission: Submission) -> None:
        """Keep what a submission cost; call it before it is deleted."""
        if submission.submitter_id is None:
            return
        tokens, at = _tokens(Answer.objects.filter(submission=submission))
        counts = counting(Submission.objects.filter(pk=submission.pk)).exists()
        row = cls(user_id=submission.submitter_id, at=submission.received_at, counts=counts)
        row.tokens, row.tokens_at = tokens, at
        row.save()


class Use(NamedTuple):
    """How much, and when."""

    at: datetime
    amount: int


def counting(submissions: models.QuerySet[Submission]) -> models.QuerySet[Submission]:
    """Those that count as submissions of their day.

    Neither do those that failed on our side, or without one answer, nor those that ended in their dry run.
    """
    answered = Exists(Answer.objects.filter(submission=OuterRef("pk")))
    failed = Q(state=Submission.State.FAILED)
    on_our_side = failed & (Q(kind=Submission.Kind.HOST) | Q(cause__in=OURS) | ~answered)
    not_queued = Q(state__in=Submission.ENDED, queued_at=None)
    return submissions.exclude(on_our_side | not_queued)


def running_of(user: Any) -> models.QuerySet[Submission]:
    """A person's submissions that move."""
    return Submission.objects.moving().filter(submitter=user)


def submissions_since(user: Any, since: datetime, but: int = 0) -> list[Use]:
    """A person's submissions that count, except one, in the order of time."""
    mine = counting(Submission.objects.filter(submitter=user, received_at__gt=since)).exclude(pk=but)
    gone = Spent.objects.filter(user=user, at__gt=since, counts=True)
    times = [*mine.values_list("received_at", flat=True), *gone.values_list("at", flat=True)]
    return [Use(at, 1) for at in sorted(times)]


def tokens_since(user: Any, since: datetime) -> list[Use]:
    """Tokens that a person's models generated, those of a submission at its last answer, in order of time."""
    return sorted(_tokens_since(user, since))


def _tokens_since(user: Any, since: datetime) -> Iterator[Use]:
    recent = Submission.objects.filter(submitter=user).exclude(kind=Submission.Kind.RECORDED)
    recent = recent.filter(Q(answered_at=None) | Q(answered_at__gt=since)).filter(
        Q(ended_at=None) | Q(ended_at__gt=since)
    )
    for submission in recent:
        tokens, at = _tokens(Answer.objects.filter(submission=submission, created_at__gt=since))
        if at:
            yield Use(at, tokens)
    for spent in Spent.objects.filter(user=user, tokens_at__gt=since):
        if spent.tokens_at:
            yield Use(spent.tokens_at, spent.tokens)


def _tokens(answers: models.QuerySet[Answer]) -> tuple[int, datetime | None]:
    found = answers.order_by().aggregate(tokens=Sum("tokens_out"), at=Max("created_at"))
    return found["tokens"] or 0, found["at"]
