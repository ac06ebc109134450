"""Keys at rest: encrypted with keys from the environment, so that a dump of the database gives nothing away.

Fernet (AES-128-CBC with HMAC-SHA256) by the ``cryptography`` package. Of several sealing keys the first seals
and all open, so that they can be exchanged without losing what was sealed before.
"""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealBroken(Exception):
    """None of the sealing keys opens this text."""


def seal(secret: str, keys: Sequence[str]) -> str:
    """``secret`` as text that only these sealing keys open. An empty secret stays empty."""
    return _box(keys).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str, keys: Sequence[str]) -> str:
    """What was sealed. Raises SealBroken when no key fits or the text was changed."""
    if not sealed:
        return ""
    try:
        return _box(keys).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBroken from error


def _box(keys: Sequence[str]) -> MultiFernet:
    # Any text may be a sealing key; those made here are long and random, so one hash is enough.
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
