"""Celery's doors to what is derived. Each is safe to run twice and at the same time."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from arena import turns
from arena.models import Submission
from leaderboard.planner import pair_submission, short_of, top_up
from leaderboard.services import boards, snapshots


@shared_task(name="leaderboard.tasks.pair_submissions")
def pair_submissions() -> None:
    """Give every submission whose answers are all there its matches, unless its model was withdrawn."""
    with turns.alone("pair submissions") as mine:
        waiting = Submission.objects.filter(
            state=Submission.State.ANSWERED, benchmark__is_open=True, competitor__withdrawn_at=None
        )
        for submission in waiting.order_by("id") if mine else []:
            pair_submission(submission, budget=settings.MATCH_BUDGET, now=timezone.now())


@shared_task(name="leaderboard.tasks.top_up_submissions")
def top_up_submissions() -> None:
    """Give every paired submission whose matches are few, and half of them decided, further ones."""
    with turns.alone("top up submissions") as mine:
        for short in short_of(settings.MATCH_BUDGET) if mine else []:
            top_up(short, budget=settings.MATCH_BUDGET)


@shared_task(name="leaderboard.tasks.refresh_boards")
def refresh_boards() -> None:
    """Fit the boards and reports that have something new."""
    boards.refresh_boards(now=timezone.now())


@shared_task(name="leaderboard.tasks.take_due_snapshot")
def take_due_snapshot() -> None:
    """Take the snapshot that staff asked for, or that is due."""
    snapshots.take_due_snapshot(now=timezone.now(), hours=settings.SNAPSHOT_HOURS)
