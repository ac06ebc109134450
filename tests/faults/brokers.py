"""Brokers on a port of their own, in their own processes."""

import os
import shutil
import signal
import socket
from pathlib import Path

from arena.embedded import valkey
from tests.faults.processes import Program, free_port, wait_for

NAMES = ("valkey", "redis", "redis without AOF")


def missing(name: str) -> str:
    """Why this broker cannot be started here; empty when it can."""
    return "" if name == "valkey" or shutil.which("redis-server") else "there is no redis-server"


class Broker(Program):
    """A Valkey or Redis; on a port that stays the same when it is started again."""

    def __init__(self, name: str, home: Path) -> None:
        self.kind, self.port = name, free_port()
        folder = home / name.replace(" ", "-")
        folder.mkdir()
        is_valkey = name.startswith("valkey")
        binary = valkey.prepare(home)[0] if is_valkey else str(shutil.which("redis-server"))
        append = "no" if name.endswith("without AOF") else "yes"
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += [
            "--appendonly",
            append,
            "--appendfsync",
            "everysec",
            "--save",
            "",
            "--loglevel",
            "warning",
        ]
        super().__init__(name, command, dict(os.environ), home / "logs" / f"{folder.name}.log")
        wait_for(self.answers, 30, f"{name} to answer")

    def answers(self) -> bool:
        return self.say("PING").startswith("+PONG")

    def say(self, words: str) -> str:
        """What it answers to a command; empty when it does not."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                line.sendall(f"{words}\r\n".encode())
                return line.recv(4096).decode()
        except OSError:
            return ""

    def kill(self) -> None:
        """kill -9; it is started again at once."""
        starts = self.starts
        self.signal(signal.SIGKILL)
        wait_for(lambda: self.starts > starts and self.answers(), 60, f"{self.kind} to come back")
