"""Celery's doors to the arena. Safe to run twice, and at once."""

import time

from celery import shared_task
from django.db.models.functions import Now
from django.utils import timezone

from arena import brake, jobs, turns
from arena.models import Submission
from arena.models.jobs import ANSWER
from arena.services import answering, checking, workers
from arena.services.rendering import render_pending

ANSWERS_AT_ONCE = 500
TURN = 20.0  # seconds after which one run asks nothing new and makes room for other submissions
SLOTS = 2  # submissions that one host asks at a time: slow endpoints may not take every process of its worker


@shared_task(name="arena.tasks.render_answers")
def render_answers() -> int:
    return render_pending(ANSWERS_AT_ONCE)


@shared_task(name="arena.tasks.check_received")
def check_received() -> int:
    """Look at repositories of models that were submitted."""
    return checking.check_received()


@shared_task(name="arena.tasks.answer_pending")
def answer_pending() -> None:
    """Ask submitted endpoints that no other worker is busy with, and move on what is answered."""
    worker = workers.me()
    for slot in range(SLOTS):
        with turns.alone(f"{worker} answers {slot}") as mine:
            if mine:
                if workers.may_claim(worker):
                    _take_turns(worker)
                answering.close_answered(timezone.now())
                return


def _take_turns(worker: str) -> None:
    start = time.monotonic()
    endpoints = Submission.objects.answering(timezone.now()).filter(kind=Submission.Kind.ENDPOINT)
    for submission in endpoints.select_related("endpoint"):
        if jobs.has_claimable(ANSWER, submission.pk):
            with turns.alone(f"submission {submission.pk}") as mine:
                if mine:
                    Submission.objects.filter(pk=submission.pk).update(turn_at=Now())
                    answering.answer_by_endpoint(submission, worker=worker, seconds=TURN)
        if brake.is_on() or time.monotonic() - start > TURN:
            return
