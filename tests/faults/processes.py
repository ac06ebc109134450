"""Programs that are kept running, as a service manager keeps them, and a proxy that spoils connections."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

Pair = tuple[socket.socket, socket.socket]

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """A command that is started again whenever it ends, until ``stop``; its group holds its children."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.starts = 0
        self.held = threading.Event()  # while set, it is not started again
        self._over = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self, *words: str) -> list[psutil.Process]:
        """Processes below it whose command line holds all the words."""
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.pid).children(recursive=True)
            return [each for each in below if all(word in command_of(each) for word in words)]
        return []

    def signal(self, number: int) -> None:
        """To it and all of its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self) -> None:
        self._over.set()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def _start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def _keep(self) -> None:
        while not self._over.is_set():
            if self.process.poll() is not None and not self.held.is_set():
                self.signal(signal.SIGKILL)  # what is left of its group
                time.sleep(0.2)
                if not self._over.is_set():
                    self._start()
            time.sleep(0.05)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def command_of(process: psutil.Process) -> str:
    """Its command line; empty when it has ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


class Proxy:
    """A TCP port in front of another one; ``mood`` is "good", "refusing", "silent" or "slow"."""

    SLOW_SECONDS = 0.5  # before each piece is passed on

    def __init__(self, target: Callable[[], int]) -> None:
        self.target, self.mood = target, "good"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs: set[Pair] = set()
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def turn(self, mood: str) -> None:
        """Change, for connections that are open too; one that refuses ends them."""
        self.mood = mood
        if mood == "refusing":
            self.cut()

    def cut(self) -> None:
        """End every open connection."""
        for pair in list(self.pairs):
            _close(*pair)

    def close(self) -> None:
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.mood == "refusing":
                _close(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target()), 5)
            server.settimeout(None)
        except OSError:
            return _close(client)
        pair = (client, server)
        self.pairs.add(pair)
        threading.Thread(target=self._pass, args=(pair, client, server), daemon=True).start()
        self._pass(pair, server, client)

    def _pass(self, pair: Pair, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                while self.mood == "silent":
                    time.sleep(0.05)
                if self.mood == "slow":
                    time.sleep(self.SLOW_SECONDS)
                other.sendall(data)
        _close(*pair)
        self.pairs.discard(pair)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(is_so: Callable[[], object], seconds: float, what: str) -> None:
    """Look until it is so. Raises TimeoutError: a generous limit, against waiting for ever."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s still waiting: {what}")
        time.sleep(0.1)
