"""What must be true before the site starts, each failure a sentence that says what to do."""

import errno
import fcntl
import http.client
import os
import socket
import tempfile
from pathlib import Path

from arena.embedded.places import EmbeddedError, find_places, make_folder


def check_folder(home: Path) -> None:
    """Raises EmbeddedError unless files can be made in ``home``."""
    try:
        make_folder(home)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise EmbeddedError(
            f"The arena keeps its data in {home}, which cannot be written: {error.strerror}. "
            "Make that folder writable, or set ARENA_HOME to another folder."
        ) from None


def take_place(home: Path) -> int:
    """The lock (a descriptor) that makes this the only running site of ``home``. Raises EmbeddedError."""
    places = find_places(home)
    make_folder(places.locks, 0o755 if os.geteuid() == 0 else 0o700)
    try:
        descriptor = os.open(places.locks / "site", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedError(
            f"The arena of {home} is running already. Stop it first (Ctrl-C where it runs), "
            "or set ARENA_HOME to another folder."
        ) from None
    except PermissionError as error:
        raise EmbeddedError(
            f"{error.filename} belongs to another user: run as that user, or as root."
        ) from None
    return descriptor


def check_port(host: str, port: int) -> None:
    """Raises EmbeddedError unless a server can listen there."""
    if not 0 < port < 65536:
        raise EmbeddedError(f"PORT must be a number from 1 to 65535, not {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise EmbeddedError(f"HOST={host} is not an address of this machine. Try HOST=127.0.0.1.") from None
    except OSError as error:
        raise EmbeddedError(_explain_bind(error, host, port)) from None


def _explain_bind(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use. Stop the program that listens there, "
            f"or choose another port: make run PORT={port % 65535 + 1}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has. Choose one above 1023: make run PORT=8000"
    return f"The server cannot listen on HOST={host}, PORT={port}: {error.strerror}."


def site_answers(host: str, port: int, path: str) -> bool:
    """Whether the web server gives any HTTP answer."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("HEAD", path, headers={"Host": "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
