"""The web server of ``make run``, ended as the kernel ends it: by several signals at once."""

import signal
import socket
import subprocess
import sys

from tests.arena.embedded.conftest import ROOT, wait_for
from tests.arena.embedded.test_run import free_port


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_many_signals_at_once_end_it():
    port = free_port()
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    web = subprocess.Popen([sys.executable, "-m", "arena.embedded.web", *place], cwd=ROOT)
    try:
        wait_for(lambda: listens(port), 60)
        for _ in range(2000):
            web.send_signal(signal.SIGTERM)
        assert web.wait(30) == 0
    finally:
        web.kill()
        web.wait()
