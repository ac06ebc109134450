"""The interpreter that the operator names: where it is, and which vLLM it has."""

import os
import shutil
import subprocess
from pathlib import Path

from arena.engines.vllm.environment import server_environment

GUARD = Path(__file__).with_name("guard")
SECONDS = 60.0  # the first import of a day reads much from the disk
VERSION = """
from importlib.metadata import packages_distributions, version
print(version(packages_distributions()["vllm"][0]))
"""


def find_python(python: str) -> str | None:
    """The path of an interpreter; None where there is none."""
    found = shutil.which(python)
    # Not resolved: a virtual environment is known by its link.
    return os.path.abspath(found) if found else None


def ask_python(path: str, code: str) -> subprocess.CompletedProcess[str]:
    """Let it run some code as it will run vLLM. Raises OSError, and TimeoutExpired."""
    return subprocess.run(  # noqa: S603 - the interpreter that the operator names
        [path, "-c", code],
        env=server_environment(os.environ, "", str(GUARD)),
        cwd="/",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=SECONDS,
    )


def said_by(python: str, code: str) -> str:
    """What the interpreter prints for some code; empty when there is none, or it fails."""
    path = find_python(python)
    if path is None:
        return ""
    try:
        asked = ask_python(path, code)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def vllm_version(python: str) -> str:
    """Such as "vLLM 0.32.0"; empty when the interpreter does not say."""
    version = said_by(python, VERSION)
    return f"vLLM {version[:40]}" if version else ""
