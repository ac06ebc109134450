"""Runs a few programs as one: starts them, shows their output with a prefix, stops them in order.

Knows nothing of Django. Every child has a process group of its own, so that a Ctrl-C in the terminal
reaches the supervisor alone, and so that nothing of a child is left when it is killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TextIO

PAUSE = 0.1  # seconds between two looks at the children
COLOURS = {"web": 36, "worker": 32, "gpu": 34, "beat": 35, "broker": 33}


@dataclass(frozen=True)
class Child:
    """A program to run. ``is_ready`` holds back the next child until it is true."""

    name: str
    command: list[str]
    advice: str  # what to do when it dies
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    mute: tuple[str, ...] = ()  # lines with one of these are not shown
    role: str = ""  # several of one role are stopped together

    @property
    def stops_as(self) -> str:
        """What the order of stopping calls it."""
        return self.role or self.name


class ChildDied(Exception):
    """A child ended by itself; the message is a sentence that says what to do."""


class Signals:
    """SIGINT and SIGTERM: until the children run they interrupt, then they are a wish that the loop sees.

    Set explicitly: a shell script starts its background programs with SIGINT ignored.
    """

    def __init__(self) -> None:
        self.received = 0
        self.interrupting = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, *_) -> None:
        self.received += 1
        if self.interrupting:
            raise KeyboardInterrupt


class Supervisor:
    """Starts children in the order given. ``stop_order`` names them, or their roles, of which all are stopped
    at once; each gets ``grace`` seconds.
    """

    def __init__(
        self,
        signals: Signals,
        stop_order: Iterable[str],
        folder: str,
        grace: float = 10,
        output: TextIO = sys.stdout,
    ):
        self.signals = signals
        self.stop_order = list(stop_order)
        self.folder = folder
        self.grace = grace
        self.output = output
        self._running: dict[str, tuple[Child, subprocess.Popen[str]]] = {}
        self._readers: list[threading.Thread] = []
        self._writing = threading.Lock()

    def say(self, text: str) -> None:
        """Print lines of our own between those of the children."""
        with self._writing, suppress(OSError, ValueError):  # the reader of our output may have gone
            self.output.write(text + "\n")
            self.output.flush()

    def run(self, children: Iterable[Child], announce: Callable[[], None]) -> None:
        """Start all, call ``announce``, and wait for a signal. Raises ChildDied.

        In every case all children are gone at the end.
        """
        self.signals.interrupting = False
        try:
            for child in children:
                if not self.signals.received:
                    self._start(child)
            if not self.signals.received:
                announce()
            while not self.signals.received:
                self._check()
                time.sleep(PAUSE)
        finally:
            self._stop_all()

    def _start(self, child: Child) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            child.command,
            env=os.environ | child.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=partial(_prepare_child, os.getpid()),
        )
        self._running[child.name] = (child, process)
        reader = threading.Thread(target=self._forward, args=(child, process.stdout), daemon=True)
        reader.start()
        self._readers.append(reader)
        while child.is_ready and not child.is_ready() and not self.signals.received:
            self._check()
            time.sleep(PAUSE)

    def _check(self) -> None:
        for name, (child, process) in self._running.items():
            status = process.poll()
            if status is not None:
                time.sleep(0.2)  # its last lines come first
                raise ChildDied(
                    f"The {name} process ended ({_describe(status)}): all was stopped. {child.advice}"
                )

    def _forward(self, child: Child, lines: IO[str]) -> None:
        prefix = f"{child.name:6} |"
        if self.output.isatty() and not os.environ.get("NO_COLOR"):
            prefix = f"\033[{COLOURS.get(child.stops_as, 37)}m{prefix}\033[0m"
        for line in lines:
            if line.strip() and not any(words in line for words in child.mute):
                self.say(f"{prefix} {line.rstrip()}")

    def _stop_all(self) -> None:
        """One after the other, gently; a second signal ends the patience."""
        asked = self.signals.received
        roles = [child.stops_as for child, _ in self._running.values()]
        for role in dict.fromkeys([*self.stop_order, *roles]):
            found = [process for child, process in self._running.values() if child.stops_as == role]
            for process in found:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            give_up = time.monotonic() + self.grace
            while (
                any(process.poll() is None for process in found)
                and time.monotonic() < give_up
                and self.signals.received <= max(asked, 1)
            ):
                time.sleep(0.02)
            for process in found:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # the rest of its group, if any
                process.wait()
        for reader in self._readers:
            reader.join(1)


def _prepare_child(parent: int) -> None:
    """Default signals, and on Linux a SIGTERM when the supervisor dies, in whatever way."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"
