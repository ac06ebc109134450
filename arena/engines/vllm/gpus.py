"""The GPUs of this host, as NVIDIA's tool counts them."""

import os
import shutil
import subprocess
from typing import NamedTuple

FIELDS = "index,uuid,name,memory.total,memory.free"
SECONDS = 10.0  # a driver in trouble may not answer


class Gpu(NamedTuple):
    """One GPU. ``total`` and ``free`` are its memory in MiB."""

    number: int
    uuid: str
    name: str
    total: int
    free: int


def read_gpus() -> list[Gpu]:
    """The GPUs that this process may use (CUDA_VISIBLE_DEVICES, if set); none without NVIDIA's tool."""
    rows = [line.split(",") for line in (ask_tool(f"--query-gpu={FIELDS}") or "").splitlines()]
    found = [gpu for row in rows if (gpu := _read(row))]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else [gpu for gpu in found if _is_named(gpu, visible.split(","))]


def ask_tool(query: str) -> str | None:
    """What NVIDIA's tool says, as CSV without head and units; None where it is not, or has no answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        said = subprocess.run(  # noqa: S603 - NVIDIA's tool
            [tool, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout if said.returncode == 0 else None


def _read(row: list[str]) -> Gpu | None:
    """None for a line that is none of a GPU; memory that the tool does not know ("[N/A]") is 0."""
    cells = [cell.strip() for cell in row]
    if len(cells) != 5 or not cells[0].isdecimal():
        return None
    total, free = (int(cell) if cell.isdecimal() else 0 for cell in cells[3:])
    return Gpu(int(cells[0]), cells[1], cells[2], total, free)


def _is_named(gpu: Gpu, names: list[str]) -> bool:
    """By index, or by the beginning of its UUID, as CUDA reads them."""
    given = [name.strip() for name in names]
    return str(gpu.number) in given or any(
        name.startswith("GPU-") and gpu.uuid.startswith(name) for name in given
    )


def group_gpus(given: str, found: list[Gpu], size: int) -> list[str]:
    """What each worker of this host may use, as CUDA_VISIBLE_DEVICES has it.

    ``given`` names the groups, such as "0,1;2,3"; without it each has ``size`` of those ``found``, and what
    is left over is not used. A host without GPUs has one group, without a name.
    Raises ValueError for a GPU that is named twice.
    """
    if not given:
        numbers = [str(gpu.number) for gpu in found]
        wholes = range(0, len(numbers) - size + 1, size)
        return [",".join(numbers[at : at + size]) for at in wholes] or [""]
    groups = [[name.strip() for name in group.split(",") if name.strip()] for group in given.split(";")]
    named = [name for group in groups for name in group]
    if len(set(named)) < len(named):
        raise ValueError(f"GPUS names a GPU twice: {given!r}.")
    return [",".join(group) for group in groups if group]
