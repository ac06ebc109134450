"""Which code fits boards here, by version."""

import os
import platform
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings

LIBRARIES = ("numpy", "scipy")


def read_software() -> dict[str, str]:
    """Versions of this package, of its commit where that is known, and of what its figures depend on."""
    return {
        "arena": _own_version(),
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "machine": platform.machine(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "as many as cores"),
    }


def _own_version() -> str:
    project = settings.BASE_DIR / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return version("arena")
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    """The commit of this checkout, with "-dirty" when files of it were changed; "" where there is none."""
    git = shutil.which("git")
    if git is None or not (settings.BASE_DIR / ".git").exists():
        return ""
    command = [
        git,
        "-C",
        str(settings.BASE_DIR),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()
