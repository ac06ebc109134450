"""Where the embedded servers keep their files and sockets. Paths are computed here, nothing is started."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

USER = DATABASE = "arena"
PORT = 5432  # a part of the socket's name; the server listens on no network address
SHARED = Path("/var/lib/arena")  # root's place for clusters whose own folder is closed to the server's user

# A socket's address holds 104 bytes on macOS and 108 on Linux, the closing zero included.
SOCKET_LIMIT = 103


class EmbeddedError(Exception):
    """An embedded server cannot start; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Places:
    """The folders of one installation."""

    home: Path
    base: Path  # holds the cluster: ``home``, or root's own place
    sockets: Path

    @property
    def cluster(self) -> Path:
        return self.base / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def locks(self) -> Path:
        return self.home / "run"

    @property
    def users_lock(self) -> Path:
        return self.locks / "postgres.users"

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "postgres"

    @property
    def postgres_socket(self) -> Path:
        return self.postgres_sockets / f".s.PGSQL.{PORT}"

    @property
    def broker(self) -> Path:
        return self.home / "valkey"

    @property
    def broker_socket(self) -> Path:
        return self.sockets / "broker.sock"


def find_places(home: Path) -> Places:
    """The folders that belong to ``home``. An existing cluster stays where it is."""
    base = home
    if os.geteuid() == 0:
        elsewhere = SHARED / _digest(home)
        moved = (elsewhere / "postgres").exists()
        if moved or (closed_parent(home) and not (home / "postgres").exists()):
            base = elsewhere
    return Places(home, base, _sockets(home, base))


def _sockets(home: Path, base: Path) -> Path:
    folder = base / "run"
    longest = Places(home, base, folder).postgres_socket
    # libpq reads a comma as the start of a second host.
    if len(os.fsencode(longest)) <= SOCKET_LIMIT and "," not in str(longest):
        return folder
    # Not tempfile.gettempdir(): every process must find the same folder, whatever its TMPDIR.
    return Path("/tmp") / f"arena-{_digest(home)}"  # noqa: S108 - its owner is checked before use


def _digest(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def closed_parent(path: Path) -> Path | None:
    """The first existing folder from the root down to ``path`` that other users may not enter."""
    for folder in [*reversed(path.parents), path]:
        try:
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
        except (FileNotFoundError, NotADirectoryError):
            return None
    return None


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make ``path`` and its missing parents. A folder that was there before keeps its mode."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir()
    except FileExistsError:
        return
    if os.geteuid() == 0 or mode != 0o755:
        path.chmod(mode)  # the server's user must get through, whatever root's umask
