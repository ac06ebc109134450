"""Django's connections to the embedded server, in processes of their own."""

import os
import subprocess
import sys

import pytest

from tests.arena.embedded.conftest import ROOT, is_stopped, wait_for

QUERY = """
import django, os, signal
django.setup()
from django.conf import settings
from django.db import connection
from arena.embedded.places import find_places
def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 40 + 2")
        return cursor.fetchone()[0]
print(ask())
pid_file = find_places(settings.ARENA_HOME).cluster / "postmaster.pid"
os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
connection.close()
if connection.pool:
    connection.close_pool()
print(ask())
"""


def run(home, *arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean | {"ARENA_HOME": str(home), "DJANGO_SETTINGS_MODULE": "arena.settings"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("pool", ["0", "1"])
def test_a_connection_survives_a_killed_server(home, pool):
    done = run(home, "-c", QUERY, ARENA_POOL=pool)
    assert (done.stdout, done.returncode) == ("42\n42\n", 0), done.stderr
    wait_for(lambda: is_stopped(home))


def test_loading_the_settings_starts_nothing(home):
    done = run(home, "-c", "import django; django.setup()")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in home.iterdir()) == ["sealing_key", "secret_key"]
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_shell_of_the_database(home):
    """With the machine's psql or, on a path without one, with the embedded one."""
    for path in (os.environ["PATH"], "/nonexistent"):
        done = run(home, "manage.py", "dbshell", "--", "-Atc", "SELECT 42", PATH=path)
        assert done.stdout == "42\n", done.stderr
