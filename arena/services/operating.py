"""What operators do to the queue. Each act is written into the history that the admin shows."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from arena import jobs
from arena.models import HostWorker, Queue, Submission
from arena.models.jobs import ANSWER
from arena.services.submissions import retry_submission

FURTHEST = 9  # priorities lie between this below and above zero


def pause_queue(user: Any, note: str) -> str:
    """Let no worker claim anything new; returns what was done, as a sentence."""
    queue, _ = Queue.objects.get_or_create(pk=1)
    if queue.paused_at:
        return "The queue was paused already."
    Queue.objects.filter(pk=1).update(paused_at=Now(), note=note[:200])
    return _told(user, queue, "The queue is paused: workers finish what they have in hand.", note)


def resume_queue(user: Any, note: str) -> str:
    queue, _ = Queue.objects.get_or_create(pk=1)
    if not queue.paused_at:
        return "The queue was not paused."
    Queue.objects.filter(pk=1).update(paused_at=None, note="")
    return _told(user, queue, "The queue goes on.", note)


WORDS = {
    HostWorker.Control.WORKS: "{} works again.",
    HostWorker.Control.PAUSED: "{} is paused: it finishes what it has in hand and keeps its model.",
    HostWorker.Control.DRAINED: "{} is drained: it finishes what it has in hand and unloads its model.",
}


def control_worker(user: Any, worker: HostWorker, control: str, note: str) -> str:
    """Tell a worker to work, pause or drain. It hears it within seconds, and after a restart as well."""
    if worker.control == control:
        return f"{worker.name} was told so already."
    HostWorker.objects.filter(pk=worker.pk).update(control=control)
    return _told(user, worker, WORDS[HostWorker.Control(control)].format(worker.name), note)


def move_submission(user: Any, submission: Submission, step: int, note: str) -> str:
    """Raise or lower its priority by a step."""
    priority = max(-FURTHEST, min(submission.priority + step, FURTHEST))
    if priority == submission.priority:
        return f"{submission.competitor} cannot go further."
    Submission.objects.filter(pk=submission.pk).update(priority=priority)
    return _told(user, submission, f"{submission.competitor} has priority {priority:+d} now.", note)


def requeue_submission(user: Any, submission: Submission, note: str) -> str:
    """Give its work back, or try it again when it has failed.

    What a worker is doing for it at this moment is refused when it comes, and done anew.
    """
    name = submission.competitor
    if submission.state == Submission.State.FAILED and retry_submission(
        submission, now=timezone.now(), counts=False
    ):
        return _told(user, submission, f"{name} is tried again.", note)
    with transaction.atomic():
        going = Submission.objects.filter(pk=submission.pk, state__in=Submission.ASKED)
        if not going.update(next_attempt_at=None, attempts=0, cause="", message=""):
            return f"{name} has nothing in the queue."
        number = jobs.give_back_all(ANSWER, submission.pk)
        jobs.retry_failed(ANSWER, submission.pk)
    words = f"{name}: {number} prompt{'' if number == 1 else 's'} given back, and asked again."
    return _told(user, submission, words, note)


def _told(user: Any, row: models.Model, words: str, note: str) -> str:
    message = f"{words} {note}".strip()
    LogEntry.objects.log_actions(user.pk, [row], CHANGE, change_message=message, single_object=True)
    return words
