"""A vLLM server's parent process: when its owner dies, in whatever way, the whole server ends.

It leads the server's session, and the server has a process group of its own in it: vLLM starts an engine and
workers, which outlive a killed API server. The kernel's death signal would not do: it comes when the thread
that started the child ends, and only to the child.

Run as a script by arena.engines.vllm; it knows nothing of the project.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

PAUSE = 0.1  # seconds between two looks
SUBREAPER, DEATH_SIGNAL = 36, 1  # of prctl(2)


def main() -> int:
    """Run the command until it ends or the owner is gone; its exit status, as a shell counts it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--grace", type=float, required=True, help="seconds between SIGTERM and SIGKILL")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _prctl(SUBREAPER, 1)  # the engine of a killed API server becomes our child, so that it leaves no zombie
    server = subprocess.Popen(options.command, process_group=0, preexec_fn=_prepare)  # noqa: S603 - the caller's
    while server.poll() is None and not asked and os.getppid() == options.owner:
        time.sleep(PAUSE)
    _end(server, options.grace)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _prepare() -> None:
    """In the server: default signals, and on Linux a SIGTERM when this keeper is killed."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _prctl(DEATH_SIGNAL, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _end(server: subprocess.Popen, grace: float) -> None:
    """Ask the group to end, and kill what is left of it after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, number)
        give_up = time.monotonic() + grace
        while _is_left(server) and time.monotonic() < give_up:
            time.sleep(0.02)


def _is_left(server: subprocess.Popen) -> bool:
    if server.poll() is None:
        return True
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(server.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
