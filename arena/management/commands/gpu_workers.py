"""``manage.py gpu_workers``: a worker for each GPU of this host, or for each group of them."""

import os
import socket
import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from arena.embedded.supervisor import Child, ChildDied, Signals, Supervisor
from arena.engines.vllm.gpus import group_gpus, read_gpus
from arena.services.workers import LAST_SECONDS

CELERY = [sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "arena"]
AGAIN = "Start again with `manage.py gpu_workers`; if it happens again, its lines above say why."


class Command(BaseCommand):
    help = (
        "Serve models on all GPUs of this host: one worker for each GPU, or for each group that GPUS names "
        '("0,1;2,3"), each with one vLLM at a time. SIGTERM or Ctrl-C drains them, all at once.'
    )

    def handle(self, **options):
        if not settings.VLLM_PYTHON:
            raise CommandError(
                "Set VLLM_PYTHON to the Python that has vLLM; this host serves nothing without."
            )
        children = gpu_workers({}, AGAIN)
        signals = Signals()
        signals.interrupting = False
        grace = settings.DRAIN_SECONDS + LAST_SECONDS + 5
        supervisor = Supervisor(signals, stop_order=["gpu"], folder=str(settings.BASE_DIR), grace=grace)
        shown = ", ".join(f"{child.name} on {_of(child)}" for child in children)
        try:
            supervisor.run(children, lambda: supervisor.say(f"Serving models: {shown}."))
        except ChildDied as error:
            raise CommandError(str(error)) from None


def gpu_workers(environment: dict[str, str], advice: str) -> list[Child]:
    """One for each group of GPUs; the only one keeps the plain name. Raises CommandError for a bad GPUS."""
    size = settings.VLLM_OPTIONS.get("tensor_parallel_size", 1)
    try:
        groups = group_gpus(settings.GPUS, read_gpus(), size if isinstance(size, int) and size > 0 else 1)
    except ValueError as error:
        raise CommandError(str(error)) from None
    children = []
    for number, group in enumerate(groups, 1):
        name = "gpu" if len(groups) == 1 else f"gpu{number}"
        own = {"CUDA_VISIBLE_DEVICES": group} if group else {}
        command = worker_command(name, "gpu", 1)
        children.append(Child(name, command, advice, environment | own, mute=("Hitting Ctrl+C",), role="gpu"))
    return children


def worker_command(name: str, queues: str, processes: int) -> list[str]:
    options = ["worker", "--hostname", f"{name}@%h", "--queues", queues, "--concurrency", str(processes)]
    return [*CELERY, *options, "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]


def _of(child: Child) -> str:
    visible = child.environment.get("CUDA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    return f"GPU {visible}" if visible else socket.gethostname()
