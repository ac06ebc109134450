"""Whether a model's folder on this host can be read by this process.

What reads safetensors says of a file that may not be read that there is no such file.
"""

import os
import pwd
from fnmatch import fnmatch
from pathlib import Path

READ = ("*.safetensors", "*.json", "*.model", "*.jinja")  # by vLLM, of a model
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def files_to_read(folder: Path) -> list[str]:
    """The names of what is read of a model, each of which was opened. Raises OSError."""
    names = sorted(name for name in os.listdir(str(folder)) if any(fnmatch(name, each) for each in READ))
    for name in names:
        try_to_read(folder / name)
    return names


def try_to_read(path: Path) -> None:
    """Open a file and close it. Raises OSError."""
    # Whatever it is: a pipe does not keep us waiting.
    open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)).close()


def why_unreadable(error: OSError) -> str:
    """What is wrong with a file or folder, and the next step."""
    if isinstance(error, PermissionError):
        return (
            f"{error.filename} may not be read by {_account()}, as whom the worker runs; give that account "
            "the right (chmod a+r for files, a+rx for the folders around them) and try again."
        )
    return f"{error.filename} cannot be read ({error.strerror}); mend or copy it, and try again."


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container with a number of its own
        return f"user {os.geteuid()}"
