"""The embedded database with real servers: who starts it, who stops it, and what survives."""

import os
import signal
import stat
import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from arena.embedded import accounts, keeper, postgres
from arena.embedded.places import SOCKET_LIMIT, EmbeddedError, find_places
from tests.arena.embedded.conftest import AS_ROOT, NOBODY, ROOT, USER, User, is_stopped, postmaster, wait_for


def ask(home, query: str):
    """The first value of a query's first row, on a new connection."""
    places = find_places(home)
    with psycopg.connect(
        host=str(places.postgres_sockets), port=5432, user="arena", dbname="arena", autocommit=True
    ) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def test_the_last_user_stops_the_server_and_the_data_stays(home):
    first, second = User(home), User(home)
    assert (first.said, second.said) == ("ready", "ready")
    server = postmaster(home).pid
    ask(home, "CREATE TABLE kept AS SELECT 42 AS n")
    first.end()
    time.sleep(0.5)  # five looks of the keeper
    assert postmaster(home).pid == server, "the second user still needs it"
    second.process.kill()  # no cleaning up of its own
    wait_for(lambda: is_stopped(home))
    third = User(home)
    assert ask(home, "SELECT n FROM kept") == 42
    assert ask(home, "SHOW fsync") == "on"
    third.end()


def test_two_first_users_at_once_start_one_server(home):
    command = [sys.executable, "-c", USER, str(home)]
    users = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) for _ in range(3)]
    assert [user.wait(30) for user in users] == [0, 0, 0]


def test_a_killed_server_is_started_again_for_its_users(home):
    user = User(home)
    ask(home, "CREATE TABLE kept AS SELECT 42 AS n")
    killed = postmaster(home)
    killed.kill()
    wait_for(lambda: (now := postmaster(home)) and now.pid != killed.pid and postgres.is_running(home))
    postgres.ensure_running(home, again=True)
    assert ask(home, "SELECT n FROM kept") == 42
    user.end()


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel ends the server with its parent on Linux alone"
)
def test_a_killed_keeper_takes_the_server_along_and_the_next_user_starts_both(home):
    user = User(home)
    server = postmaster(home)
    server.parent().kill()
    wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    postgres.ensure_running(home)
    assert ask(home, "SELECT 1") == 1
    user.end()


def test_a_pid_file_whose_number_went_to_another_program(home):
    """After a power cut the server's number may belong to any program of the same user."""
    user = User(home)
    places = find_places(home)
    pid_file = places.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    user.end()
    wait_for(lambda: is_stopped(home))
    account = accounts.find_account(places)
    other = subprocess.Popen(["/bin/sleep", "60"], **account.options)
    try:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        lock = places.postgres_sockets / ".s.PGSQL.5432.lock"
        lock.write_text(f"{other.pid}\n{places.cluster}\n0\n5432\n{places.postgres_sockets}\n")
        for path in (pid_file, lock):
            path.chmod(0o600)
            account.give(path)
        user = User(home)
        assert user.said == "ready", user.end()
        assert other.poll() is None
        user.end()
    finally:
        other.kill()
        other.wait()


