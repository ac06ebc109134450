"""The embedded servers: a PostgreSQL and a Valkey in the installation's own folder, reached by unix sockets.

The settings import these three functions; they start nothing.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import quote

from arena.embedded.places import DATABASE, PORT, USER, find_places, make_folder


def database_url(home: Path) -> str:
    """The address of the embedded PostgreSQL that belongs to ``home``."""
    sockets = quote(str(find_places(home).postgres_sockets), safe="/")
    return f"postgresql://{USER}@:{PORT}/{DATABASE}?host={sockets}"


def broker_url(home: Path) -> str:
    """The address of the embedded Valkey that belongs to ``home``."""
    return f"redis+socket://{quote(str(find_places(home).broker_socket), safe='/')}?virtual_host=0"


def secret_key(home: Path, name: str = "secret_key") -> str:
    """A random key: made once and kept in the file ``home/name``, readable for its owner alone.

    The settings cannot load without it, so a folder that takes no file ends the program with a sentence.
    """
    path = home / name
    try:
        if not path.exists():
            make_folder(home)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError as error:
        raise SystemExit(
            f"The arena keeps its data in {home}, but {error.filename or path} cannot be used: "
            f"{error.strerror or error}. Make that folder writable, or set ARENA_HOME to another folder."
        ) from None


def _write_once(path: Path, text: str) -> None:
    """Write ``path`` unless another process was faster: a reader sees the whole file or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
