"""A real Chromium, the site in a thread as it is served (hashed, compressed files), and its worker."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings as site_settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client, override_settings
from django.test.testcases import LiveServerThread
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from arena.tasks import answer_pending, render_answers
from judging.tasks import judge_pending, plan_judging
from leaderboard.services.demo import load_demo
from leaderboard.tasks import pair_submissions, refresh_boards
from leaderboard.views import cached
from tests.browser.watching import Watch

TASKS = (answer_pending, render_answers, pair_submissions, plan_judging, judge_pending, refresh_boards)
PATIENCE = 60_000  # milliseconds for a page, on a machine that is busy
TICK = 0.3  # seconds between two rounds of the worker; the real scheduler waits for two


@pytest.fixture(autouse=True)
def unhashed_static():
    """In place of the suite's: here the files are collected, as in production."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        pytest.skip("There is no Chromium: install Debian's package chromium, or name it in CHROMIUM.")
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Its synchronous calls run an event loop in this thread, in which Django's ORM refuses to work.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        launched = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def db(django_db_setup) -> None:
    """In place of pytest-django's, which wraps tests into a transaction. The name asks for a database."""


@pytest.fixture(scope="session")
def address(browser: Browser, db, tmp_path_factory) -> Iterator[str]:
    """Where the site answers. It shares the test database and the settings with the tests."""
    backend = "arena.static_files.StaticStorage"
    with override_settings(
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        STORAGES=site_settings.STORAGES | {"staticfiles": {"BACKEND": backend}},
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
        # The handler is ours: Django's for tests would serve the static files itself, uncompressed.
        thread = LiveServerThread("localhost", static_handler=lambda _: get_wsgi_application())
        thread.daemon = True
        thread.start()
        thread.is_ready.wait()
        if thread.error:
            raise thread.error
        yield f"http://localhost:{thread.port}"
        thread.terminate()


@contextmanager
def emptied_afterwards(django_db_blocker) -> Iterator[None]:
    """The test database, committed as in production so that the site's threads see it, then emptied."""
    cache.clear()
    cached.CACHE.clear()
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            call_command("flush", interactive=False, verbosity=0)
            connections.close_all()
            cache.clear()


@pytest.fixture
def database(address: str, django_db_blocker) -> Iterator[None]:
    """An empty database for one test."""
    with emptied_afterwards(django_db_blocker):
        yield


@pytest.fixture(scope="module")
def arena(address: str, django_db_blocker) -> Iterator[None]:
    """An empty database for a module that fills it once."""
    with emptied_afterwards(django_db_blocker):
        yield


@pytest.fixture(scope="module")
def demo(address: str, django_db_blocker) -> Iterator[None]:
    """The demo arena for a module; loading takes seconds."""
    with emptied_afterwards(django_db_blocker):
        load_demo(now=timezone.now(), progress=lambda _: None)
        yield


class Visitors:
    """Opens browsers of their own for people, and keeps what went wrong in any of them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.watch = Watch(address)
        self._contexts: list[BrowserContext] = []

    def open(self, *, user=None, **options) -> Page:
        """A page of a new visitor, signed in as ``user`` if one is given."""
        # Without motion, colours are final at once.
        defaults = {"base_url": self.address, "reduced_motion": "reduce"}
        context = self.browser.new_context(**(defaults | options))
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            name = site_settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.address}])
        page = context.new_page()
        self.watch.follow(context, page)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visitors(browser: Browser, address: str) -> Iterator[Visitors]:
    """A test that leaves a console message, a dialog or a foreign request behind has failed."""
    people = Visitors(browser, address)
    yield people
    people.close()
    assert people.watch.troubles == []


@pytest.fixture
def page(visitors: Visitors) -> Page:
    """A visitor at a desk."""
    return visitors.open(viewport={"width": 1440, "height": 900})


@contextmanager
def working() -> Iterator[None]:
    """A worker and its scheduler: the tasks, again and again, in a thread, and once more at the end."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            over = False
            while not over:
                over = stop.wait(TICK)
                for task in TASKS:
                    task()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert errors == []
