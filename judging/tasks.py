"""Celery's doors to judging. Each is safe to run twice and at the same time."""

import socket
import time

from celery import shared_task

from arena import jobs
from judging.models import Judge
from judging.services import judging

TURN = 20.0  # seconds that one run works before it makes room for other tasks


@shared_task(name="judging.tasks.plan_judging")
def plan_judging() -> None:
    """Give every active judge a job for each match of the open benchmarks that it has none for."""
    for judge in Judge.objects.active():
        judging.plan_judging(judge)
    jobs.fail_abandoned(judging.KIND)


@shared_task(name="judging.tasks.judge_pending")
def judge_pending() -> None:
    """Work on the judges that have something to do and that no other worker is busy with."""
    start = time.monotonic()
    for judge in Judge.objects.active().order_by("?"):
        if not jobs.has_claimable(judging.KIND, judge.pk):
            continue
        with jobs.alone(f"judge {judge.pk}") as mine:
            if mine:
                for _ in judging.judge_pending(judge, worker=socket.gethostname(), seconds=TURN):
                    pass
        if time.monotonic() - start > TURN:
            return
