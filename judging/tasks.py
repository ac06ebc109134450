"""Celery's doors to judging. Each is safe to run twice and at the same time."""

import time
from functools import cache

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings
from django.utils import timezone

from arena import brake, jobs, turns
from arena.services import workers
from arena.services.hosting import Host
from judging.models import KIND, REASONS, Judge
from judging.services import judging, reasons
from judging.services.serving import take_turn

TURN = 20.0  # seconds after which one run asks nothing new and makes room for other tasks
SLOTS = 2  # judges that one host works on at once: slow ones may not take every process of its worker


@shared_task(name="judging.tasks.plan_judging")
def plan_judging() -> None:
    """Give every active judge a job for each match of the open benchmarks that it has none for."""
    with turns.alone("plan judging") as mine:
        if not mine:
            return
        for judge in Judge.objects.active():
            judging.plan_judging(judge)
        jobs.fail_abandoned()


@shared_task(name="judging.tasks.judge_pending")
def judge_pending() -> None:
    """Work on the judges that have something to do and that no other worker is busy with."""
    worker = workers.me()
    for slot in range(SLOTS):
        with turns.alone(f"{worker} slot {slot}") as mine:
            if mine:
                if workers.may_claim(worker):
                    _take_turns(worker)
                return


def _take_turns(worker: str) -> None:
    start = time.monotonic()
    for judge in Judge.objects.elsewhere().order_by("?"):
        if jobs.has_claimable(KIND, judge.pk):
            with turns.alone(f"judge {judge.pk}") as mine:
                if mine:
                    for _ in judging.judge_pending(judge, worker=worker, seconds=TURN):
                        pass
        if brake.is_on() or time.monotonic() - start > TURN:
            return


@shared_task(name="judging.tasks.give_reasons")
def give_reasons() -> None:
    """Ask judges why, for the rulings that somebody wants explained; paused judges too."""
    worker = workers.me()
    if not workers.may_claim(worker):
        return
    for judge in Judge.objects.filter(engine=Judge.Engine.OPENAI):
        if jobs.has_claimable(REASONS, judge.pk) and not brake.is_on():
            reasons.give_reasons(judge, worker=worker)


@shared_task(name="judging.tasks.work_on_host")
def work_on_host() -> None:
    """Serve models on this host, one after the other, for what submissions and judges wait for."""
    if not settings.VLLM_PYTHON:
        return  # no host for models; another worker of the queue may be one
    name = workers.me("gpu")
    with turns.alone(f"{name} models") as mine:
        if mine:
            try:
                take_turn(_host(name))
            finally:
                if brake.is_stopping():
                    unload()


@cache
def _host(name: str) -> Host:
    """The one of this process: a loaded model stays between two turns."""
    return Host(name, settings.ARENA_HOME / "vllm")


@worker_process_shutdown.connect
@worker_shutdown.connect
def unload(**_: object) -> None:
    """What this process has loaded ends with it, in order."""
    if _host.cache_info().currsize:
        _host(workers.me("gpu")).close(timezone.now())
