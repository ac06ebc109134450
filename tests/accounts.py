"""A part of a test as an account that has no rights here, whoever runs the tests."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unprivileged() -> Iterator[str]:
    """Run as nobody where the tests run as root, who may read everything; the account's name."""
    if os.geteuid():
        yield pwd.getpwuid(os.geteuid()).pw_name
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield "nobody"
    finally:
        os.seteuid(0)