def test_a_forked_child_is_a_user_of_its_own(home):
    """Celery forks its workers: neither ends the other's database, and an idle child keeps none."""
    code = """
import os, sys, time
from pathlib import Path
from arena.embedded import postgres
home = Path(sys.argv[1])
postgres.ensure_running(home)
if not os.fork():
    if sys.argv[2] == "uses":
        postgres.ensure_running(home)
    os.write(1, b"ready\\n")  # in one piece, where print writes the line's end apart
    time.sleep(60)
os.write(1, b"parent\\n")
sys.stdin.read()
"""
    for kind in ("uses", "idles"):
        parent = subprocess.Popen(
            [sys.executable, "-c", code, str(home), kind],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
        assert said == {"ready", "parent"}
        child = psutil.Process(parent.pid).children()[-1]
        parent.stdin.close()
        parent.wait(10)
        if kind == "uses":
            time.sleep(0.5)
            assert postgres.is_running(home)
        else:
            wait_for(lambda: is_stopped(home))
        child.kill()
        wait_for(lambda: is_stopped(home))


@pytest.mark.parametrize("name", ["with a space", "a,comma", "x" * 90, "ünïcode"])
def test_awkward_paths(new_home, name):
    home = new_home(name)
    assert len(os.fsencode(find_places(home).postgres_socket)) <= SOCKET_LIMIT
    user = User(home)
    assert user.said == "ready", user.end()
    assert ask(home, "SELECT current_database()") == "arena"
    user.end()


def test_a_folder_that_takes_no_files_is_a_sentence(folder):
    blocker = folder[0] / "file"
    blocker.touch()
    with pytest.raises(EmbeddedError, match="set ARENA_HOME to another folder"):
        postgres.ensure_running(blocker / "home")


def test_a_server_that_cannot_start_says_why(home):
    user = User(home)
    user.end()
    wait_for(lambda: is_stopped(home))
    (find_places(home).cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"(?s)incompatible with server.*postgres\.log"):
        postgres.ensure_running(home)
    postgres.release(home)


def test_a_socket_folder_of_another_user_is_refused(new_home, monkeypatch):
    home = new_home(
        "y" * 90
    )  # its sockets are in the shared temporary folder, where anybody could have made the folder first
    sockets = find_places(home).sockets
    sockets.mkdir()
    if AS_ROOT:
        os.chown(sockets, NOBODY.pw_uid, NOBODY.pw_gid)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        postgres.ensure_running(home)
    postgres.release(home)


@pytest.mark.skipif(not AS_ROOT, reason="only root starts the server as another user")
class TestAsRoot:
    def test_the_server_has_its_own_user(self, home):
        user = User(home)
        assert postmaster(home).username() == accounts.SYSTEM_USER
        user.end()

    def test_a_closed_parent_keeps_its_mode_and_the_cluster_lives_elsewhere(self, folder, new_home):
        closed = folder[0] / "closed"
        closed.mkdir(mode=0o700)
        (closed / "open").mkdir(mode=0o755)
        home = new_home("closed/open/home")
        home.mkdir(mode=0o750)
        user = User(home)
        assert user.said == "ready"
        base = find_places(home).base
        assert not base.is_relative_to(folder[0])
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (closed, closed / "open", home)]
        assert modes == [0o700, 0o755, 0o750]
        assert f"so the database is kept in {base}" in user.end()
        wait_for(lambda: is_stopped(home))
        closed.chmod(0o755)
        home.chmod(0o755)
        assert find_places(home).base == base, "an existing cluster stays where it is"

    def test_root_serves_an_ordinary_users_cluster_as_that_user(self, home):
        user = User(home)
        user.end()
        wait_for(lambda: is_stopped(home))
        for path in [home, *home.rglob("*")]:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        user = User(home)
        assert postmaster(home).username() == "nobody"
        assert {path.stat().st_uid for path in (home / "run").iterdir()} == {NOBODY.pw_uid}
        user.end()

    def test_unreadable_binaries_are_copied_once(self, folder, home, monkeypatch):
        closed = folder[0] / "closed"
        closed.mkdir(mode=0o700)
        package = accounts.find_binaries().parent.parent
        for path in (package, package.with_name(f"{package.name}.libs")):
            (closed / path.name).symlink_to(path)
        programs = closed / package.name / "pginstall18" / "bin"
        monkeypatch.setattr(accounts, "find_binaries", lambda: programs)
        monkeypatch.setattr(accounts, "SHARED", folder[0] / "lib")
        postgres.ensure_running(home)
        assert postmaster(home).exe().startswith(str(folder[0] / "lib" / "pgsql-18-"))
        copy = next((folder[0] / "lib").iterdir())
        assert sum(path.stat().st_size for path in copy.rglob("*")) < 30e6
        made = copy.stat().st_mtime_ns
        accounts.find_usable_binaries(accounts.find_account(find_places(home)))  # a second time
        assert copy.stat().st_mtime_ns == made


def test_an_ordinary_user(folder, new_home):
    """The same as nobody, when the tests run as root and that user can reach this Python."""
    home = new_home("ordinary")
    options = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []} if AS_ROOT else {}
    try:
        subprocess.run(
            [sys.executable, "-c", "import psycopg, arena.embedded"], check=True, cwd=ROOT, **options
        )
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("the user nobody cannot reach this Python")
    if AS_ROOT:
        os.chown(folder[0], NOBODY.pw_uid, NOBODY.pw_gid)
    user = User(home, **options)
    assert user.said == "ready", user.end()
    assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
    assert postmaster(home).uids().real == (NOBODY.pw_uid if AS_ROOT else os.geteuid())
    user.end()
    wait_for(lambda: is_stopped(home))
    folder[0].chmod(0o555)
    refused = User(folder[0] / "other", **options)
    assert "cannot be used" in refused.end()
    folder[0].chmod(0o755)


def test_a_server_that_keeps_dying_is_given_up(home):
    """Three deaths within a minute: the keeper ends, and the next user's start begins afresh."""
    user = User(home)
    parent = postmaster(home).parent()

    def has_given_up():
        return not parent.is_running() or parent.status() == psutil.STATUS_ZOMBIE

    # A server that dies before its keeper has seen it ready was not up, so it may take more than three.
    for number in range(5 * keeper.QUICK_DEATHS):
        if number >= keeper.QUICK_DEATHS and has_given_up():
            break
        postgres.ensure_running(home, again=True)
        server = postmaster(home)
        time.sleep(0.2)
        server.send_signal(signal.SIGKILL)
        wait_for(lambda server=server: not psutil.pid_exists(server.pid))
    wait_for(has_given_up)
    postgres.ensure_running(home, again=True)
    assert ask(home, "SELECT 1") == 1
    user.end()
