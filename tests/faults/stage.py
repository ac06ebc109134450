"""One running site with work on it: its programs, broker, servers of models, and what its database holds."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from random import Random

from celery import Celery
from django.core.management import call_command
from django.db import Error, connection
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from arena.celery import app
from arena.embedded import postgres
from arena.embedded.places import find_places
from arena.models import Answer, Benchmark, Competitor, Job, Prompt, Submission
from arena.services.pairing import pair_answers
from arena.services.submissions import Entry, accept_endpoint, accept_host_model
from judging.models import Judge
from judging.services.judging import plan_judging, unplanned
from tests.faults import brokers
from tests.faults.processes import Program, Proxy, free_port, wait_for
from tests.servers import Server, running_server

PROMPTS, MODELS = 16, 3
DISK = 16 * 1024 * 1024  # bytes for logs and uploads
PACE = 0.15  # seconds that an answer takes
PATIENCE = float(os.environ.get("FAULTS_PATIENCE", 300))  # seconds after which something waits for ever

# Without these a row that is stored twice would be refused by the database; here it shall be seen.
UNIQUE = {"judging_judgment": "judgment_once", "arena_answer": "answer_once_per_sample"}


class Stage:
    """A site as an operator runs it, in its home: web, two workers, a GPU worker, beat, broker."""

    def __init__(self, home: Path, broker: str, rng: Random) -> None:
        self.home, self.rng, self.number = home, rng, 0
        self.programs: dict[str, Program] = {}
        self.port = free_port()
        (home / "logs").mkdir(exist_ok=True)
        self.small_disk = _mount(home / "logs")
        postgres.ensure_running(home)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.broker = brokers.start(broker, home)
        self.proxy = Proxy(lambda: self.broker.port)
        self._heed_broker()
        self._serving = running_server()
        self.server: Server = self._serving.__enter__()
        self._drop_unique()
        self._make_benchmark()

    # What runs

    @property
    def broker_url(self) -> str:
        return f"{self.broker.scheme}://127.0.0.1:{self.proxy.port}{self.broker.path}"

    @property
    def workers(self) -> list[Program]:
        return [self.programs["worker 1"], self.programs["worker 2"]]

    def start(self) -> None:
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "arena"]
        worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        web = [sys.executable, "-m", "arena.embedded.web", "--host", "127.0.0.1", "--port", str(self.port)]
        commands = {
            "web": [*web, "--workers", "1"],
            "worker 1": [*worker, "--queues", "default,io", "--concurrency", "4", "--hostname", "worker1@%h"],
            "worker 2": [*worker, "--queues", "default,io", "--concurrency", "4", "--hostname", "worker2@%h"],
            "gpu": [*worker, "--queues", "gpu", "--concurrency", "1", "--hostname", "gpu@%h"],
            "beat": [*celery, "beat", "--loglevel", "WARNING", "--schedule", str(self.home / "schedule")],
        }
        for name, command in commands.items():
            self.run(name, command, {"ARENA_POOL": "1"} if name == "web" else {})
        wait_for(self.serves, 120, "the web server to answer")
        self.wait_for_workers()

    def wait_for_workers(self) -> None:
        """Each answers a ping, by connections of its own: those before may be cut, or of another broker."""

        def look() -> bool:
            fresh = Celery(broker=self.broker_url, set_as_current=False)
            with fresh, suppress(OSError, OperationalError, RedisError):
                return len(fresh.control.ping(timeout=2)) == 3
            return False

        wait_for(look, 120, "the workers to answer")

    def run(self, name: str, command: list[str], environment: dict[str, str]) -> Program:
        """Keep a program running."""
        around = os.environ | {"BROKER_URL": self.broker_url, "TMPDIR": str(self.home / "logs")}
        log = self.home / "logs" / f"{name.replace(' ', '-')}.log"
        program = Program(name, command, around | environment, log)
        self.programs[name] = program
        return program

    def end(self, name: str) -> None:
        self.programs.pop(name).stop()

    def serves(self) -> bool:
        """Whether the first page is there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/leaderboard/", timeout=5) as page:
                return page.status == 200
        except OSError:
            return False

    def close(self) -> None:
        for program in self.programs.values():
            program.stop()
        self.proxy.close()
        self.broker.stop()
        self._serving.__exit__(None, None, None)
        connection.close()
        postgres.release(self.home)
        postgres.wait_until_stopped(self.home)
        if not self.small_disk:
            subprocess.run(["umount", self.home / "logs"], check=False)

    def change_broker(self, name: str) -> None:
        """The whole site again, with another broker behind the proxy."""
        for program in list(self.programs):
            self.end(program)
        self.broker.stop()
        self.broker = brokers.start(name, self.home)
        self.proxy.cut()
        self._heed_broker()
        self.start()

    def _heed_broker(self) -> None:
        app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = self.broker_url
        app.conf.broker_transport_options = {}

    # The database

    @property
    def database_url(self) -> str:
        """For programs that know nothing of Django."""
        given = connection.settings_dict
        return f"host={given['HOST']} port={given['PORT']} user={given['USER']} dbname={given['NAME']}"

    def ask(self, question: Callable[[], object]) -> object:
        """The answer of the database, which may be restarting."""
        end = time.monotonic() + 60
        while True:
            try:
                return question()
            except Error:
                connection.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def sql(self, statement: str) -> list[tuple]:
        def run() -> list[tuple]:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

        return self.ask(run)

    def postmaster(self) -> int:
        return int((find_places(self.home).cluster / "postmaster.pid").read_text().splitlines()[0])

    def _drop_unique(self) -> None:
        for table, constraint in UNIQUE.items():
            self.sql(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")

    # The work

    def _make_benchmark(self) -> None:
        self.benchmark = Benchmark.objects.create(slug="faults", name="Faults")
        for number in range(PROMPTS):
            Prompt.objects.create(benchmark=self.benchmark, key=str(number), turns=[f"Question {number}?"])
        for number in range(MODELS):
            competitor = Competitor.objects.create(slug=f"model-{number}", name=f"Model {number}")
            for prompt in self.benchmark.prompts.all():
                turns = ["word " * (number + 1)]
                Answer.objects.create(competitor=competitor, prompt=prompt, turns=turns)
        for prompt in self.benchmark.prompts.all():
            pair_answers(combinations(prompt.answers.all(), 2))

    def plan(self) -> None:
        """New work: a judge for all matches, an endpoint and a model of the GPU host for all prompts."""
        self.number += 1
        self.ask(self._plan)

    def retire(self) -> None:
        """Earlier judges need not judge what is planned from now on."""
        self.ask(lambda: Judge.objects.update(is_active=False))

    def abandon(self) -> None:
        """Forget what a fault that went wrong has left, so that the next one can be tried."""
        self.ask(lambda: Job.objects.unfinished().delete())
        moving = Submission.objects.exclude(state__in=["paired", "failed"])
        self.ask(
            lambda: moving.update(state=Submission.State.FAILED, cause="abandoned", message="Abandoned.")
        )

    def settle(self) -> None:
        """Wait for the end of all work, and let no new matches follow from it."""
        self.drain()
        entered = Competitor.objects.filter(submissions__isnull=False)
        self.ask(lambda: entered.update(withdrawn_at=timezone.now()))
        self.drain()

    def _plan(self) -> None:
        name = f"judge-{self.number}"
        judge = Judge.objects.create(
            slug=name, name=name, engine="openai", base_url=self.server.base_url, model=f"slow:{PACE}"
        )
        plan_judging(judge)
        self.endpoint(f"slow:{PACE}")
        if "gpu" in self.programs:
            self.hosted("slow")

    def endpoint(self, model: str, benchmark: Benchmark | None = None) -> Submission:
        """A submission whose endpoint behaves as the model's name says."""
        entry = Entry(
            user=None, benchmark=benchmark or self.benchmark, name=f"{model} {timezone.now():%M%S%f}"
        )
        return accept_endpoint(entry, base_url=self.server.base_url, model=model, key="", now=timezone.now())

    def hosted(self, source: str, benchmark: Benchmark | None = None) -> Submission:
        """A submission whose model the GPU host serves, with a stand-in for vLLM."""
        entry = Entry(
            user=None, benchmark=benchmark or self.benchmark, name=f"{source} {timezone.now():%M%S%f}"
        )
        options = {"revision": "", "dtype": "auto", "max_model_len": None}
        submission = accept_host_model(entry, source=source, now=timezone.now(), **options)
        submission.note_checked(submission.host_model, timezone.now())
        return submission

    def running(self, worker: str = "") -> set[int]:
        """Jobs that are under way."""
        rows = Job.objects.filter(state=Job.State.RUNNING, worker__startswith=worker)
        return set(self.ask(lambda: list(rows.values_list("pk", flat=True))))

    def unfinished(self, jobs: set[int]) -> int:
        return self.ask(lambda: Job.objects.unfinished().filter(pk__in=jobs).count())

    def is_drained(self) -> bool:
        """Whether nothing is left to do: neither a job, nor a submission, nor a match without a job."""

        def look() -> bool:
            moving = Submission.objects.exclude(state__in=["paired", "failed"])
            given_up = Submission.objects.filter(state=Submission.State.FAILED).values("pk")
            jobs = Job.objects.unfinished().exclude(kind="answer", owner__in=given_up)
            return not (
                jobs.exists()
                or moving.exists()
                or any(unplanned(judge, None).exists() for judge in Judge.objects.active())
            )

        return bool(self.ask(look))

    def hurry(self) -> None:
        """Whatever waits for a later attempt is due now."""
        self.sql("UPDATE arena_submission SET next_attempt_at = NULL")
        self.sql("UPDATE arena_job SET next_attempt_at = NULL WHERE state = 'pending'")

    def drain_in_a_hurry(self) -> None:
        def look() -> bool:
            self.hurry()
            return self.is_drained()

        wait_for(look, PATIENCE, "for everything to end or fail")

    def drain(self) -> None:
        wait_for(self.is_drained, PATIENCE, f"for the work to end: {self.left()}")

    def left(self) -> str:
        return str(self.ask(lambda: list(Job.objects.unfinished().values("kind", "state", "error_code")[:5])))


def _mount(folder: Path) -> str:
    """Put a small disk there, for logs and uploads. Why that cannot be, or nothing."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip()
