"""What all processes of a worker know of its end: whether they may claim more, and when to wait no longer.

The memory is shared by fork, and written by the worker's first process alone: by its reports (a pause) and
in its signal handler (a shutdown), where a lock could wait for itself. Times are of the monotonic clock,
which processes of one host share.
"""

import mmap
import struct
import time

_shared = mmap.mmap(-1, 16)
_END = struct.Struct("d")
_AT = 8  # where the end stands; 0 while there is none


def hold(on: bool) -> None:
    """Claim nothing new, or go on claiming."""
    _shared[0] = on


def stop(seconds: float) -> None:
    """Claim nothing new, and wait for what is under way for ``seconds`` at most."""
    if not is_stopping():
        _END.pack_into(_shared, _AT, time.monotonic() + seconds)


def release() -> None:
    """As at the start."""
    _shared[:] = bytes(16)


def is_on() -> bool:
    """Whether nothing new may be claimed."""
    return bool(_shared[0]) or is_stopping()


def is_stopping() -> bool:
    """Whether this worker ends."""
    return _end() > 0


def is_overdue() -> bool:
    """Whether what is under way has to be given up."""
    return 0 < _end() <= time.monotonic()


def _end() -> float:
    return _END.unpack_from(_shared, _AT)[0]
