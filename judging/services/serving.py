"""A turn of a host with vLLM: one model is served for the submissions and the judges that wait for it."""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from arena import brake, jobs
from arena.engines.vllm import Server, ServerFailed
from arena.models import HostModel, HostWorker, Submission
from arena.models.jobs import ANSWER
from arena.models.queue import jobs_left
from arena.services.hosting import Host, answer_on_host, note_failure, waiting_submissions
from arena.services.workers import control_of
from judging.models import KIND, REASONS, Judge
from judging.services.judging import Served, judge_pending
from judging.services.reasons import give_reasons

LOADING_TURN = 30.0  # seconds that one turn waits for a model to load
LONGEST_STAY = 600.0  # seconds after which a loaded model makes room, when others wait
NEVER = datetime.min.replace(tzinfo=UTC)
AGAIN_SECONDS = 600.0  # before a model that did not load is tried again for its judges


def take_turn(host: Host) -> None:
    """Choose a model, load it, do what waits for it; with nothing to do, let the host rest."""
    if control := control_of(host.name):
        if control == HostWorker.Control.DRAINED:
            host.close(timezone.now())
        else:
            host.rest(timezone.now())
        return
    submissions = waiting_submissions(timezone.now())
    judges = [judge for judge in Judge.objects.on_hosts() if _is_wanted(judge)]
    model = choose_model(host, wanted_models(host, submissions, judges))
    if model is None:
        host.rest(timezone.now())
        return
    if not host.take_place(timezone.now()):
        return
    submissions = [row for row in submissions if row.host_model and row.host_model.base == model.base]
    judges = [row for row in judges if row.host_model and row.host_model.base == model.base]
    try:
        server = _load(host, model)
        if server is not None:  # an adapter that came after this start has to wait for the next one
            submissions = [row for row in submissions if host.serves(row.host_model)]
            judges = [row for row in judges if host.serves(row.host_model)]
            _work(host, server, submissions, judges)
    except ServerFailed as failure:
        if not failure.worked:
            _note(submissions, judges, failure)


def _is_wanted(judge: Judge) -> bool:
    return jobs.has_claimable(KIND, judge.pk) or jobs.has_claimable(REASONS, judge.pk)


class Wanted(NamedTuple):
    """A model that somebody waits for, alone or with adapters on it: how urgently, and for how many jobs."""

    model: HostModel
    priority: int
    jobs: int
    is_elsewhere: bool  # another worker that is there has loaded it


def wanted_models(host: Host, submissions: list[Submission], judges: list[Judge]) -> list[Wanted]:
    """What fits this worker, the most urgent first, then what was not loaded for longest."""
    row, now = host.row, timezone.now()
    others = HostWorker.objects.seen(now).exclude(name=host.name).filter(control=HostWorker.Control.WORKS)
    loaded = {other.host_model.base for other in others.select_related("host_model") if other.host_model}
    left = {
        **{("answer", pk): each.jobs for pk, each in jobs_left(ANSWER, [s.pk for s in submissions]).items()},
        **{("judge", pk): each.jobs for pk, each in jobs_left(KIND, [j.pk for j in judges]).items()},
    }
    found: dict[tuple[object, ...], Wanted] = {}
    asks = [(s.host_model, s.priority, left["answer", s.pk]) for s in submissions]
    asks += [(judge.host_model, 0, left["judge", judge.pk]) for judge in judges]
    for model, priority, number in asks:
        if model and row.fits(model):
            known = found.get(model.base, Wanted(model, priority, 0, model.base in loaded))
            found[model.base] = known._replace(
                priority=max(known.priority, priority), jobs=known.jobs + number
            )
    return sorted(found.values(), key=lambda each: (-each.priority, each.model.turn_at or NEVER))


def choose_model(host: Host, wanted: list[Wanted]) -> HostModel | None:
    """The loaded model while it is wanted, but not for ever, nor while a more urgent one waits.

    What another worker has loaded is left to it, unless there is nothing else and enough of it for two.
    """
    loaded = host.model.base if host.model else None
    mine = next((each for each in wanted if each.model.base == loaded), None)
    rest = [each for each in wanted if each.model.base != loaded]
    others = [each for each in rest if not each.is_elsewhere]
    if mine:
        urgent = bool(others) and others[0].priority > mine.priority
        too_long = bool(others) and host.seconds_loaded > LONGEST_STAY
        if not (urgent or too_long):
            return mine.model
    plenty = [each for each in rest if each.jobs > 2 * settings.VLLM_CONCURRENCY]
    return next((each.model for each in [*others, *plenty]), None)


def _load(host: Host, model: HostModel) -> Server | None:
    end = time.monotonic() + LOADING_TURN
    server = host.serve(model, timezone.now())
    while server is None and time.monotonic() < end and not brake.is_stopping():
        time.sleep(0.5)
        server = host.serve(model, timezone.now())
    return server


def _work(host: Host, server: Server, submissions: list[Submission], judges: list[Judge]) -> None:
    end = time.monotonic() + LONGEST_STAY
    for submission in submissions:
        if brake.is_on():
            return
        _answer(host, server, submission, end)
        if host.has_lost_it(timezone.now()):
            return
    for judge in judges:
        if brake.is_on():
            return
        _judge(host, server, judge, end)
        if host.has_lost_it(timezone.now()):
            return


def _answer(host: Host, server: Server, submission: Submission, end: float) -> None:
    try:
        answer_on_host(submission, host, server, seconds=end - time.monotonic())
    except ServerFailed as failure:
        if host.has_lost_it(timezone.now()):
            raise
        note_failure(submission, failure)  # the server goes on: it does not take this adapter


def _judge(host: Host, server: Server, judge: Judge, end: float) -> None:
    assert judge.host_model is not None  # it is one of those on hosts
    try:
        engine = host.engine(server, judge.host_model)
    except ServerFailed as failure:  # the same
        _note([], [judge], failure)
        return
    served, seconds = Served(engine, host.check_slowly), end - time.monotonic()
    room = 4 * settings.VLLM_CONCURRENCY
    for _ in judge_pending(judge, worker=host.name, seconds=seconds, served=served, room=room):
        host.beat(timezone.now())
    if not host.has_lost_it(timezone.now()):
        give_reasons(judge, worker=host.name, engine=engine)


def _note(submissions: list[Submission], judges: list[Judge], failure: ServerFailed) -> None:
    for submission in submissions:
        note_failure(submission, failure)
    for judge in judges:
        for kind in (KIND, REASONS):
            jobs.postpone_pending(kind, judge.pk, failure.code, failure.message, delay=AGAIN_SECONDS)
