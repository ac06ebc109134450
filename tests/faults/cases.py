"""The faults, one small function each. A strike returns when the fault itself is over."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from tests.faults import special
from tests.faults.processes import wait_for
from tests.faults.stage import PATIENCE, Stage

OFF_SECONDS = 4.0  # that a broker is away, or answers badly


@dataclass(frozen=True)
class Fault:
    """``strike`` does it; ``is_over`` says when the site has recovered, beside the jobs that were under way.

    ``kills``: recovery is bounded by the lease and ten seconds, unless a model has to be loaded again.
    ``quick``: a part of the short run, so often.
    """

    name: str
    strike: Callable[[Stage], None]
    kills: bool = True
    quick: int = 0
    hosted: bool = False  # it strikes when the GPU host is at work
    is_over: Callable[[Stage], bool] = lambda stage: True
    special: bool = False  # it plans its own work, and says by itself when that has ended


def kill_worker(stage: Stage) -> None:
    stage.rng.choice(stage.workers).signal(signal.SIGKILL)


def kill_child(stage: Stage) -> None:
    worker = stage.rng.choice(stage.workers)
    wait_for(lambda: len(worker.children("celery")) >= 4, PATIENCE, "for the worker's children")
    stage.rng.choice(worker.children("celery")).kill()


def kill_gpu_worker(stage: Stage) -> None:
    stage.programs["gpu"].signal(signal.SIGKILL)


def kill_vllm(stage: Stage) -> None:
    """The API server; its keeper sees it and ends the rest."""
    found = [
        each
        for each in stage.programs["gpu"].children("api_server")
        if not any("keeper.py" in word for word in each.cmdline())
    ]
    found[0].kill()


def kill_web(stage: Stage) -> None:
    stage.programs["web"].signal(signal.SIGKILL)


def kill_web_worker(stage: Stage) -> None:
    stage.rng.choice(stage.programs["web"].children("arena.embedded.web")).kill()


def kill_beat(stage: Stage) -> None:
    stage.programs["beat"].signal(signal.SIGKILL)


def kill_broker(stage: Stage) -> None:
    stage.broker.kill()


def empty_broker(stage: Stage) -> None:
    stage.broker.empty(queue.name for queue in settings.CELERY_TASK_QUEUES)


def _spoil(mood: str) -> Callable[[Stage], None]:
    def strike(stage: Stage) -> None:
        stage.proxy.turn(mood)
        time.sleep(OFF_SECONDS)
        stage.proxy.turn("good")

    return strike


def stop_worker(stage: Stage) -> None:
    """Beyond its lease, so that others take its work over; then it wakes up with what it had."""
    worker = stage.rng.choice(stage.workers)
    worker.signal(signal.SIGSTOP)
    time.sleep(settings.LEASE_SECONDS + 3)
    worker.signal(signal.SIGCONT)


def _end_postgres(number: int) -> Callable[[Stage], None]:
    def strike(stage: Stage) -> None:
        import os

        before = stage.postmaster()
        os.kill(before, number)
        wait_for(lambda: _is_back(stage, before), 120, "PostgreSQL to come back")

    return strike


def _is_back(stage: Stage, before: int) -> bool:
    try:
        return stage.postmaster() != before and bool(stage.sql("SELECT 1"))
    except OSError:
        return False


def cut_connections(stage: Stage) -> None:
    stage.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


def ring_a_thousand_times(stage: Stage) -> None:
    """As when a broker delivers again what it had delivered."""
    from arena.celery import app

    tasks = ["judging.tasks.judge_pending", "arena.tasks.answer_pending", "judging.tasks.plan_judging"]
    with app.connection_for_write(stage.broker_url) as line, app.amqp.Producer(line) as producer:
        for number in range(1000):
            app.send_task(tasks[number % 3], producer=producer)


FAULTS = [
    Fault("kill -9 of a worker, its children with it", kill_worker, quick=3),
    Fault("kill -9 of a worker's child", kill_child, quick=2),
    Fault(
        "kill -9 of the GPU worker, its children with it", kill_gpu_worker, kills=False, quick=1, hosted=True
    ),
    Fault("kill -9 of vLLM", kill_vllm, kills=False, quick=1, hosted=True),
    Fault("kill -9 of the web server", kill_web, quick=1, is_over=Stage.serves),
    Fault("kill -9 of one web process", kill_web_worker, is_over=Stage.serves),
    Fault("kill -9 of the scheduler", kill_beat, quick=1),
    Fault("kill -9 of the broker", kill_broker, quick=1),
    Fault("broker emptied", empty_broker, quick=1),
    Fault(f"broker refuses for {OFF_SECONDS:g} s", _spoil("refusing")),
    Fault(f"broker silent for {OFF_SECONDS:g} s", _spoil("silent"), kills=False),
    Fault(f"broker slow for {OFF_SECONDS:g} s", _spoil("slow"), kills=False),
    Fault("worker stopped beyond its lease, then woken", stop_worker, kills=False),
    Fault("PostgreSQL restarted, fast", _end_postgres(signal.SIGINT)),
    Fault("PostgreSQL restarted, immediate", _end_postgres(signal.SIGQUIT)),
    Fault("kill -9 of PostgreSQL", _end_postgres(signal.SIGKILL)),
    Fault("connections to PostgreSQL cut", cut_connections),
    Fault("1,000 duplicate deliveries", ring_a_thousand_times),
    Fault("the same vote from 64 threads", special.one_vote_by_many, special=True, quick=1),
    Fault("kill -9 of the web server in mid-vote", special.kill_in_mid_vote, special=True, quick=1),
    Fault("two schedulers", special.two_schedulers, special=True),
    Fault("workers' clocks 2 h ahead and behind", special.odd_clocks, special=True),
    Fault("disk full under logs and uploads", special.disk_full, special=True),
    Fault("a model that needs more memory than there is", special.out_of_memory, special=True),
    Fault("a prompt on which the model's server dies", special.poison, special=True),
    Fault(
        "endpoints: 429, 500, 401, garbage, half a body, nothing, drip", special.bad_endpoints, special=True
    ),
]
