"""Homes for real embedded servers, and programs that use them. All is stopped and removed at the end."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from arena.embedded import postgres
from arena.embedded.places import SHARED, find_places

ROOT = Path(__file__).resolve().parents[3]
AS_ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")

# Counts itself among the users, says so, and ends when its standard input does.
USER = """
import sys
from pathlib import Path
from arena.embedded import postgres
postgres.ensure_running(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


def wait_for(condition, limit: float = 15):
    """Poll until the condition holds; what it returned, or a failure after ``limit`` seconds."""
    give_up = time.monotonic() + limit
    while not (found := condition()):
        if time.monotonic() > give_up:
            logs = [
                path.read_text()[-3000:]
                for path in Path(tempfile.gettempdir()).glob("arena-test-*/*/postgres.log")
            ]
            pytest.fail("waited in vain\n" + "\n---\n".join(logs))
        time.sleep(0.05)
    return found


def postmaster(home: Path) -> psutil.Process | None:
    """The server's first process, when it runs."""
    pid_file = find_places(home).cluster / "postmaster.pid"
    try:
        return psutil.Process(int(pid_file.read_text().split()[0]))
    except (OSError, psutil.Error, IndexError):  # it may be empty, just before its number is written
        return None


def is_stopped(home: Path) -> bool:
    return not postgres.is_running(home) and postmaster(home) is None


class User:
    """Another process that uses the database of ``home``."""

    def __init__(self, home: Path, code: str = USER, **options):
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            **options,
        )
        self.said = self.process.stdout.readline().strip()

    def end(self) -> str:
        """Let it end by itself; its standard error."""
        return self.process.communicate(timeout=30)[1]


@pytest.fixture
def folder():
    """A new folder that every user may enter (pytest's own are closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="arena-test-"))
    path.chmod(0o755)
    homes: list[Path] = []
    yield path, homes
    for home in homes:
        postgres.release(home)
        wait_for(lambda home=home: is_stopped(home), 30)
        places = find_places(home)
        for left in (places.base, places.sockets):
            if left.is_relative_to(SHARED) or left.name.startswith("arena-"):
                shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def new_home(folder):
    """Makes homes in the folder: ``new_home("with a space")``."""

    def make(name: str = "home") -> Path:
        folder[1].append(folder[0] / name)
        return folder[0] / name

    return make


@pytest.fixture
def home(new_home) -> Path:
    return new_home()
