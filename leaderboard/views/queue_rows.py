"""The rows of the queue's page: workers with what they are at, submissions and judges that wait."""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from arena.engines.vllm import Launch
from arena.models import HostModel, HostWorker, Run, Submission
from arena.models.hosts import SEEN_WITHIN
from arena.models.jobs import ANSWER
from arena.models.queue import COUNTED_WAITING, Left, jobs_left, jobs_of, owners_waiting
from arena.tasks import SLOTS, TURN
from judging.models import KIND, Judge
from leaderboard.views.formats import counted

LOST_FOR = timedelta(hours=6)  # that a worker which went without a word is listed
RUNS_READ = 200  # the latest, for the paces of those that were not measured yet
JUDGES_SHOWN = 50
NO_ESTIMATE = "no estimate yet"


@dataclass(frozen=True)
class RunRow:
    """What a worker is at: ``ended`` of ``total`` jobs, where that is known; ``words`` say more."""

    name: str
    url: str
    where: str
    words: str
    since: datetime
    ended: int | None = None
    total: int | None = None
    submission: Submission | None = None


@dataclass(frozen=True)
class WorkerRow:
    """``state`` is a word for its pill, of the kind ``mark``; ``what`` is its hardware."""

    worker: HostWorker
    state: str
    mark: str
    words: str
    what: str
    runs: list[RunRow]

    @property
    def shows_log(self) -> bool:
        states = (HostWorker.State.LOADING, HostWorker.State.FAILED)
        return bool(self.worker.log) and self.worker.state in states


@dataclass(frozen=True)
class WaitingRow:
    """A submission that waits, at its place in the queue."""

    place: str
    submission: Submission
    where: str
    left: str
    starts: str


@dataclass(frozen=True)
class JudgeRow:
    judge: Judge
    left: str
    is_running: bool
    ends: str


@dataclass
class Work:
    """What is going on at ``now``, read once for all rows. ``paces`` are of jobs a second."""

    now: datetime
    for_staff: bool
    workers: list[HostWorker]
    runs: list[Run]
    paces: dict[tuple[str, int], float]
    submissions: dict[int, Submission]
    judges: dict[int, Judge]
    left: dict[int, Left] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    measured: list[Run] = field(default_factory=list)

    @classmethod
    def read(cls, now: datetime, *, for_staff: bool) -> "Work":
        there = HostWorker.objects.filter(seen_at__gt=now - LOST_FOR).exclude(state=HostWorker.State.STOPPED)
        workers = list(there.select_related("host_model").order_by("name"))
        alive = {worker.name for worker in workers if worker.seen_at > now - SEEN_WITHIN}
        latest = list(Run.objects.order_by("-seen_at", "-pk")[:RUNS_READ])
        runs = [run for run in latest if run.is_open and run.worker in alive]
        paces: dict[tuple[str, int], float] = defaultdict(float)
        for run in latest:
            if run.seen_at > now - SEEN_WITHIN and run.ended:
                paces[run.kind, run.owner] += run.rate
        answered = {run.owner for run in runs if run.kind == ANSWER}
        known = Submission.objects.filter(pk__in={run.owner for run in latest if run.kind == ANSWER})
        judges = {run.owner for run in runs if run.kind != ANSWER}
        return cls(
            now=now,
            for_staff=for_staff,
            workers=workers,
            runs=runs,
            paces=paces,
            submissions=known.filter(pk__in=answered)
            .select_related("competitor", "benchmark", "host_model")
            .in_bulk(),
            judges=Judge.objects.in_bulk(judges),
            left=jobs_left(ANSWER, answered),
            totals=jobs_of(ANSWER, answered),
            kinds=dict(known.values_list("pk", "kind")),
            measured=[run for run in latest if run.ended],
        )

    @property
    def under_way(self) -> list[int]:
        """Submissions that a worker is at."""
        return list(self.submissions)

    @property
    def number_under_way(self) -> int:
        return len(self.submissions) + len(self.judges)

    @cached_property
    def alive(self) -> list[HostWorker]:
        return [
            worker
            for worker in self.workers
            if worker.seen_at > self.now - SEEN_WITHIN and not worker.control
        ]

    def lanes(self, kind: str) -> int:
        """How many submissions of a kind are asked at a time."""
        if kind == Submission.Kind.HOST:
            return sum(worker.serves for worker in self.alive)
        return SLOTS * sum("io" in worker.queues for worker in self.alive)

    def typical(self, kind: str) -> float | None:
        """Jobs a second of submissions of a kind, as the latest runs had it; None before the first."""
        rates = [
            run.rate for run in self.measured if run.kind == ANSWER and self.kinds.get(run.owner) == kind
        ]
        return statistics.median(rates) if rates else None

    def where(self, submission: Submission) -> str:
        """Its benchmark, where everybody may know it."""
        hidden = not submission.benchmark.is_open and not self.for_staff
        return "a closed benchmark" if hidden else submission.benchmark.name


