"""The embedded PostgreSQL: started by its first user, stopped when the last one has ended (see keeper)."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from arena.embedded import keeper
from arena.embedded.accounts import Account, find_account, find_binaries, find_usable_binaries
from arena.embedded.places import (
    DATABASE,
    PORT,
    USER,
    EmbeddedError,
    Places,
    closed_parent,
    find_places,
    make_folder,
)

__all__ = ["ensure_running", "find_binaries", "is_running", "release", "wait_until_stopped"]

# For a small host; fsync stays on.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log is set aside at the next start

_held: dict[Path, int] = {}  # this process's lock on each home's database
_guard = threading.Lock()


def _forget_after_fork() -> None:
    """A forked child lets go of its parent's lock and takes its own at its first connection."""
    global _guard
    _guard = threading.Lock()
    for descriptor in _held.values():
        os.close(descriptor)  # the parent's copy keeps the parent's lock
    _held.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


def ensure_running(home: Path, again: bool = False) -> None:
    """Count this process among the database's users, and start the server when it is not running.

    The second call of a process costs nothing; ``again`` makes it look once more (after a failed connection).
    Raises EmbeddedError.
    """
    with _guard:
        if home in _held and not again:
            return
        places = find_places(home)
        try:
            _hold(places)
            _reach(places)
        except OSError as error:
            raise EmbeddedError(
                f"The database needs {error.filename or home}, which cannot be used: {error.strerror}. "
                "Make it writable, or set ARENA_HOME to another folder."
            ) from None


def is_running(home: Path) -> bool:
    """Whether something answers at the database's socket."""
    address = find_places(home).postgres_socket
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(address))
        except OSError:
            return False
    return True


def release(home: Path) -> bool:
    """This process no longer uses the database; without other users the server stops. False if it did not."""
    with _guard:
        descriptor = _held.pop(home, None)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None


def wait_until_stopped(home: Path, limit: float = 60) -> bool:
    """Wait until the server is down; False when others keep it or the limit (seconds) is over."""
    places = find_places(home)
    started = time.monotonic()
    while time.monotonic() - started < limit:
        if not (places.cluster / "postmaster.pid").exists():
            return True
        time.sleep(0.05)
        if time.monotonic() - started > 1 and not _is_stopping(places):
            return False
    return False


def _is_stopping(places: Places) -> bool:
    """The keeper holds the exclusive lock from the last user's end until the server is down."""
    descriptor = _open_lock(places.users_lock)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if os.geteuid() == 0:
        around = path.parent.stat()
        os.fchown(descriptor, around.st_uid, around.st_gid)  # the folder's owner must be able to use it too
    return descriptor


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _hold(places: Places) -> None:
    if places.home not in _held:
        make_folder(places.locks, 0o755 if os.geteuid() == 0 else 0o700)
        descriptor = _open_lock(places.users_lock)
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits while a server without users is being stopped
        _held[places.home] = descriptor


def _start(places: Places) -> None:
    """Run a keeper, which starts the server; with one at work already this does nothing."""
    account = find_account(places)
    binaries = find_usable_binaries(account)
    _check_cluster(places, account)
    _make_sockets(places, account)
    if not places.cluster.exists():
        _make_cluster(places, account, binaries)
    _set_log_aside(places.log)
    lock = _open_lock(places.locks / "postgres.keeper")
    arguments = [
        f"--data={places.cluster}",
        f"--users={places.users_lock}",
        f"--lock={lock}",
        f"--log={places.log}",
        f"--sockets={places.postgres_sockets}",
    ]
    if account.uid is not None:
        arguments += [f"--uid={account.uid}", f"--gid={account.gid}"]
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-I", keeper.__file__, *arguments, "--", *_server_command(places, binaries)],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=[lock],
    )
    os.close(lock)
    if done.returncode:
        raise EmbeddedError(
            f"The embedded database did not start: {done.stderr.strip()}\nIts log is {places.log}."
        )


def _server_command(places: Places, binaries: Path) -> list[str]:
    sockets = str(places.postgres_sockets).replace('"', '""')
    command = [str(binaries / "postgres"), "-D", str(places.cluster)]
    for name, value in (SETTINGS | {"unix_socket_directories": f'"{sockets}"'}).items():
        command += ["-c", f"{name}={value}"]
    return command


def _environment() -> dict[str, str]:
    """Only what the server needs: a PGDATA, PGPORT or locale of the caller must not reach it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _check_cluster(places: Places, account: Account) -> None:
    closed = closed_parent(places.base) if account.uid is not None and places.cluster.exists() else None
    if closed and closed.stat().st_uid != account.uid:
        raise EmbeddedError(
            f"The database in {places.cluster} cannot be reached by its user: {closed} is closed to others. "
            f"Open it (chmod o+x {closed})."
        )


def _make_sockets(places: Places, account: Account) -> None:
    """The folder of the sockets, where nobody but root and the server's user may put one."""
    shared = os.geteuid() == 0
    make_folder(places.sockets, 0o755 if shared else 0o700)
    allowed = {0, os.geteuid(), account.uid}
    make_folder(places.postgres_sockets, 0o700)
    if places.postgres_sockets.stat().st_uid != account.uid:
        account.give(places.postgres_sockets)
    for folder in (places.sockets, places.postgres_sockets):
        found = folder.lstat()
        if found.st_uid not in allowed or folder.is_symlink():
            raise EmbeddedError(
                f"{folder} belongs to another user. Remove it, or set ARENA_HOME to another folder."
            )


def _make_cluster(places: Places, account: Account, binaries: Path) -> None:
    """initdb beside the final place: a cluster that exists is a whole one."""
    make_folder(places.base)
    draft = places.cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.give(draft)
    if places.base != places.home:
        sys.stderr.write(
            f"{closed_parent(places.home)} is closed to other users and PostgreSQL does not run as root, "
            f"so the database is kept in {places.base}.\n"
        )
    done = subprocess.run(  # noqa: S603 - our own command line
        [
            str(binaries / "initdb"),
            f"--pgdata={draft}",
            f"--username={USER}",
            "--auth=trust",  # the sockets' folder lets nobody else in
            "--encoding=UTF8",
            "--locale-provider=builtin",  # the same order of texts on every system
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ],
        env=_environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **account.options,
    )
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(
            f"The embedded database could not be made in {places.base}: {done.stderr.strip()}"
        )
    draft.rename(places.cluster)


def _set_log_aside(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))


def _reach(places: Places, limit: float = 60) -> None:
    """Start the server unless it runs, and wait until it takes connections (a recovery takes a moment)."""
    give_up = time.monotonic() + limit
    while True:
        if not is_running(places.home):
            with _locked(places.locks / "postgres.start"):
                if not is_running(places.home):
                    _start(places)
        try:
            _make_database(places)
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up:
                raise EmbeddedError(
                    f"The embedded database does not answer: {error} Its log is {places.log}."
                ) from None
        time.sleep(0.1)


def _make_database(places: Places) -> None:
    with (
        psycopg.connect(
            host=str(places.postgres_sockets), port=PORT, user=USER, dbname="postgres", autocommit=True
        ) as connection,
        suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),  # others are as fast
    ):
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")
