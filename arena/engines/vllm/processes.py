"""Processes by session: which are left, whether one is still the same, and their end."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

PAUSE = 0.05  # seconds between two looks
KILL_SECONDS = 30.0  # a killed process may hang in a driver for a while


def birth(pid: int) -> str:
    """When a process began, as a text to compare; empty when it is gone, a zombie included.

    With its number it names a process for good: numbers are used again.
    """
    if sys.platform != "linux":
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
        return ""
    try:
        # Counted from the boot. psutil's time of day would move with the host's clock.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def members(session: int) -> list[int]:
    """The processes of a session, without zombies."""
    return [pid for pid in psutil.pids() if _session(pid) == session and birth(pid)]


def listens(pids: list[int], port: int) -> bool:
    """Whether one of these processes takes connections on the port."""
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for pid in pids
        for connection in _connections(pid)
    )


def end_session(session: int, grace: float) -> bool:
    """SIGTERM to its leader (or to all, without one), SIGKILL after `grace` seconds. False if any is left."""
    leaders = [session] if _session(session) == session and birth(session) else members(session)
    _send(leaders, signal.SIGTERM)
    if _wait(session, grace):
        return True
    give_up = time.monotonic() + KILL_SECONDS
    while time.monotonic() < give_up:
        _send(members(session), signal.SIGKILL)
        if _wait(session, 0.5):
            return True
    return False


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None


def _connections(pid: int) -> Iterator:
    with suppress(psutil.Error):
        yield from psutil.Process(pid).net_connections("tcp")


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait(session: int, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while members(session):
        if time.monotonic() > give_up:
            return False
        time.sleep(PAUSE)
    return True
