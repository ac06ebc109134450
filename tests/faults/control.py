"""Plain Celery (tests.faults.plain) under the same fault.

It loses work; so the harness can see work being lost, and the queue in the database is worth its trouble.
"""

import sys
import time

from tests.faults import brokers
from tests.faults.checks import Findings
from tests.faults.plain import app, write
from tests.faults.processes import wait_for
from tests.faults.stage import PATIENCE, Stage

TASKS = 100
QUIET_SECONDS = 5.0  # without a result, after which nothing more comes


def lose_work(stage: Stage) -> Findings:
    """kill -9 of a broker that appends nothing, in the middle of the work."""
    broker = brokers.start("valkey without AOF", stage.home)
    stage.sql("CREATE TABLE plain (number int)")
    url = f"redis://127.0.0.1:{broker.port}/0"
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.faults.plain", "worker"]
    program = stage.run(
        "plain",
        [*command, "--concurrency", "2", "--loglevel", "WARNING"],
        {"BROKER_URL": url, "PLAIN_DATABASE": stage.database_url, "DJANGO_SETTINGS_MODULE": ""},
    )
    try:
        with app.connection_for_write(url) as line:
            for number in range(TASKS):
                write.apply_async([number], connection=line)
        wait_for(lambda: len(_written(stage)) > 10, PATIENCE, "for plain Celery to begin")
        broker.kill()
        _wait_until_quiet(stage)
    finally:
        program.stop()
        broker.stop()
    rows = _written(stage)
    return Findings(planned=TASKS, lost=TASKS - len(set(rows)), doubled=len(rows) - len(set(rows)))


def _written(stage: Stage) -> list[int]:
    return [number for (number,) in stage.sql("SELECT number FROM plain")]


def _wait_until_quiet(stage: Stage) -> None:
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if len(_written(stage)) != seen:
            seen, since = len(_written(stage)), time.monotonic()
        time.sleep(0.2)
