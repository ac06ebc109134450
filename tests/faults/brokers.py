"""Brokers on a port of their own, in their own processes."""

import os
import shutil
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from kombu import Connection
from kombu.exceptions import OperationalError

from arena.embedded import valkey
from tests.faults.processes import Program, free_port, wait_for

RABBITMQ = "/usr/lib/rabbitmq/bin"  # of Debian, whose wrapper on the path is for its service alone
BOOT_SECONDS = 120


def missing(name: str) -> str:
    """Why this broker cannot be started here; empty when it can."""
    if name == "rabbitmq":
        return "" if _rabbitmq() and shutil.which("epmd") else "there is no rabbitmq-server with its epmd"
    return "" if name == "valkey" or shutil.which("redis-server") else "there is no redis-server"


class Broker(Program):
    """On a port that stays the same when it is started again; ``scheme`` is that of its address."""

    scheme, path = "redis", "/0"

    def __init__(self, name: str, home: Path, command: list[str], environment: dict[str, str]) -> None:
        self.kind = name
        log = home / "logs" / f"{name.replace(' ', '-')}.log"
        super().__init__(name, command, os.environ | environment, log)
        wait_for(self.answers, BOOT_SECONDS, f"{name} to answer")

    def answers(self) -> bool:
        raise NotImplementedError

    def empty(self, queues: Iterable[str]) -> None:
        """Forget all that waits in it."""
        raise NotImplementedError

    def kill(self) -> None:
        """kill -9; it is started again at once."""
        starts = self.starts
        self.signal(signal.SIGKILL)
        wait_for(lambda: self.starts > starts and self.answers(), BOOT_SECONDS, f"{self.kind} to come back")


class Redis(Broker):
    """A Valkey or Redis."""

    def __init__(self, name: str, home: Path) -> None:
        self.port = free_port()
        folder = home / name.replace(" ", "-")
        folder.mkdir()
        is_valkey = name.startswith("valkey")
        binary = valkey.prepare(home)[0] if is_valkey else str(shutil.which("redis-server"))
        append = "no" if name.endswith("without AOF") else "yes"
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--appendonly", append, "--appendfsync", "everysec"]
        command += ["--save", "", "--loglevel", "warning"]
        super().__init__(name, home, command, {})

    def answers(self) -> bool:
        return self._say("PING").startswith("+PONG")

    def empty(self, queues: Iterable[str]) -> None:
        assert self._say("FLUSHALL").startswith("+OK")

    def _say(self, words: str) -> str:
        """What it answers to a command; empty when it does not."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                line.sendall(f"{words}\r\n".encode())
                return line.recv(4096).decode()
        except OSError:
            return ""


class RabbitMQ(Broker):
    """A node with nothing but its own folder, and Erlang's port mapper for it alone."""

    scheme, path = "amqp", "//"

    def __init__(self, name: str, home: Path) -> None:
        self.port, mapper = free_port(), free_port()
        folder = home / name
        folder.mkdir()
        around = {
            "HOME": str(folder),  # where the node's cookie is kept
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"faults{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        }
        log = home / "logs" / "epmd.log"
        self.mapper = Program("epmd", ["epmd", "-port", str(mapper)], os.environ | around, log)
        super().__init__(name, home, [_rabbitmq()], around)

    def stop(self) -> None:
        super().stop()
        self.mapper.stop()

    def answers(self) -> bool:
        with suppress(OSError, OperationalError), self._connect() as line:
            line.ensure_connection(max_retries=1, timeout=2)
            return True
        return False

    def empty(self, queues: Iterable[str]) -> None:
        with self._connect() as line, line.channel() as channel:
            for name in queues:
                channel.queue_purge(name)

    def _connect(self) -> Connection:
        return Connection(f"amqp://127.0.0.1:{self.port}//", connect_timeout=2)


def start(name: str, home: Path) -> Broker:
    return RabbitMQ(name, home) if name == "rabbitmq" else Redis(name, home)


def _rabbitmq() -> str:
    """The server's own script; empty where there is none."""
    return shutil.which("rabbitmq-server", path=RABBITMQ) or shutil.which("rabbitmq-server") or ""