def worker_rows(work: Work) -> list[WorkerRow]:
    by_worker = defaultdict(list)
    for run in work.runs:
        by_worker[run.worker].append(run)
    return [_worker(work, worker, by_worker[worker.name]) for worker in work.workers]


def _worker(work: Work, worker: HostWorker, runs: list[Run]) -> WorkerRow:
    rows = [row for run in sorted(runs, key=lambda run: run.since) if (row := _run(work, run))]
    lost = worker.seen_at <= work.now - SEEN_WITHIN
    state, mark, words = _state(work, worker, bool(rows))
    if lost:
        ago = about(work.now - worker.seen_at)
        state, mark = "no sign of life", "wrong"
        words = f"Last seen {ago} ago. What it held goes back by itself when its lease ends."
    return WorkerRow(worker, state, mark, words, _hardware(worker), rows)


def _state(work: Work, worker: HostWorker, busy: bool) -> tuple[str, str, str]:
    model = model_name(worker.host_model) if worker.host_model else ""
    if worker.control:
        word = worker.get_control_display().lower()
        return word, "wait", "It finishes what it has in hand." if busy else "It claims nothing."
    if worker.state == HostWorker.State.LOADING:
        return "loading", "good", f"Loading {model} for {about(work.now - worker.since)}."
    if worker.state == HostWorker.State.FAILED:
        cause = f" {worker.message}" if work.for_staff else ""
        return "failed", "wrong", f"The last model could not be served.{cause}"
    if busy:
        return "working", "good", f"{model} is loaded." if model else ""
    return "idle", "", f"{model} stays loaded for a while." if model else ""


def _hardware(worker: HostWorker) -> str:
    parts = []
    names = [gpu["name"] for gpu in worker.gpus]
    for name in dict.fromkeys(names):
        parts.append(f"{names.count(name)} × {name}" if names.count(name) > 1 else name)
    if worker.gpus:
        free, total = (sum(gpu[key] for gpu in worker.gpus) / 1024 for key in ("free", "total"))
        parts.append(f"{free:.0f} of {total:.0f} GiB free")
    elif worker.serves:
        memory = f", {worker.memory_mib / 1024:.0f} GiB" if worker.memory_mib else ""
        parts.append(f"no GPU{memory}")
    if worker.vllm_version:
        parts.append(worker.vllm_version)
    if worker.queues:
        parts.append("takes " + ", ".join(worker.queues))
    return " · ".join(parts)


def _run(work: Work, run: Run) -> RunRow | None:
    pace = work.paces.get((run.kind, run.owner), 0.0)
    if run.kind != ANSWER:
        judge = work.judges.get(run.owner)
        if judge is None:
            return None
        words = f"{counted(run.ended, 'match', 'matches')} judged, {_rate(pace)}" if pace else "judging"
        return RunRow(str(judge), judge.get_absolute_url(), "judge", words, run.since)
    submission = work.submissions.get(run.owner)
    if submission is None:
        return None
    left, total = work.left.get(run.owner, Left()), work.totals.get(run.owner, 0)
    words = f"{total - left.jobs:,} of {total:,}"
    if left.is_more:
        words = f"more than {left.jobs:,} prompts left"
    if pace:
        words += f", {_rate(pace)}, done in {about(left.jobs / pace)}"
    known = None if left.is_more else total
    name, url = submission.competitor.name, submission.competitor.get_absolute_url()
    ended = None if left.is_more else total - left.jobs
    return RunRow(name, url, work.where(submission), words, run.since, ended, known, submission)


