"""The embedded PostgreSQL's parent process: runs it as long as somebody uses it.

Every process that uses the database holds a shared lock on one file. This one tries to take the
exclusive lock: when it gets it, the last user has ended, in whatever way (exit, signal, ``kill -9``), and the
server is stopped. A server that died under its users is started again. When this process itself is
killed, Linux tells the server to stop.

Run as a script by arena.embedded.postgres; it knows nothing of the project.
"""

import argparse
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PAUSE = 0.1  # seconds between two looks
START_LIMIT = 120  # seconds; the recovery after a crash is part of a start
STOP_LIMIT = 30
QUICK_DEATHS = 3  # a server that dies so often within a minute is not started again
# Leftovers of a killed server, gone in a moment: its children, or its entry in the process table.
PASSING = ("shared memory block", "lock file")


def main() -> int:
    """Start the server, answer 0 once it takes connections, and stay behind as its parent."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--users", type=Path, required=True)
    parser.add_argument(
        "--lock", type=int, required=True, help="descriptor of the file that one keeper may lock"
    )
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--sockets", type=Path, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        fcntl.flock(options.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until this process ends
    except BlockingIOError:
        return 0  # another keeper is at work, perhaps just starting the server again
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as pipe:
            answer = pipe.read()
        if answer == "ready":
            return 0
        sys.stderr.write(answer or "its parent process died")
        return 1
    os.close(reader)
    _detach(options.log)
    Keeper(options, writer).run()
    return 0


def _detach(log: Path) -> None:
    """Leave the terminal and the caller's pipes, so that nobody waits for this process."""
    os.setsid()
    os.chdir("/")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def stop_with_parent() -> None:
    """In the child: the kernel asks it to shut down (fast) when its parent dies. Linux alone has this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


class Keeper:
    """One server, its users' lock, and the pipe that tells the first user how the start went."""

    def __init__(self, options: argparse.Namespace, pipe: int):
        self.options = options
        self.pipe: int | None = pipe
        self.users = os.open(options.users, os.O_RDWR)
        self.ending = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        deaths: list[float] = []
        while not self.ending:
            server = self._start()
            if server is None:
                return
            self._tell("ready")
            self._watch(server)
            deaths = [death for death in deaths if time.monotonic() - death < 60] + [time.monotonic()]
            if len(deaths) >= QUICK_DEATHS:
                return

    def _end(self, *_) -> None:
        self.ending = True

    def _tell(self, answer: str) -> None:
        if self.pipe is not None:
            with suppress(BrokenPipeError):
                os.write(self.pipe, answer.encode())
            os.close(self.pipe)
            self.pipe = None

    def _start(self) -> subprocess.Popen | None:
        """The server, ready for connections; None when it does not come up."""
        give_up = time.monotonic() + START_LIMIT
        while time.monotonic() < give_up:
            self._clear_leftovers()
            start = self.options.log.stat().st_size
            server = subprocess.Popen(  # noqa: S603 - our own command line
                self.options.command, cwd="/", preexec_fn=stop_with_parent, **self._identity()
            )
            if self._wait_until_ready(server, give_up):
                return server
            said = self.options.log.read_bytes()[start:].decode(errors="replace")
            passing = server.returncode < 0 or any(words in said for words in PASSING)
            # A server that ran before deserves patience: nobody waits for the reason.
            if not passing and self.pipe is not None:
                self._tell(_essence(said))
                return None
            if self._is_unused():
                return None
            time.sleep(0.3)
        self._tell(f"it was not ready after {START_LIMIT} seconds")
        return None

    def _is_unused(self) -> bool:
        """Whether the last user has ended; from then on a new one waits until this process is gone."""
        with suppress(BlockingIOError):
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.ending = True
        return self.ending

    def _identity(self) -> dict:
        if self.options.uid is None:
            return {}
        return {"user": self.options.uid, "group": self.options.gid, "extra_groups": []}

    def _clear_leftovers(self) -> None:
        """Remove the pid file of a killed server whose number another program got meanwhile."""
        pid_file = self.options.data / "postmaster.pid"
        socket_lock = self.options.sockets / ".s.PGSQL.5432.lock"
        if not pid_file.exists() and not socket_lock.exists():
            return
        if not _is_server(_first_number(pid_file), self.options.data):
            for leftover in (pid_file, socket_lock, socket_lock.with_suffix("")):
                leftover.unlink(missing_ok=True)

    def _wait_until_ready(self, server: subprocess.Popen, give_up: float) -> bool:
        pid_file = self.options.data / "postmaster.pid"
        while server.poll() is None and time.monotonic() < give_up:
            with suppress(OSError):
                lines = pid_file.read_text().splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(server.pid):
                    return True
            time.sleep(0.02)
        self._stop(server)
        return False

    def _watch(self, server: subprocess.Popen) -> None:
        """Until the server dies, or is stopped because nobody uses it any more."""
        while server.poll() is None:
            if self._is_unused():
                self._stop(server)
                return
            time.sleep(PAUSE)

    def _stop(self, server: subprocess.Popen) -> None:
        """Fast shutdown, then the immediate one, which recovers at the next start."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if server.poll() is None:
                server.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_LIMIT)
                return


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_server(pid: int | None, data: Path) -> bool:
    """Whether the process is a PostgreSQL server on this data folder."""
    if pid is None:
        return False
    if Path("/proc/self/cmdline").exists():
        try:
            return str(data) in os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return False
    said = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False)  # noqa: S603
    return str(data) in os.fsdecode(said.stdout)


def _essence(said: str) -> str:
    """The lines of the server's log that say why it did not start."""
    lines = [line for line in said.splitlines() if "FATAL" in line or "HINT" in line or "PANIC" in line]
    return "\n".join((lines or said.splitlines()[-3:])[:6])


if __name__ == "__main__":
    sys.exit(main())
