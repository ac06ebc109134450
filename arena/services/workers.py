"""What a worker says of itself, what it is told, and how it ends."""

import logging
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from arena import brake, jobs
from arena.engines.vllm import vllm_version
from arena.engines.vllm.architectures import known_architectures
from arena.engines.vllm.gpus import Gpu, read_gpus
from arena.models import HostWorker, Queue, Run
from arena.models.queue import KEPT, database_now

log = logging.getLogger(__name__)

BEAT = 5.0  # seconds between two reports, in which a worker also hears what it is told
GPU_BEATS = 6  # reports between two looks at the memory of the GPUs
LAST_SECONDS = 25.0  # after DRAIN_SECONDS: for storing, unloading, and Celery's own end

_names: list[str] = []  # of this worker, as Celery knows it


def introduce(name: str) -> None:
    """From now on this process, and those that it starts, are of the worker of this name."""
    _names[:] = [name]


def me(role: str = "worker") -> str:
    """What jobs are claimed under: the worker's name; outside of one, its role on this host."""
    return _names[0] if _names else jobs.worker_name(role)


def may_claim(name: str) -> bool:
    """Whether this worker may begin something: neither it nor the queue is paused, nor does it end."""
    return not brake.is_on() and control_of(name) == HostWorker.Control.WORKS


def control_of(name: str) -> str:
    """What a worker is told, a pause of the whole queue included."""
    control = HostWorker.objects.filter(name=name).values_list("control", flat=True).first() or ""
    if not control and Queue.read().paused_at:
        return HostWorker.Control.PAUSED
    return control


@contextmanager
def noted(worker: str, kind: str, owner: int) -> Iterator[Run]:
    """Show that a worker is at an owner's jobs; the run is told how many ended."""
    run = Run.begin(worker, kind, owner)
    try:
        yield run
    finally:
        run.note(0, is_open=False)


class Reporter:
    """A worker's signs of life, from a thread of its first process, so that they come while it is busy."""

    def __init__(self, name: str, queues: Iterable[str]) -> None:
        self.name, self.queues = name, sorted(queues)
        self._done, self._beats = threading.Event(), 0
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The last report: it ended in order, and nothing of what it held has to wait for its lease."""
        self._done.set()
        self._thread.join(BEAT)
        self.end()

    def end(self) -> None:
        jobs.give_back_of(self.name)
        Run.objects.filter(worker=self.name, is_open=True).update(is_open=False)
        HostWorker.objects.filter(name=self.name).update(
            state=HostWorker.State.STOPPED, host_model=None, message="", since=Now(), seen_at=Now()
        )

    def begin(self) -> None:
        """The first report. What an earlier worker of this name was told still holds."""
        Run.objects.filter(worker=self.name, is_open=True).update(is_open=False)
        old = database_now() - KEPT
        Run.objects.filter(seen_at__lt=old).delete()
        gone = HostWorker.objects.filter(seen_at__lt=old, control=HostWorker.Control.WORKS)
        gone.exclude(name=self.name).delete()  # a container has another name each time
        state = {"state": HostWorker.State.IDLE, "host_model": None, "message": "", "log": "", "since": Now()}
        fields = self._facts() | state | {"started_at": Now(), "seen_at": Now()}
        HostWorker.objects.update_or_create(name=self.name, defaults=fields)

    def beat(self) -> None:
        """A sign of life; what this worker is told reaches all of its processes."""
        gpus = self._memory() if self._beats % GPU_BEATS == 0 else {}
        self._beats += 1
        if not HostWorker.objects.filter(name=self.name).update(seen_at=Now(), **gpus):
            self.begin()  # somebody deleted the row
        brake.hold(control_of(self.name) != HostWorker.Control.WORKS)

    def _run(self) -> None:
        begun = False
        while True:
            try:
                if not begun:
                    self.begin()
                    begun = True
                self.beat()
            except DatabaseError as error:  # it may be restarting
                log.warning("this worker could not report: %s", error)
            finally:
                connection.close()  # what is forked meanwhile must not share it
            if self._done.wait(BEAT):
                return

    def _facts(self) -> dict[str, object]:
        serves = "gpu" in self.queues and bool(settings.VLLM_PYTHON)
        facts: dict[str, object] = {"queues": self.queues, "serves": serves} | self._memory()
        facts["vllm_version"] = vllm_version(settings.VLLM_PYTHON) if serves else ""
        facts["architectures"] = known_architectures(settings.VLLM_PYTHON) if serves else []
        return facts

    def _memory(self) -> dict[str, object]:
        if "gpu" not in self.queues:
            return {}
        gpus = read_gpus()
        memory = sum(gpu.total for gpu in gpus) or psutil.virtual_memory().total // 2**20
        return {"gpus": [_shown(gpu) for gpu in gpus], "memory_mib": memory}


def _shown(gpu: Gpu) -> dict[str, object]:
    return {"index": gpu.number, "name": gpu.name, "total": gpu.total, "free": gpu.free}


def end_within(reporter: Reporter, seconds: float) -> None:
    """End this process by force after ``seconds``, if it is still there: some task does not end by itself.

    What its children held is given back; a vLLM server ends with its owner.
    """

    def end() -> None:
        log.warning("some task did not end in %g s, so this worker is ended", seconds)
        children = psutil.Process().children()
        for child in children:
            with suppress(psutil.Error):
                child.send_signal(signal.SIGKILL)
        psutil.wait_procs(children, timeout=5)
        with suppress(DatabaseError):
            reporter.end()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
