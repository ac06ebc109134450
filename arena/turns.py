"""Taking turns: one process at a time inside a named block, whatever becomes of the one that is inside."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_SPACE = 1  # of the advisory locks here; other locks have spaces of their own

log = logging.getLogger(__name__)


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else is inside ``alone(name)``.

    The lock belongs to a connection of its own, which a thread keeps awake. So the database lets go when this
    process dies, and also when it is silent for longer than a lease: stopped, or its host gone.
    """
    guard = connections[DEFAULT_DB_ALIAS].copy()
    guard.inc_thread_sharing()
    try:
        if not _take(guard, name):
            yield False
            return
        done = threading.Event()
        thread = threading.Thread(target=_stay_awake, args=(guard, done), name=f"alone: {name}", daemon=True)
        thread.start()
        try:
            yield True
        finally:
            done.set()
            thread.join()
            _give_up(guard, name)
    finally:
        guard.close()


def _take(guard: BaseDatabaseWrapper, name: str) -> bool:
    with guard.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s)), set_config('idle_session_timeout', %s, false)",
            [LOCK_SPACE, name, f"{settings.LEASE_SECONDS}s"],
        )
        return bool(cursor.fetchone()[0])


def _give_up(guard: BaseDatabaseWrapper, name: str) -> None:
    """Before the connection is closed, whose end the database sees only a moment later."""
    with suppress(Error), guard.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_SPACE, name])


def _stay_awake(guard: BaseDatabaseWrapper, done: threading.Event) -> None:
    try:
        while not done.wait(settings.LEASE_SECONDS / 3):
            with guard.cursor() as cursor:
                cursor.execute("SELECT 1")
    except Exception:  # the database was restarted; what happens inside is safe beside another
        log.warning("lost the turn %s", threading.current_thread().name, exc_info=True)
