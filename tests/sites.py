"""The whole site as `manage.py run` starts it, in a home of its own, for tests that kill parts of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from arena.embedded.places import find_places
from tests.faults.processes import command_of

ROOT = Path(settings.BASE_DIR)


class Site:
    """`manage.py run` in a home of its own; ``environment`` is added to this process's."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        unwanted = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")
        self.environment = {key: value for key, value in os.environ.items() if key not in unwanted} | {
            "ARENA_HOME": str(home),
            "PORT": str(port),
            "LEASE_SECONDS": "3",
            **environment,
        }

    def start(self) -> None:
        """Start the site and wait until it serves."""
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        end = time.monotonic() + 120
        while "The arena is at" not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.2)

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def manage(self, *words: str) -> str:
        """What a command prints."""
        run = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def evaluate(self, code: str) -> dict:
        """What Python code in the site's own process prints last, as JSON."""
        return json.loads(self.manage("shell", "--no-imports", "-c", code).splitlines()[-1])

    def wait_until(self, code: str, is_so: Callable[[dict], bool], seconds: float) -> dict:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.evaluate(code)
            if is_so(found):
                return found
            time.sleep(0.5)
        pytest.fail(f"after {seconds} s: {found}\n{self.log[-3000:]}")

    def children(self, *words: str) -> list[psutil.Process]:
        """Processes below this site's supervisor whose command line holds all the words."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in below if all(word in command_of(process) for word in words)]

    def kill(self, *words: str) -> None:
        """kill -9 of the processes found, then the end of the whole site."""
        found = self.children(*words)
        assert found, f"no process {words}"
        for process in found:
            process.send_signal(signal.SIGKILL)
        assert self.process.wait(30) == 1  # a dead child ends the site with a sentence

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(90) == 0  # a worker has a minute to drain
        except subprocess.TimeoutExpired:
            for process in [*self.children(), self.process]:
                process.kill()
            raise


@contextmanager
def running_site(home: Path, **environment: str) -> Iterator[Site]:
    """A site that is up, until the block ends."""
    home.mkdir(exist_ok=True)
    site = Site(home, **environment)
    try:
        site.start()
        yield site
    finally:
        if site.process.poll() is None:
            site.stop()
        shutil.rmtree(find_places(home).base, ignore_errors=True)
