"""The dry run: a few prompts are answered and shown to the sender before the model is asked the rest."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from arena import jobs
from arena.models import Answer, Job, Prompt, Submission
from arena.models.jobs import ANSWER

PROMPTS = 3


def plan_answers(submission: Submission) -> None:
    """A job for each prompt; until it may go on, for those of its dry run alone. Repeats are harmless."""
    prompts = submission.benchmark.prompts.order_by("pk")
    if submission.dry_run and submission.queued_at is None:
        jobs.enqueue(ANSWER, submission.pk, _telling(prompts))
    else:
        jobs.enqueue(ANSWER, submission.pk, prompts.values_list("pk", flat=True))


def _telling(prompts: QuerySet[Prompt]) -> list[int]:
    """One with images and one with several turns, if there are; the first, the last and the one between.

    What a server refuses is mostly a kind of prompt, and a benchmark is often sorted by kind.
    """
    keys = list(prompts.values_list("pk", flat=True))
    if not keys:
        return []
    seen = prompts.exclude(images=[]).values_list("pk", flat=True).first()
    long = prompts.filter(turns__1__isnull=False).values_list("pk", flat=True).first()
    wanted = [seen, long, keys[0], keys[-1], keys[(len(keys) - 1) // 2]]
    return sorted(list(dict.fromkeys(key for key in wanted if key is not None))[:PROMPTS])


def go_on(submission: Submission, now: datetime) -> bool:
    """End the dry run and queue the rest; what was answered is kept. Returns whether it was in one."""
    with transaction.atomic():
        trial = Submission.objects.filter(pk=submission.pk, state=Submission.State.DRY_RUN)
        if not trial.update(**Submission.ready(False, now)):
            return False
        submission.refresh_from_db()
        plan_answers(submission)
        jobs.retry_failed(ANSWER, submission.pk)  # a prompt that failed alone gets another chance
        return True


def close_dry_runs(now: datetime, *, seconds: int) -> None:
    """End dry runs that have nothing left to ask, and let go on those that were shown for ``seconds``."""
    waiting = Job.objects.unfinished().filter(kind=ANSWER, owner=OuterRef("pk"))
    trials = Submission.objects.filter(state=Submission.State.DRY_RUN).select_related("benchmark")
    for submission in trials.filter(tried_at=None).exclude(Exists(waiting)):
        _close(submission, now)
    for submission in trials.filter(tried_at__lte=now - timedelta(seconds=seconds), benchmark__is_open=True):
        go_on(submission, now)


def _close(submission: Submission, now: datetime) -> None:
    if Answer.objects.filter(submission=submission).exists():
        submission.note_tried(now)
        return
    worst = jobs.commonest_failure(ANSWER, submission.pk)
    if worst is None:  # its prompts were deleted
        go_on(submission, now)
        return
    submission.fail(worst.code, f"No prompt of the dry run has an answer: {worst.message}")
