"""Which servers run, and whose they are: one small JSON file each, so that none outlives its owner."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from arena.engines.vllm.processes import birth, end_session, members

GRACE = 15.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Record:
    """One server. `pid` leads its session; `processes` are those known of it, with their births."""

    pid: int
    processes: dict[str, str]
    port: int
    model: str
    owner: int
    owner_birth: str

    def write(self, folder: Path) -> None:
        draft = folder / f"{self.pid}.json.new"
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(folder / f"{self.pid}.json")

    def is_running(self) -> bool:
        """Whether a process of it lives: a session's number is not used again before all of it has ended."""
        left = members(self.pid)
        return any(pid in left and birth(pid) == born for pid, born in self._known())

    def has_owner(self) -> bool:
        return bool(self.owner_birth) and birth(self.owner) == self.owner_birth

    def _known(self) -> Iterator[tuple[int, str]]:
        return ((int(pid), born) for pid, born in self.processes.items() if born)


def make_record(pid: int, port: int, model: str) -> Record:
    """The record of a server of this process, as it is now."""
    processes = {str(member): birth(member) for member in members(pid)}
    owner = os.getpid()
    return Record(pid, processes, port, model, owner, birth(owner))


def read_record(path: Path) -> Record | None:
    """None for a file that is no record."""
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        dict(record._known())
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return record


def stop_orphans(folder: Path) -> int:
    """End the servers recorded in `folder` whose owner has died; how many. Servers with an owner stay."""
    stopped = 0
    for path in sorted(folder.glob("[0-9]*.json")):
        record = read_record(path)
        if record and record.has_owner():
            continue
        if record and record.is_running():
            if not end_session(record.pid, GRACE):
                continue  # stuck in a driver; the next call tries again
            stopped += 1
        path.unlink(missing_ok=True)
    return stopped
