"""The web server of ``make run``: granian, told once that it is over, however often it is said."""

import argparse
import signal
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

ENDINGS = (signal.SIGINT, signal.SIGTERM)


class QuietServer(Server):  # type: ignore[misc,valid-type] # chosen by granian for the kind of Python
    """Granian's handler takes a lock that a second signal, coming while it does, would wait for without end.

    Linux sends the death signal once a thread of the dying parent, so several come at the same moment.
    """

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        super().signal_handler_interrupt(*args, **kwargs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args()
    QuietServer(
        "arena.wsgi:application",
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        websockets=False,
        workers=options.workers,
        blocking_threads=4,
        workers_kill_timeout=5,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
