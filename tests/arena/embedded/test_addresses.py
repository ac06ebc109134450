"""What the settings get: addresses and the key."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arena import embedded, settings
from arena.embedded.places import Places
from tests.arena.embedded.conftest import ROOT


def test_the_addresses_survive_a_space_and_a_percent_sign(folder):
    home = folder[0] / "my 100% arena"
    database = settings.database_from_url(embedded.database_url(home))
    assert (database["USER"], database["NAME"], database["PORT"]) == ("arena", "arena", "5432")
    assert database["HOST"] == str(home / "run" / "postgres")
    assert embedded.broker_url(home).endswith("/my%20100%25%20arena/run/broker.sock?virtual_host=0")


@pytest.mark.parametrize("name", ["short", "x" * 100])
def test_an_address_is_the_same_in_every_process(folder, name, monkeypatch):
    home = folder[0] / name
    first = embedded.database_url(home)
    monkeypatch.setenv("TMPDIR", str(folder[0]))
    code = "import sys, pathlib, arena.embedded as e; print(e.database_url(pathlib.Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, home], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == first
    assert not home.exists(), "computing an address makes nothing"


def test_the_key_is_made_once(folder):
    home = folder[0] / "home"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(embedded.secret_key, [home] * 8))
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    assert [path.name for path in home.iterdir()] == ["secret_key"]


def test_a_key_that_cannot_be_kept_is_a_sentence(folder):
    blocker = folder[0] / "file"
    blocker.touch()
    with pytest.raises(SystemExit, match="set ARENA_HOME to another folder"):
        embedded.secret_key(blocker / "home")


def test_the_places_of_an_installation():
    places = Places(Path("/h"), Path("/b"), Path("/s"))
    assert str(places.cluster) == "/b/postgres"
    assert str(places.postgres_socket) == "/s/postgres/.s.PGSQL.5432"
    assert str(places.users_lock) == "/h/run/postgres.users"
