"""Which worker of this host uses which GPU: a locked file each, which the kernel frees with its owner."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path


class Places:
    """GPUs taken by this process. No two processes have the same one, so that two models never share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: list[int] = []

    def take(self, gpus: Iterable[str]) -> bool:
        """Take all of these, or none; whether they are ours now."""
        if self._held:
            return True
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for gpu in sorted(gpus):
            file = os.open(self.folder / f"{gpu}.gpu", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._held.append(file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                return False
        return True

    def release(self) -> None:
        for file in self._held:
            os.close(file)
        self._held.clear()
