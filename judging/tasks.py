"""Celery's doors to judging. Each is safe to run twice and at the same time."""

import socket
import time

from celery import shared_task

from arena import jobs
from judging.models import KIND, Judge
from judging.services import judging

TURN = 20.0  # seconds after which one run asks nothing new and makes room for other tasks
SLOTS = 2  # judges that one host works on at once: slow ones may not take every process of its worker


def worker_name() -> str:
    """What the jobs of this host's worker are claimed under."""
    return f"worker@{socket.gethostname()}"


@shared_task(name="judging.tasks.plan_judging")
def plan_judging() -> None:
    """Give every active judge a job for each match of the open benchmarks that it has none for."""
    with jobs.alone("plan judging") as mine:
        if not mine:
            return
        for judge in Judge.objects.active():
            judging.plan_judging(judge)
        jobs.fail_abandoned(KIND)


@shared_task(name="judging.tasks.judge_pending")
def judge_pending() -> None:
    """Work on the judges that have something to do and that no other worker is busy with."""
    for slot in range(SLOTS):
        with jobs.alone(f"{worker_name()} slot {slot}") as mine:
            if mine:
                _take_turns()
                return


def _take_turns() -> None:
    start = time.monotonic()
    for judge in Judge.objects.active().order_by("?"):
        if jobs.has_claimable(KIND, judge.pk):
            with jobs.alone(f"judge {judge.pk}") as mine:
                if mine:
                    for _ in judging.judge_pending(judge, worker=worker_name(), seconds=TURN):
                        pass
        if time.monotonic() - start > TURN:
            return
