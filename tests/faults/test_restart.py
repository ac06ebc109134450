"""kill -9 of the worker and of the broker in mid-judging, on the whole site as `make run` starts it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from arena.embedded.places import find_places
from tests.servers import running_server

ROOT = Path(settings.BASE_DIR)
DEMO_MATCHES = 504  # 7 models make 21 pairs on each of 24 prompts

COUNT = """
import json
from django.db.models import Count
from arena.models import Job
from judging.models import Judgment
rows = Judgment.objects.filter(judge__name="main")
print(json.dumps({
    "judgments": rows.count(),
    "distinct": rows.values("match", "order").distinct().count(),
    "matches": rows.values("match").distinct().count(),
    "unscored": rows.filter(winner="").count(),
    "open": Job.objects.filter(state__in=["pending", "running"]).count(),
    "failed": Job.objects.filter(state="failed").count(),
}))
"""


class Site:
    """`manage.py run` in a home of its own."""

    def __init__(self, home: Path, judge_url: str) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        unwanted = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")
        self.environment = {key: value for key, value in os.environ.items() if key not in unwanted} | {
            "ARENA_HOME": str(home),
            "PORT": str(port),
            "LEASE_SECONDS": "3",
            "JUDGE_URL": judge_url,
            "JUDGE_MODEL": "slow:0.6",
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

    def count(self) -> dict:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", COUNT]
        run = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout.splitlines()[-1])

    def wait_until(self, is_so, seconds: float) -> dict:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.count()
            if is_so(found):
                return found
            time.sleep(0.5)
        pytest.fail(f"after {seconds} s: {found}\n{self.log[-3000:]}")

    def children(self, *words: str) -> list[psutil.Process]:
        """Processes below this site's supervisor whose command line holds all the words."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in below if all(word in " ".join(process.cmdline()) for word in words)]

    def kill(self, *words: str) -> None:
        """kill -9 of the processes found, then the end of the whole site."""
        found = self.children(*words)
        assert found, f"no process {words}"
        for process in found:
            process.send_signal(signal.SIGKILL)
        assert self.process.wait(30) == 1  # a dead child ends the site with a sentence

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0


@pytest.fixture
def site(tmp_path):
    with running_server() as server:
        home = tmp_path / "home"
        home.mkdir()
        site = Site(home, server.base_url)
        try:
            site.start()
            yield site
        finally:
            if site.process.poll() is None:
                site.stop()
            shutil.rmtree(find_places(home).base, ignore_errors=True)


def test_each_match_is_judged_once_per_order(site):
    site.wait_until(lambda found: found["judgments"] > 50, 90)
    site.kill("celery", "worker")
    assert "worker" in site.log

    site.start()
    before = site.count()["judgments"]
    site.wait_until(lambda found: found["judgments"] > before + 50, 60)
    site.kill("valkey-server")

    site.start()
    found = site.wait_until(lambda found: found["open"] == 0 and found["judgments"], 90)
    assert found == {
        "judgments": 2 * DEMO_MATCHES,
        "distinct": 2 * DEMO_MATCHES,
        "matches": DEMO_MATCHES,
        "unscored": 0,
        "open": 0,
        "failed": 0,
    }