def waiting_rows(work: Work, page: list[Submission], first: int, *, paused: bool) -> list[WaitingRow]:
    """The submissions of one page; ``first`` is the place of the first."""
    left = jobs_left(ANSWER, [row.pk for row in page], most=COUNTED_WAITING)
    clocks = {kind: _Clock(work, kind, left.values(), first) for kind in Submission.Kind.values}
    rows = []
    for place, row in enumerate(page, first):
        mine = left.get(row.pk, Left())
        starts = "when the queue goes on" if paused else clocks[row.kind].starts(row)
        clocks[row.kind].add(mine)
        words = f"more than {mine.jobs:,}" if mine.is_more else f"{mine.jobs:,}"
        rows.append(WaitingRow(f"{place:,}", row, work.where(row), words, starts))
    return rows


class _Clock:
    """When the next of a kind starts: after the jobs ahead of it, at the typical pace and several at once.

    An endpoint that is not done after its turn makes room for the next.
    """

    def __init__(self, work: Work, kind: str, shown: Iterable[Left], first: int) -> None:
        self.work, self.kind = work, kind
        self.lanes, self.pace = work.lanes(kind), work.typical(kind)
        mine = [pk for pk, row in work.submissions.items() if row.kind == kind]
        self.ahead = sum(self._seconds(work.left[pk].jobs, work.paces.get((ANSWER, pk))) for pk in mine)
        self.is_free = first == 1 and len(mine) < self.lanes
        sizes = [left.jobs for left in shown]
        if sizes:  # those on earlier pages are taken for as large as these
            self.ahead += (first - 1) * self._seconds(round(statistics.mean(sizes)))

    def _seconds(self, jobs: int, pace: float | None = None) -> float:
        pace = pace or self.pace
        seconds = jobs / pace if pace else 0.0
        return min(seconds, TURN) if self.kind == Submission.Kind.ENDPOINT else seconds

    def add(self, left: Left) -> None:
        self.ahead += self._seconds(left.jobs)
        self.is_free = False

    def starts(self, row: Submission) -> str:
        if row.state == Submission.State.RECEIVED:
            return "once its repository was looked at"
        if row.state == Submission.State.DRY_RUN and row.tried_at:
            return "once its sender has read its dry run"
        if row.next_attempt_at and row.next_attempt_at > self.work.now:
            return f"tried again in {about(row.next_attempt_at - self.work.now)}"
        if not self.lanes:
            return "no worker for it is running"
        if row.host_model and not any(
            worker.fits(row.host_model) for worker in self.work.alive if worker.serves
        ):
            return "no worker has the memory for it"
        if self.is_free:
            return "in a moment"
        return f"in {about(self.ahead / self.lanes)}" if self.pace else NO_ESTIMATE


def judge_rows(work: Work) -> list[JudgeRow]:
    """Judges that have matches to rule on."""
    owners = owners_waiting(KIND)[:JUDGES_SHOWN]
    idle = [owner for owner in owners if owner not in work.judges]
    left = jobs_left(KIND, idle, most=COUNTED_WAITING) | jobs_left(KIND, set(owners) - set(idle))
    judges = Judge.objects.in_bulk(owners)
    rows = []
    for owner in owners:
        if judge := judges.get(owner):
            mine, pace = left[owner], work.paces.get((KIND, owner), 0.0)
            number = counted(mine.jobs, "match", "matches")
            ends = f"in {about(mine.jobs / pace)}" if pace and not mine.is_more else NO_ESTIMATE
            if not judge.is_active:
                ends = "paused"
            words = f"more than {number}" if mine.is_more else number
            rows.append(JudgeRow(judge, words, owner in work.judges, ends))
    return rows


def model_name(model: HostModel) -> str:
    """Without the folders around it, and with the beginning of its commit; an adapter is named first."""
    base = Launch(model.source, model.revision[:8]).name
    return f"{Launch(model.adapter, model.adapter_revision[:8]).name} on {base}" if model.adapter else base


def _rate(pace: float) -> str:
    return f"{pace:.0f} a second" if pace >= 2 else f"{max(pace * 60, 1):.0f} a minute"


def about(span: timedelta | float) -> str:
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 60:
        return f"about {max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"about {round(seconds / 3600)} h"
    return f"about {round(seconds / 86400)} days"
