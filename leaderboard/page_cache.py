"""Finished pages kept in this process, compressed, so that a visitor costs neither SQL nor a template.

Knows no Django: the caller says how to render a page, how to see whether it is still true (its *stamp*), what
time it is, and which errors mean "the source is down". While the source is down the last good page is served.
"""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]


class Rendered(NamedTuple):
    """What the caller's ``render`` gives: the body and the headers that go with it."""

    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """One finished page in every encoding that it is served in."""

    rendered: Rendered
    gzip: bytes
    brotli: bytes
    etag: str
    stamp: object
    made_at: float

    def encoded(self, accept_encoding: str) -> tuple[bytes, str]:
        """The body for an Accept-Encoding header, and its Content-Encoding ("" for none)."""
        accepted = accepted_encodings(accept_encoding)
        if "br" in accepted:
            return self.brotli, "br"
        if "gzip" in accepted:
            return self.gzip, "gzip"
        return self.rendered.body, ""


@dataclass
class _Slot:
    page: Page | None = None
    checked_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def accepted_encodings(header: str) -> set[str]:
    """The codings of an Accept-Encoding header that are not refused by ``q=0``."""
    names = set()
    for item in header.lower().split(","):
        name, _, weight = item.partition(";")
        if weight.replace(" ", "").rstrip("0").rstrip(".") not in ("q=", "q=0"):
            names.add(name.strip())
    return names


def finish(rendered: Rendered, stamp: object, now: float) -> Page:
    """Compress a page and name it. The entity tag is weak: all encodings share it."""
    digest = hashlib.sha256(rendered.body).hexdigest()[:20]
    return Page(
        rendered=rendered,
        gzip=gzip.compress(rendered.body, 6, mtime=0),
        brotli=brotli.compress(rendered.body, quality=5),
        etag=f'W/"{digest}"',
        stamp=stamp,
        made_at=now,
    )


class PageCache:
    """At most ``limit`` pages; the one unused for longest goes first. Safe to use from many threads.

    A page is checked against its stamp at most every ``check_every`` seconds, and made anew after
    ``max_age`` seconds whatever the stamp says (names and texts can change without a new fit).
    """

    def __init__(self, limit: int = 256, check_every: float = 2.0, max_age: float = 60.0) -> None:
        self.limit, self.check_every, self.max_age = limit, check_every, max_age
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def clear(self) -> None:
        with self._lock:
            self._slots.clear()

    def get(
        self,
        key: Hashable,
        *,
        stamp: Callable[[], object],
        render: Callable[[], Rendered],
        now: float,
        down: tuple[type[Exception], ...] = (),
    ) -> Page:
        """The page of ``key``, made or refreshed if need be.

        Errors of ``stamp`` and ``render`` reach the caller, and the page is forgotten; but when the error is
        one of ``down`` and a page is at hand, that page is returned.
        """
        slot = self._slot(key)
        page = slot.page
        if page is not None and now - slot.checked_at < self.check_every:
            return page
        # One thread refreshes; the others take what there is, and wait only when there is nothing.
        if not slot.lock.acquire(blocking=page is None):
            return page  # type: ignore[return-value]  # not acquired without blocking: there is a page
        try:
            slot.page = self._refreshed(slot, stamp, render, now)
            slot.checked_at = now
            self._trim()
            return slot.page
        except down:
            if slot.page is None:
                self._forget(key, slot)
                raise
            slot.checked_at = now
            return slot.page
        except BaseException:
            self._forget(key, slot)
            raise
        finally:
            slot.lock.release()

    def _refreshed(
        self, slot: _Slot, stamp: Callable[[], object], render: Callable[[], Rendered], now: float
    ) -> Page:
        if slot.page is not None and now - slot.checked_at < self.check_every:
            return slot.page  # another thread made it while this one waited
        current = stamp()  # taken before rendering: rows that come in between show at the next check
        page = slot.page
        if page is not None and page.stamp == current and now - page.made_at < self.max_age:
            return page
        return finish(render(), current, now)

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = _Slot()
            else:
                self._slots.move_to_end(key)
            return slot

    def _trim(self) -> None:
        # Only when a page was made, so that requests for pages that do not exist push nothing out.
        with self._lock:
            while len(self._slots) > self.limit:
                self._slots.popitem(last=False)

    def _forget(self, key: Hashable, slot: _Slot) -> None:
        with self._lock:
            if self._slots.get(key) is slot:
                del self._slots[key]
