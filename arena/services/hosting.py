"""Serving models with vLLM on this host: what is loaded, when to swap it, what the pages are told."""

import logging
import time
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Case, F, When
from django.db.models.functions import Now
from django.utils import timezone

from arena import brake, jobs
from arena.engines import ENGINES, Engine, EngineError
from arena.engines.vllm import Launch, Server, ServerFailed, add_adapter, stop_orphans
from arena.engines.vllm.gpus import read_gpus
from arena.engines.vllm.places import Places
from arena.models import HostModel, HostWorker, Submission
from arena.models.jobs import ANSWER
from arena.services.adapters import adapter_folder
from arena.services.answering import Fruitless, answer_pending, close_answered, give_up

log = logging.getLogger(__name__)

LOG_LINES = 12
DYING_SECONDS = 3.0
BEAT = 5.0  # seconds between two signs of life while a model works
FAULTS_OF_HOST = {"missing_interpreter", "no_vllm"}  # these say nothing of the model


class Host:
    """One vLLM server at a time, as a child of this process; its row of HostWorker says what it does.

    Models are swapped by ``serve``; a model and all LoRA adapters on it are served together. A model stays
    loaded until another one is wanted, or for settings.VLLM_IDLE seconds without work.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.model: HostModel | None = None
        self._server: Server | None = None
        self._was_ready = False
        self._adapters: dict[int, str] = {}  # names of those that the server has, by model
        self._places = Places(folder)
        self._started_at = self._used_at = self._reported_at = time.monotonic()
        stop_orphans(folder)

    @property
    def row(self) -> HostWorker:
        """What is known of this worker; nothing yet before its first report."""
        return HostWorker.objects.filter(name=self.name).first() or HostWorker(name=self.name)

    def take_place(self, now: datetime) -> bool:
        """Whether no other worker of this host uses one of our GPUs; then none may until we are done."""
        if self._places.take(gpu.uuid or str(gpu.number) for gpu in read_gpus()):
            return True
        self._report(
            HostWorker.State.FAILED, now, "Another worker of this host uses its GPU; it waits for it."
        )
        return False

    @property
    def seconds_loaded(self) -> float:
        """How long this model has been here."""
        return time.monotonic() - self._started_at

    def serve(self, model: HostModel, now: datetime) -> Server | None:
        """The server of ``model`` when it is ready; None while it loads (ask again in a moment).

        Whatever else is loaded is stopped first. Raises ServerFailed when it cannot be loaded or has died;
        the next call then starts anew.
        """
        self._used_at = time.monotonic()
        try:
            if not self.serves(model) or self.has_lost_it(now):
                self._start(model, now)
            assert self._server is not None
            self.model = model
            if not self._server.is_ready():
                self._report(HostWorker.State.LOADING, now)
                return None
            self._was_ready = True
            self._report(HostWorker.State.READY, now)
            return self._server
        except ServerFailed as failure:
            self._fail(failure, now)
            raise

    def serves(self, model: HostModel | None) -> bool:
        """Whether what is loaded serves this model, or can take its adapter."""
        if model is None:
            return False
        if self._server is None or self.model is None or self.model.base != model.base:
            return False
        return model.adapter_rank <= self._server.launch.adapter_rank

    def check_slowly(self) -> None:
        """Raise ServerFailed when the server that was ready is gone: vLLM answers 500 for a while before."""
        end = time.monotonic() + DYING_SECONDS
        try:
            while self._server is not None:
                self._server.check()
                if time.monotonic() >= end:
                    return
                time.sleep(0.2)
        except ServerFailed as failure:
            self._fail(failure, timezone.now())
            raise

    def has_lost_it(self, now: datetime) -> bool:
        """Whether the server that was ready has ended by itself; ``serve`` starts it again."""
        try:
            if self._server is not None and self._was_ready:
                self._server.check()
        except ServerFailed as failure:
            self._fail(failure, now)
        return self._server is None

    def beat(self, now: datetime) -> None:
        """Show that this host is alive; call it as often as you like."""
        if time.monotonic() - self._reported_at > BEAT:
            self._report(HostWorker.State.READY, now)

    def rest(self, now: datetime) -> None:
        """There is no work: after a while, free the memory."""
        if self._server is not None and time.monotonic() - self._used_at < settings.VLLM_IDLE:
            self._report(HostWorker.State.READY, now)
            return
        self.close(now)

    def close(self, now: datetime) -> None:
        self._stop()
        self._report(HostWorker.State.IDLE, now)

    def engine(self, server: Server, model: HostModel) -> Engine:
        """A client of the server that serves ``model``, over loopback.

        Raises ServerFailed when the server does not take the model's adapter; it goes on for others.
        """
        return ENGINES["openai"](
            base_url=server.base_url,
            model=self._adapter(server, model) if model.adapter else server.model_name,
            api_key=server.api_key,
            version=server.version,
            concurrency=settings.VLLM_CONCURRENCY,
            deadline=settings.ANSWER_DEADLINE,
            give_up=brake.is_overdue,
            gone_is_gone=True,
        )

    def _adapter(self, server: Server, model: HostModel) -> str:
        """The name of the model's adapter, which the server has from now on."""
        if model.pk not in self._adapters:
            name = f"{Path(model.adapter).name}-{model.pk}"
            add_adapter(server, name, adapter_folder(model))
            self._adapters[model.pk] = name
        return self._adapters[model.pk]

    def _start(self, model: HostModel, now: datetime) -> None:
        self._unload()
        HostModel.objects.on_base(model).update(turn_at=Now())
        self._started_at = time.monotonic()
        launch = Launch(
            model=model.source,
            revision=model.revision,
            options=settings.VLLM_OPTIONS | model.options,
            # All that is known, so that the next one on the same base needs no new start.
            adapter_rank=max((each.adapter_rank for each in HostModel.objects.adapters_on(model)), default=0),
            chat_template=model.chat_template,
            trusts_code=model.trusts_code,
        )
        self.model = model
        self._report(HostWorker.State.LOADING, now)
        self._server = Server(
            launch,
            python=settings.VLLM_PYTHON,
            folder=self.folder,
            startup_seconds=settings.VLLM_STARTUP,
        )
        self._server.start()

    def _fail(self, failure: ServerFailed, now: datetime) -> None:
        log.warning("%s: %s", self.model, failure.message)
        self._report(HostWorker.State.FAILED, now, failure.message)
        self._stop()

    def _stop(self) -> None:
        self._unload()
        self.model = None
        self._places.release()

    def _unload(self) -> None:
        """End the server; the GPUs stay ours, for the next one."""
        if self._server is not None:
            self._server.stop()
        self._server, self._adapters, self._was_ready = None, {}, False

    def _report(self, state: str, now: datetime, message: str = "") -> None:
        """Write what concerns the model; the rest of the row is the worker's, and its operator's."""
        shown = {"state": state, "host_model": self.model, "message": message, "seen_at": Now()}
        if self._server:
            shown["log"] = "\n".join(self._server.log_tail(LOG_LINES))
        same = When(state=state, host_model=self.model, then=F("since"))
        if self.model is None:
            same = When(state=state, host_model__isnull=True, then=F("since"))
        row = HostWorker.objects.filter(name=self.name)
        if not row.update(since=Case(same, default=Now()), **shown):
            HostWorker.objects.create(name=self.name, since=Now(), **shown)
        self._reported_at = time.monotonic()


def waiting_submissions(now: datetime) -> list[Submission]:
    """Submissions that a model served here should answer now."""
    submissions = Submission.objects.answering(now).filter(kind=Submission.Kind.HOST)
    return [each for each in submissions if jobs.has_claimable(ANSWER, each.pk)]


def answer_on_host(submission: Submission, host: Host, server: Server, *, seconds: float) -> None:
    """Let the loaded model answer what is pending."""
    Submission.objects.filter(pk=submission.pk).update(turn_at=Now())
    assert submission.host_model is not None  # it is one of those that wait for a host
    engine, room = host.engine(server, submission.host_model), 2 * settings.VLLM_CONCURRENCY
    run = answer_pending(
        submission, engine, worker=host.name, room=room, seconds=seconds, check=host.check_slowly
    )
    try:
        for _ in run:
            host.beat(timezone.now())
    except Fruitless as end:
        give_up(submission, end.error)
    close_answered(timezone.now())


def note_failure(submission: Submission, failure: ServerFailed) -> None:
    """Tell a submission why its model could not be served; it is tried again unless that is final."""
    final = failure.final and failure.code not in FAULTS_OF_HOST
    give_up(submission, EngineError(failure.code, failure.message, retry_after=None, final=final))
