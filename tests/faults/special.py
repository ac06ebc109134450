"""Faults that bring work of their own: each plans it, waits for its end, and says what else must be true."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from arena.models import Benchmark, Job, Prompt, Submission, Vote
from tests.faults.processes import wait_for
from tests.faults.stage import DISK, PATIENCE, Stage
from tests.faults.visitors import Visitor, at_once

HOURS = 2
VOTERS = 24
LARGE = 4 * 1024 * 1024  # bytes of a file that is not kept in memory
SHIFTED = Path(__file__).with_name("shifted_clock.c")
# What an endpoint does, by the names of tests.servers, and the causes that a submission may end with.
MOODS = {
    "limited:1": {""},
    "fails:2": {""},
    "fails": {"server_error"},
    "status:401": {"unauthorized"},
    "html": {"bad_response"},
    "truncated": {"bad_response"},
    "cut": {"connection_lost", "engine_died"},
    "nothing": {"empty"},
    "drip": {"timeout"},
}


class Skipped(Exception):
    """This fault cannot be made on this machine; the message says why."""


def bad_endpoints(stage: Stage) -> None:
    """Those that recover are answered, the others fail with their cause."""
    found = {mood: stage.ask(lambda mood=mood: stage.endpoint(mood)) for mood in MOODS}
    stage.drain_in_a_hurry()
    for mood, submission in found.items():
        submission.refresh_from_db()
        assert submission.cause in MOODS[mood], (mood, submission.state, submission.cause)
        assert (submission.state == "failed") == bool(submission.cause), (mood, submission.state)


def poison(stage: Stage) -> None:
    """One prompt on which the server dies: an endpoint's, and a vLLM of ours."""
    benchmark = Benchmark.objects.create(slug="poison", name="Poison")
    for number in range(12):
        turns = ["poison" if number == 5 else f"Question {number}?"]
        Prompt.objects.create(benchmark=benchmark, key=str(number), turns=turns)
    both = [stage.endpoint("poisoned", benchmark), stage.hosted("poisoned", benchmark)]
    stage.drain_in_a_hurry()
    for submission in both:
        failed = Job.objects.filter(kind="answer", owner=submission.pk, state=Job.State.FAILED)
        assert [job.error_code for job in failed] == ["engine_died"], list(failed.values())
        assert submission.answers.count() == 11, submission.answers.count()


def out_of_memory(stage: Stage) -> None:
    """A model that does not fit fails with that cause, and the one after it is served."""
    tight, sound = stage.hosted("out-of-memory"), stage.hosted("slow")
    stage.drain_in_a_hurry()
    tight.refresh_from_db()
    sound.refresh_from_db()
    assert (tight.state, tight.cause) == ("failed", "out_of_memory"), (tight.state, tight.cause)
    assert sound.state == Submission.State.PAIRED, sound.state


def two_schedulers(stage: Stage) -> None:
    other = str(stage.home / "schedule-2")
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "arena", "beat", "--schedule", other]
    stage.run("second beat", command, {})
    stage.plan()
    stage.drain()
    stage.end("second beat")


def odd_clocks(stage: Stage) -> None:
    """One worker is two hours ahead and one behind; no other works."""
    compiler = shutil.which("cc")
    if not compiler or sys.platform != "linux":
        raise Skipped("shifting the clock of a process needs Linux and a C compiler")
    library = stage.home / "shifted_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SHIFTED, "-ldl"], check=True)
    commands = {name: stage.programs[name].command for name in ("worker 1", "worker 2")}
    for sign, (name, command) in zip((1, -1), commands.items(), strict=True):
        stage.end(name)
        shift = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(sign * HOURS * 3600)}
        stage.run(name, command, shift)
    stage.plan()
    stage.drain()
    for name, command in commands.items():
        stage.end(name)
        stage.run(name, command, {})
    stage.wait_for_workers()


def one_vote_by_many(stage: Stage) -> None:
    """The same vote from 64 threads is one vote."""
    visitor = Visitor(stage.port)
    token = visitor.next_pair()
    statuses = at_once(64, lambda number: visitor.vote(token))
    assert max(statuses) < 500, statuses
    assert Vote.objects.filter(ballot__token=token).count() == 1


def kill_in_mid_vote(stage: Stage) -> None:
    """What the server accepted before it died is there; what got no reply is cast again, and counts once."""
    visitors = [Visitor(stage.port) for _ in range(VOTERS)]
    tokens = [visitor.next_pair() for visitor in visitors]
    accepted = set()

    def vote(number: int) -> int:
        if not number:
            time.sleep(stage.rng.uniform(0, 0.05))
            stage.programs["web"].signal(signal.SIGKILL)
            return 0
        with suppress(OSError, HTTPException):
            status = visitors[number - 1].vote(tokens[number - 1])
            accepted.update({tokens[number - 1]} if status == 200 else ())
        return 0

    at_once(VOTERS + 1, vote)
    kept = Vote.objects.filter(ballot__token__in=accepted).count()
    assert kept == len(accepted), (kept, len(accepted))
    wait_for(stage.serves, PATIENCE, "for the web server to answer again")
    for visitor, token in zip(visitors, tokens, strict=True):
        status = visitor.vote(token)
        assert status < 500, status
    stored = Vote.objects.filter(ballot__token__in=tokens).count()
    assert stored == VOTERS, stored


def disk_full(stage: Stage) -> None:
    """Logs and uploads find no room: the work goes on, and the page says so and keeps nothing."""
    if stage.small_disk:
        raise Skipped(f"no small disk could be mounted: {stage.small_disk}")
    visitor = Visitor(stage.port)
    visitor.sign_up("alice")
    visitor.upload(stage.benchmark.slug, "x" * LARGE)  # Python looks for a folder with room once
    with _filled(stage.home / "logs" / "filler"):
        _work_without_room(stage, visitor)
    status, page = visitor.upload(stage.benchmark.slug, "{}")
    assert "no room" not in page, status


def _work_without_room(stage: Stage, visitor: Visitor) -> None:
    stage.plan()
    before = Submission.objects.count()
    # Twice as much, since the first one's file may have been removed after the disk was filled.
    status, page = visitor.upload(stage.benchmark.slug, "x" * (2 * LARGE))
    assert "no room" in page, (status, page[:2000])
    assert Submission.objects.count() == before
    stage.drain()


@contextmanager
def _filled(path: Path) -> Iterator[None]:
    """A file that takes all the room of its disk, for the block."""
    try:
        with path.open("wb", buffering=0) as file, suppress(OSError):
            for _ in range(DISK // 65536 + 1):  # and no more, should this be another disk
                file.write(b"\0" * 65536)
        yield
    finally:
        path.unlink()
