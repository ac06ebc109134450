"""Runs the faults one after the other, and prints the table."""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from django.conf import settings
from rich.console import Console
from rich.table import Table

from arena.models import Job
from tests.faults import BROKERS, brokers, control
from tests.faults.cases import FAULTS, Fault
from tests.faults.checks import Findings, look
from tests.faults.processes import wait_for
from tests.faults.special import Skipped
from tests.faults.stage import PATIENCE, Stage

GRACE = 10.0  # seconds beyond the lease, in which a site has recovered from a kill
ELSEWHERE = ("kill -9 of a worker,", "kill -9 of the broker", "broker emptied")  # with every broker


class Row(NamedTuple):
    """``seconds`` is the longest recovery; ``wrong`` says in words what should not be."""

    fault: str
    times: int = 0
    findings: Findings | None = None
    seconds: float = 0.0
    wrong: str = ""
    skipped: str = ""


class Run:
    """All faults on one broker; ``bound`` are the seconds in which kills must be over."""

    def __init__(self, stage: Stage, console: Console, bound: float) -> None:
        self.stage, self.console, self.bound = stage, console, bound
        self.rows: list[Row] = []

    def try_fault(self, fault: Fault, times: int) -> None:
        begun = time.monotonic()
        try:
            row = self._try(fault, times)
        except Skipped as reason:
            row = Row(fault.name, skipped=str(reason))
        except (AssertionError, TimeoutError, LookupError) as error:
            row = Row(fault.name, times, wrong=f"{type(error).__name__}: {error}")
            self._show_logs()
            self.stage.abandon()
        self.rows.append(row)
        said = row.skipped or f"{row.times} times, {row.seconds:.1f} s, {row.findings} {row.wrong[:300]}"
        self.console.print(f"{time.monotonic() - begun:4.0f} s  {fault.name}: {said}", markup=False)

    def _try(self, fault: Fault, times: int) -> Row:
        since = max([0, *Job.objects.order_by("-pk").values_list("pk", flat=True)[:1]])
        self.stage.retire()
        seconds = max(self._strike(fault) for _ in range(times))
        self.stage.settle()
        findings = look(self.stage, since)
        late = fault.kills and not fault.special and seconds > self.bound
        wrong = f"recovered after more than {self.bound:g} s" if late else ""
        return Row(fault.name, times, findings, seconds, wrong if findings.is_clean else "lost or doubled")

    def _strike(self, fault: Fault) -> float:
        """One strike at a random moment of work; seconds until all that was under way has ended."""
        stage = self.stage
        if fault.special:
            begun = time.monotonic()
            fault.strike(stage)
            return time.monotonic() - begun
        stage.plan()
        worker = "gpu" if fault.hosted else "worker"
        wait_for(lambda: len(stage.running(worker)) > 4, PATIENCE, f"for work to begin: {stage.left()}")
        time.sleep(stage.rng.uniform(0, 0.5))
        under_way, begun = stage.running(), time.monotonic()
        fault.strike(stage)
        wait_for(lambda: not stage.unfinished(under_way), PATIENCE, f"for the work: {stage.left()}")
        wait_for(lambda: fault.is_over(stage), PATIENCE, "for the site to be there again")
        return time.monotonic() - begun

    def _show_logs(self) -> None:
        for log in sorted((self.stage.home / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-12:]
            self.console.print(log.name, *lines, sep="\n", markup=False)


def show(console: Console, title: str, rows: list[Row]) -> None:
    table = Table(title=title)
    table.add_column("fault")
    for name in ("times", "planned", "lost", "doubled", "failed, with cause", "recovered in s"):
        table.add_column(name, justify="right")
    for row in rows:
        if row.findings is None:
            table.add_row(row.fault, f"skipped: {row.skipped}" if row.skipped else row.wrong)
            continue
        found = row.findings
        numbers = [row.times, found.planned, found.lost, found.doubled, found.failed]
        wrong = f" ({row.wrong})" if row.wrong else ""
        table.add_row(row.fault, *map(str, numbers), f"{row.seconds:.1f}{wrong}" if row.seconds else "")
    console.print(table)


def run(home: Path, options: argparse.Namespace, rng: Random) -> int:
    """The exit status: 1 when something is wrong."""
    console = Console(width=130)
    console.print(f"Seed {options.seed}.")
    names = [options.broker] if options.broker else BROKERS
    names = names[:1] if options.quick or options.only else names
    bound = float("inf") if options.quick else settings.LEASE_SECONDS + GRACE
    if reason := brokers.missing(names[0]):
        console.print(f"Nothing was tried: {reason}.")
        return 1
    stage = Stage(home, names[0], rng)
    try:
        stage.start()
        work = Run(stage, console, bound)
        for number, name in enumerate(names):
            if reason := brokers.missing(name):
                work.rows.append(Row(f"with {name}", skipped=reason))
                continue
            if number:
                stage.change_broker(name)
            for fault in FAULTS:
                times = fault.quick if options.quick else options.times if fault.quick > 0 else 1
                wanted = any(words in fault.name for words in options.only.split("|"))
                chosen = wanted and (not number or fault.name.startswith(ELSEWHERE))
                if times and chosen:
                    work.try_fault(replace(fault, name=f"{fault.name} ({name})") if number else fault, times)
        rows = [*work.rows, _control(stage)]
        show(console, f"Faults, with {names[0]} where no broker is named", rows)
        return int(any(row.wrong for row in rows))
    finally:
        stage.close()


def _control(stage: Stage) -> Row:
    name = "plain Celery: kill -9 of a broker without AOF"
    try:
        found = control.lose_work(stage)
    except TimeoutError as error:
        return Row(name, 1, wrong=str(error))
    return Row(name, 1, found, wrong="nothing was lost: this test cannot fail" if found.is_clean else "")
