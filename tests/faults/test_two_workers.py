"""kill -9 of one of two hosts' workers, which share one database and one broker and nothing else.

Each has a home, queues, limits and a name of its database connections of its own. The endpoint answers a few
prompts and then holds all others until the test lets go, so that both surely have work when one dies.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from arena import embedded
from arena.embedded import valkey
from arena.embedded.places import find_places
from arena.models import Answer, Job, Match, Submission
from arena.sealing import seal
from judging.models import Judgment
from tests.factories import make_benchmark, make_endpoint, make_judge
from tests.servers import Server, running_server

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = 40
BEFORE = 6  # answers that the endpoint gives before it holds all others
NORTH, SOUTH = 3, 5  # requests that each host has in flight
KEYS = "the same sealing key on both hosts"
HOLDERS = """
    SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = 1 AND objid = ANY(
        SELECT (hashtext('submission ' || id)::bigint & 4294967295)::oid FROM arena_submission)
"""


class Gate:
    """What the endpoint says: at once for the first few prompts, for others when it is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.left = BEFORE

    def answer(self, prompt: str) -> str:
        with self.lock:
            self.left -= 1
            held = self.left < 0
        if held:
            self.open.wait(240)
        return f"An answer to {prompt}"


def database(name: str) -> str:
    """The address of this test's database; its connections are called ``name``."""
    given = connection.settings_dict
    who = quote(given["USER"]) + (f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else "")
    place = f"host={quote(given['HOST'])}&application_name={name}"
    return f"postgresql://{who}@:{given['PORT'] or 5432}/{given['NAME']}?{place}"


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, all of which is gone at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a program and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


class Hosts:
    """A broker, a scheduler, and hosts by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        broker = folder / "broker"
        self.stack.callback(shutil.rmtree, find_places(broker).base, ignore_errors=True)
        self.stack.enter_context(running(valkey.prepare(broker), folder / "broker.log"))
        wait_until(lambda: valkey.answers(broker), self)
        self.broker = embedded.broker_url(broker)
        self.start("beat", ["beat"])

    def start(self, name: str, words: list[str], **environment: str) -> subprocess.Popen[bytes]:
        home = self.folder / name
        home.mkdir()
        shared = {
            "DATABASE_URL": database(name),
            "BROKER_URL": self.broker,
            "SECRET_KEY": "the same on both hosts",
            "SEALING_KEYS": KEYS,
            "ENDPOINT_ALLOW": "127.0.0.1",
            "ARENA_HOME": str(home),
        }
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "arena"]
        command = [*celery, *words, "--loglevel", "WARNING"]
        log = self.folder / f"{name}.log"
        return self.stack.enter_context(running(command, log, **shared, **environment))

    def worker(self, name: str, queues: str, **environment: str) -> subprocess.Popen[bytes]:
        words = ["worker", "--hostname", f"{name}@%h", "--queues", queues, "--concurrency", "1"]
        return self.start(name, words, **environment)

    @property
    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.log"))


def wait_until(is_so: Callable[[], bool], hosts: Hosts, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            pytest.fail(f"not so after {seconds} s\n{hosts.logs}")
        time.sleep(0.2)


def holders() -> set[str]:
    """The hosts that hold a submission."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return {name for (name,) in cursor.fetchall()}


def prompts_asked(server: Server) -> Counter[tuple[str, str]]:
    """How often each prompt was asked of each model."""
    return Counter((body["model"], json.dumps(body["messages"])) for body in server.bodies)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def server(gate):
    with running_server(gate.answer) as server:
        yield server
        gate.open.set()


@pytest.fixture
def hosts(tmp_path):
    hosts = Hosts(tmp_path)
    with hosts.stack:
        yield hosts


def test_the_other_host_ends_the_work_of_a_killed_one(server, gate, hosts):
    benchmark = make_benchmark(PROMPTS)
    make_judge("longest")
    for model in ("first", "second"):
        submission = make_endpoint(benchmark, server.base_url, model=model)
        submission.endpoint.sealed_key = seal("sk-shared", [KEYS])
        submission.endpoint.save()

    short = {"LEASE_SECONDS": "3"}
    north = hosts.worker("north", "io", ENDPOINT_CONCURRENCY=str(NORTH), **short)
    hosts.worker("south", "default,io", ENDPOINT_CONCURRENCY=str(SOUTH), **short)
    # Each host holds one submission and has as many requests under way as its own limit says.
    wait_until(lambda: holders() == {"north", "south"} and server.busy == NORTH + SOUTH, hosts)
    asked_before = prompts_asked(server)
    stored_before = set(Answer.objects.values_list("pk", flat=True))
    assert max(asked_before.values()) == 1

    kill(north)
    gate.open.set()
    wait_until(lambda: not Submission.objects.exclude(state=Submission.State.PAIRED).exists(), hosts)
    wait_until(
        lambda: Judgment.objects.count() == 2 * PROMPTS and not Job.objects.unfinished().exists(), hosts
    )

    # Two submissions of 40 prompts: each answered once, each pair matched once and judged once in each order.
    answers = Answer.objects.values_list("submission", "prompt")
    assert answers.count() == len(set(answers)) == 2 * PROMPTS
    assert stored_before <= set(Answer.objects.values_list("pk", flat=True))
    assert Match.objects.count() == PROMPTS
    rulings = Judgment.objects.values_list("match", "order")
    assert rulings.count() == len(set(rulings)) == 2 * PROMPTS
    assert not Job.objects.filter(state=Job.State.FAILED).exists()
    # Asked again is what the killed one had not stored, and nothing else.
    again = [count for count in prompts_asked(server).values() if count > 1]
    assert set(again) <= {2}
    assert NORTH <= len(again) <= NORTH + BEFORE
    assert {headers["authorization"] for headers in server.headers} == {"Bearer sk-shared"}
