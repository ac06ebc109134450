"""Which vLLM an interpreter has."""

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


def vllm_version(python: str) -> str:
    """Such as "vLLM 0.32.0"; empty when the interpreter does not say."""
    found = shutil.which(python)
    if found is None:
        return ""
    try:
        asked = subprocess.run(  # noqa: S603 - the interpreter that the operator names
            # Not resolved: a virtual environment is known by its link.
            [os.path.abspath(found), "-c", VERSION],
            env=server_environment(os.environ, "", str(GUARD)),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return f"vLLM {asked.stdout.strip()[:40]}" if asked.stdout.strip() else ""
