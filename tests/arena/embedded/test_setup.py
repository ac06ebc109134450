"""scripts/setup.sh on a machine that lacks something: the exact remedy."""

import os
import shutil
import subprocess

import pytest

from tests.arena.embedded.conftest import ROOT

TOOLS = ["awk", "basename", "cat", "cmp", "grep", "id", "rm", "sort", "tail", "uname"]
OLD = 'case "$2" in *version_info*) exit 1;; *platform*) echo 3.9.2;; esac'
WITHOUT_VENV = 'case "$2" in *"%d.%d"*) echo 3.12;; *version_info*) exit 0;; *ensurepip*) exit 1;; esac'


def set_up(folder, **programs):
    """Run the script in an empty folder on a PATH that holds these programs alone."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for tool in TOOLS:
        (bin_folder / tool).symlink_to(shutil.which(tool))
    for name, body in programs.items():
        program = bin_folder / name.replace("_dot_", ".").replace("_", "-")
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    shutil.copy(ROOT / "requirements.txt", folder)
    done = subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "setup.sh"],
        cwd=folder,
        env={"PATH": str(bin_folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("manager", "remedy"),
    [
        ("apt_get", "apt-get update && {sudo}apt-get install -y python3 python3-venv"),
        ("dnf", "dnf install -y python3"),
    ],
)
def test_no_python(tmp_path, manager, remedy):
    said = set_up(tmp_path, **{manager: ""})
    sudo = "" if os.geteuid() == 0 else "sudo "
    assert said.splitlines()[0].startswith("Python 3.11 or newer is needed, and there is none.")
    assert said.splitlines()[1] == "  " + sudo + remedy.format(sudo=sudo)


def test_no_python_on_an_unknown_system(tmp_path):
    said = set_up(tmp_path)
    assert "apt-get install" in said
    assert "dnf install" in said
    assert "brew install python" in said


def test_an_old_python(tmp_path):
    said = set_up(tmp_path, python3=OLD, apt_get="")
    assert "python3 is 3.9.2" in said
    assert "apt-get install -y python3.11 python3.11-venv" in said


def test_another_environment_is_made_once(tmp_path):
    command = ["/bin/sh", ROOT / "scripts" / "setup.sh", "wanted.txt", ".venv-other", "--no-deps"]
    settings = {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1"}, "text": True}
    (tmp_path / "wanted.txt").write_text("# nothing\n")
    said = [subprocess.run(command, **settings, capture_output=True, check=True).stdout for _ in range(2)]
    assert said[0].splitlines()[0].startswith("Making .venv-other with Python 3")
    assert said[1] == ""  # nothing changed
    assert [path.name for path in tmp_path.glob(".*")] == [".venv-other"]
    (tmp_path / "wanted.txt").write_text("absent==1.0+cpu\n")
    done = subprocess.run(command, **settings, capture_output=True)
    assert done.returncode == 1
    assert "set PIP_EXTRA_INDEX_URL to its index of CPU builds" in done.stderr
    assert "all of them in .venv-other/install.log" in done.stderr


def test_an_old_python_beside_a_newer_one_without_venv(tmp_path):
    said = set_up(tmp_path, python3=OLD, python3_dot_12=WITHOUT_VENV, apt_get="")
    assert "python3.12 has no venv module" in said
    assert "apt-get install -y python3.12-venv" in said
