"""``manage.py run`` as an operator sees it: real processes, private folder and port."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from celery import Celery

from arena import embedded
from tests.arena.embedded.conftest import AS_ROOT, ROOT, User, is_stopped, wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def home():
    """One home for all runs of this file (collecting the style sheets takes a while), with a space."""
    folder = Path(tempfile.mkdtemp(prefix="arena-test-"))
    folder.chmod(0o755)
    yield folder / "my arena"
    for left in Run.started:
        if left.poll() is None:
            left.kill()
    wait_for(lambda: is_stopped(folder / "my arena"), 30)
    shutil.rmtree(folder)


class Run:
    """A running site."""

    started: list[subprocess.Popen] = []

    def __init__(
        self, home: Path, port: int | None = None, *, ignore_sigint: bool = False, **environment: str
    ):
        self.home = home
        self.port = port or free_port()
        clean = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL")
        }
        self.environment = clean | {"ARENA_HOME": str(home), "PORT": str(self.port)} | environment
        before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignore_sigint else signal.SIG_DFL)
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--no-demo"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        self.started.append(self.process)

    def wait_until_up(self):
        wait_for(lambda: self.process.poll() is not None or self.status(), 150)
        assert self.process.poll() is None, self.process.stdout.read()
        return self

    def status(self) -> int | None:
        """The status of any HTTP answer."""
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).status
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            return None

    def end(self) -> tuple[int, str]:
        said = self.process.communicate(timeout=90)[0]
        return self.process.returncode, said

    def family(self) -> list[psutil.Process]:
        """What lives of it: its session, and whatever names its home (the database has its own session)."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            ours = any(str(self.home) in word for word in process.info["cmdline"] or [])
            try:
                ours = ours or os.getsid(process.pid) == self.process.pid
            except ProcessLookupError:
                continue
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found


def pong(home: Path) -> bool:
    """Whether the worker hears the broker, at a socket whose path has a space."""
    return bool(Celery(broker=embedded.broker_url(home)).control.ping(timeout=1))


def test_it_serves_shares_its_database_and_stops_on_sigint(home):
    site = Run(home, ignore_sigint=True).wait_until_up()
    wait_for(lambda: pong(home), 90)
    assert len(site.family()) >= 6  # the run, the broker, web, worker, beat, the database

    status, said = Run(home).end()
    assert (status, "is running already" in said) == (1, True)

    user = User(home)  # any command beside the running site
    assert user.said == "ready"
    site.process.send_signal(signal.SIGINT)
    status, said = site.end()
    assert status == 0
    assert f"The arena is at http://127.0.0.1:{site.port}/" in said
    assert "stays up for another program" in said
    assert not is_stopped(home)
    user.end()
    wait_for(lambda: site.family() == [])


def test_nothing_is_left_by_kill_9_nor_by_a_dead_child(home):
    site = Run(home).wait_until_up()
    if sys.platform == "linux":  # the kernel ends children with their parent there alone
        site.process.kill()
        site.process.communicate()
        wait_for(lambda: site.family() == [], 30)
        site = Run(home).wait_until_up()
    beat = wait_for(lambda: next((one for one in site.family() if "beat" in one.cmdline()), None), 30)
    beat.kill()
    status, said = site.end()
    assert status == 1
    assert "The beat process ended (killed by SIGKILL)" in said
    assert site.family() == []


def test_sigterm_while_it_prepares(home):
    site = Run(home, ignore_sigint=True)
    assert site.process.stdout.readline() == "Starting the database.\n"
    site.process.send_signal(signal.SIGTERM)
    status, said = site.end()
    assert (status, said) == (130, "CommandError: Stopped before the site was up.\n")
    assert site.family() == []


def test_a_port_in_use_is_a_sentence(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = Run(home, port).end()
    assert status == 1
    assert f"Port {port} on 127.0.0.1 is in use." in said
    assert f"make run PORT={port + 1}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT must be a number from 1 to 65535, not 'eighty'."),
        ({"HOST": "192.0.2.1"}, "cannot listen on HOST=192.0.2.1"),
        ({"JUDGE_URL": "http://localhost:1/v1"}, "A judge needs both"),
        (
            {"DATABASE_URL": "postgresql://arena@127.0.0.1:1/arena", "BROKER_URL": "redis://127.0.0.1:1/0"},
            "The database does not answer. Check DATABASE_URL.",
        ),
    ],
)
def test_what_cannot_work_is_a_sentence(home, environment, sentence):
    site = Run(home, **environment)
    status, said = site.end()
    assert status == 1
    assert sentence in said
    assert "Traceback" not in said
    assert site.family() == []


def test_a_folder_that_cannot_be_written_is_a_sentence(home):
    folder = home.parent / "closed"
    folder.mkdir(mode=0o555)
    blocked = folder / "home"
    if AS_ROOT:  # root writes everywhere, but not below a file
        blocked = home.parent / "file" / "home"
        blocked.parent.touch()
    for environment in ({}, {"SECRET_KEY": "given"}):
        status, said = Run(blocked, **environment).end()
        assert status == 1
        assert "set ARENA_HOME to another folder" in said
        assert "Traceback" not in said
