"""``manage.py run``: the whole site, its database, broker, worker and scheduler, from one command."""

import hashlib
import os
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from kombu import Connection

from arena import jobs
from arena.embedded import checks, postgres, valkey
from arena.embedded.places import EmbeddedError
from arena.embedded.supervisor import Child, ChildDied, Signals, Supervisor
from arena.management.commands.gpu_workers import CELERY, gpu_workers, worker_command
from arena.models import Benchmark, HostWorker
from arena.services.workers import LAST_SECONDS
from judging.models import KIND, Judge
from leaderboard.services.demo import NO_DEMO

AGAIN = "Start again with `make run`; if it happens again, its lines above say why."


class Command(BaseCommand):
    help = "Run the whole site: database, broker, web server, worker and scheduler. Ctrl-C stops it."
    requires_system_checks = []  # the web server's start does not wait for them; `manage.py check` runs them

    def add_arguments(self, parser):
        parser.add_argument(
            "--host", default=os.environ.get("HOST") or "127.0.0.1", help="default: HOST or 127.0.0.1"
        )
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="default: PORT or 8000")
        parser.add_argument("--workers", type=int, default=2, help="web processes, default 2")
        parser.add_argument(
            "--no-demo", action="store_true", help="do not load the demo arena into an empty database"
        )

    def handle(self, *, host, port, workers, no_demo, **options):
        signals = Signals()
        home = settings.ARENA_HOME
        try:
            port = _whole_number(port)
            checks.check_folder(home)
            place = checks.take_place(home)
            checks.check_port(host, port)
            self._prepare(no_demo)
            self._serve(signals, host, port, workers)
            os.close(place)
        except (EmbeddedError, ChildDied) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped before the site was up.", returncode=130) from None
        finally:
            signals.interrupting = False
            self._stop_database(home)

    def _prepare(self, no_demo: bool) -> None:
        """Everything that must be there before the first request."""
        self._say("Starting the database.")
        if settings.EMBEDDED_DATABASE:
            postgres.ensure_running(settings.ARENA_HOME)
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise EmbeddedError(
                f"The database does not answer. Check DATABASE_URL. It said: {error}"
            ) from None
        if not settings.EMBEDDED_BROKER:
            _check_broker()
        _migrate(self._say)
        if settings.EMBEDDED_DATABASE:
            for name in HostWorker.objects.values_list("name", flat=True):
                jobs.give_back_of(name)  # one site a home: what its workers held when it stopped is free
        _collect_static(settings.ARENA_HOME, self._say)
        if not no_demo:
            _load_demo(self._say)
        _register_judge(self._say)
        connections.close_all()

    def _serve(self, signals: Signals, host: str, port: int, workers: int) -> None:
        supervisor = Supervisor(
            signals,
            stop_order=["beat", "web", "gpu", "worker", "broker"],
            folder=str(settings.BASE_DIR),
            grace=settings.DRAIN_SECONDS + LAST_SECONDS,
        )

        self._say("Starting the web server, the worker and the scheduler.")
        supervisor.run(_children(host, port, workers), lambda: supervisor.say(_greeting(host, port)))
        self._say("Stopped the web server, the worker and the scheduler.")

    def _stop_database(self, home: Path) -> None:
        connections.close_all()
        if settings.EMBEDDED_DATABASE and postgres.release(home) and not postgres.wait_until_stopped(home):
            self._say("The database stays up for another program that uses it.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise EmbeddedError(f"PORT must be a number from 1 to 65535, not {text!r}.") from None


def _migrate(say) -> None:
    """Bring the tables up to date; with nothing to do this takes a few milliseconds."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Bringing the tables up to date.")
        call_command("migrate", interactive=False, verbosity=0)


def _collect_static(home: Path, say) -> None:
    """Collect and compress style sheets and scripts, only when one of them changed."""
    seen = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            seen.update(f"{name}\0".encode() + hashlib.sha256(Path(storage.path(name)).read_bytes()).digest())
    stamp = home / "static" / ".collected"
    if stamp.exists() and stamp.read_text() == seen.hexdigest():
        return
    say("Collecting the style sheets and scripts.")
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(seen.hexdigest())


def _load_demo(say) -> None:
    """Fill an empty arena, unless its operator cleared the demo once."""
    if Benchmark.objects.exists() or (settings.ARENA_HOME / NO_DEMO).exists():
        return
    say("Loading the demo arena.")
    call_command("load_demo")


def _register_judge(say) -> None:
    """The judge named by JUDGE_URL, JUDGE_MODEL and JUDGE_KEY; its key stays in the environment."""
    url, model = os.environ.get("JUDGE_URL"), os.environ.get("JUDGE_MODEL")
    if not url and not model:
        return
    if not (url and model):
        raise EmbeddedError(
            "A judge needs both: make run JUDGE_URL=http://localhost:11434/v1 JUDGE_MODEL=qwen2.5:7b"
        )
    say(f"Registering {model} at {url} as a judge.")
    call_command("register_judge", "main", url=url, model=model, key_variable="JUDGE_KEY")
    if judge := Judge.objects.named("main"):
        jobs.retry_failed(KIND, judge.pk)  # with another key or a server that is back, nothing waits


def _check_broker() -> None:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=5) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0.5, timeout=10)
    except Exception as error:  # each transport has its own
        raise EmbeddedError(f"The broker does not answer. Check BROKER_URL. It said: {error}") from None


def _children(host: str, port: int, workers: int) -> list[Child]:
    home = settings.ARENA_HOME
    common = {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "ARENA_HOME": str(home)}
    signin = reverse(settings.LOGIN_URL)  # a page that changes nothing
    broker = Child(
        "broker",
        valkey.prepare(home),
        AGAIN,
        is_ready=lambda: valkey.answers(home),
        mute=("Memory overcommit", "Received SIGTERM", "is now ready to exit"),
    )
    web = [sys.executable, "-m", "arena.embedded.web", "--host", host, "--port", str(port)]
    web += ["--workers", str(workers)]
    mute = ("Hitting Ctrl+C",)
    serves = bool(settings.VLLM_PYTHON)
    others = "" if serves else ",gpu"  # no queue may be left without a worker
    # Who presses Ctrl-C waits: what is under way is given back sooner than on a server.
    working = common | {"DRAIN_SECONDS": os.environ.get("DRAIN_SECONDS") or "5"}
    return [
        *([broker] if settings.EMBEDDED_BROKER else []),
        # The worker and the scheduler wait for the first answer: on two cores the pages come sooner.
        Child(
            "web", web, AGAIN, common | {"ARENA_POOL": "1"}, lambda: checks.site_answers(host, port, signin)
        ),
        Child("worker", worker_command("worker", "default,io" + others, 6), AGAIN, working, mute=mute),
        *(gpu_workers(working, AGAIN) if serves else []),
        Child("beat", [*CELERY, "beat", "--loglevel", "WARNING"], AGAIN, common),
    ]


def _greeting(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    lines = ["", f"  The arena is at http://{shown}:{port}/"]
    password = settings.ARENA_HOME / "demo-password"
    if password.exists():
        lines.append(f"  Sign in as demo with the password {password.read_text().strip()}")
    if host not in ("127.0.0.1", "localhost", "::1"):
        lines.append("  To reach it by other names or addresses, list them in ALLOWED_HOSTS.")
    return "\n".join([*lines, "  Ctrl-C stops it.", ""])
