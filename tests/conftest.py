"""What every test shares: the suite's own embedded database, unless DATABASE_URL names a server."""

import hashlib
import os
import tempfile
from pathlib import Path

# Here and not in pyproject.toml: from there, pytest-django would read the settings before this file ran.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if not os.environ.get("DATABASE_URL"):
    # One home per user and checkout, so that the site's own data stays out of the tests' way, and
    # xdist's workers share one server.
    _checkout = hashlib.sha256(os.fsencode(Path(__file__).resolve().parent)).hexdigest()[:12]
    os.environ.setdefault(
        "ARENA_HOME", str(Path(tempfile.gettempdir()) / f"arena-tests-{os.getuid()}-{_checkout}")
    )

import django
import django.db
import hypothesis
import pytest
from django.conf import settings as django_settings

django.setup()

from leaderboard.services import boards  # noqa: E402 -- needs the settings
from leaderboard.views import cached  # noqa: E402

# These machines are shared: an example that takes longer than usual is no fault.
SLOW = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("arena", **SLOW)
hypothesis.settings.register_profile("thorough", **SLOW, max_examples=10_000)
hypothesis.settings.load_profile("arena")


# They run sites of their own, of which they kill parts.
WAITING = ("tests/faults/", "tests/arena/embedded/test_run.py")


def pytest_addoption(parser):
    parser.addoption("--database-only", action="store_true", help="leave out what needs no database")


@pytest.hookimpl(trylast=True)  # after what was not asked for is out
def pytest_collection_modifyitems(config, items):
    if config.getoption("--database-only"):
        _keep_those_with_a_database(config, items)
    if workers := getattr(config, "workerinput", {}).get("workercount"):
        items[:] = _begin_with_what_waits(items, workers)


def _keep_those_with_a_database(config, items):
    """A second run, on other servers, need not repeat what does not know them."""
    fixtures = {"db", "transactional_db", "django_db_setup"}
    kept = [
        item for item in items if item.get_closest_marker("django_db") or fixtures & set(item.fixturenames)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _begin_with_what_waits(items, workers):
    """Begin with tests that wait in the shares that xdist's worksteal gives to all workers but one a core.

    They take minutes in which they need little of a core; nobody has to wait for them at the end then.
    """
    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    rest = [item for item in items if not item.nodeid.startswith(WAITING)]
    lanes = max(workers - (os.cpu_count() or 1), 1)
    placed = []
    for worker in range(workers):
        share = (len(items) - len(placed)) // (workers - worker)
        mine = waiting[worker::lanes] if worker < lanes else []
        room = max(share - len(mine), 0)
        placed += mine + rest[:room]
        del rest[:room]
    return placed + rest


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker):
    """The suite's own server need not survive a power cut: without waiting for the disk it is much faster."""
    if not django_settings.EMBEDDED_DATABASE:
        return
    with django_db_blocker.unblock(), django.db.connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"ALTER SYSTEM SET {name} = off")
        cursor.execute("SELECT pg_reload_conf()")
    django.db.connection.close()


@pytest.fixture(autouse=True)
def unhashed_static(settings):
    """Pages without a collectstatic before: the plain storage knows every file."""
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}


@pytest.fixture(autouse=True)
def no_page_of_another_test():
    """The cache of rendered boards lives as long as the process."""
    cached.CACHE.clear()


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """The site's own hashes are slow, as they should be: a third of a second for each user of a test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def fits_are_cheap(monkeypatch):
    """On a busy machine the thorough fits of ten votes may take longer than what every refresh may cost."""
    monkeypatch.setattr(boards, "CHEAP", 30.0)


@pytest.fixture
def alice(django_user_model):
    """Owns models."""
    return django_user_model.objects.create_user("alice", password="correct horse battery")


@pytest.fixture
def bob(django_user_model):
    """Another signed-in person, a stranger to Alice's models."""
    return django_user_model.objects.create_user("bob", password="correct horse battery")


@pytest.fixture
def olga(django_user_model):
    """Operates the arena: staff."""
    return django_user_model.objects.create_superuser("olga", password="correct horse battery")
