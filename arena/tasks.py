"""Celery's door to the arena. Safe to run twice, and at once."""

from celery import shared_task

from arena.services.rendering import render_pending

ANSWERS_AT_ONCE = 500


@shared_task(name="arena.tasks.render_answers")
def render_answers() -> int:
    return render_pending(ANSWERS_AT_ONCE)
