"""Submissions whose model answers here: the form, every state of the page, and another try, in a browser."""

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from arena.models import Benchmark, HostWorker, Job, Submission
from arena.services.checking import check_received
from arena.services.submissions import Entry, accept_host_model
from tests.browser.conftest import working
from tests.browser.watching import overflow, violations
from tests.factories import make_endpoint
from tests.servers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

PATIENCE = 60_000  # milliseconds
SIZES = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture(autouse=True)
def loopback_allowed():
    with override_settings(ENDPOINT_ALLOW="127.0.0.1"):
        yield


@pytest.fixture
def olga():
    users = get_user_model().objects
    return users.filter(username="olga").first() or users.create_superuser("olga")


def fits(page: Page) -> None:
    """At both widths, light and dark."""
    for size in SIZES:
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert overflow(page) + violations(page) == []


def test_an_endpoint_from_the_form_to_the_board_after_a_second_try(visitors, olga):
    page = visitors.open(user=olga)
    page.goto("/submit/")
    page.get_by_role("link", name="An endpoint").click()
    page.get_by_label("Name of the model").fill("Behind an endpoint")
    page.get_by_label("Base URL").fill("http://10.0.0.1/v1")
    page.get_by_label("Model name on that server").fill("needs-key")
    page.get_by_label("API key").fill("sk-wrong-0123456789")
    page.get_by_text("Sampling settings").click()
    page.get_by_label("Temperature").fill("0.7")
    visitors.watch.expect("status of 422")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("private or reserved address")).to_be_visible()
    fits(page)
    with running_server(lambda prompt: f"{len(prompt)} characters") as server:
        page.get_by_label("Base URL").fill(server.base_url)
        page.get_by_label("API key").fill("sk-wrong-0123456789")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("heading", name="Behind an endpoint")).to_be_visible()
        with working():
            failure = page.get_by_text("refuses the API key")
            expect(failure).to_be_visible(timeout=PATIENCE)  # the page moves by itself
            fits(page)
            page.get_by_label("Another API key").focus()
            page.keyboard.type("sk-right-0123456789")
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Go on").click(timeout=PATIENCE)  # its dry run is over
            expect(page.get_by_role("link", name="See it on the board")).to_be_visible(timeout=PATIENCE)
        assert server.bodies[-1]["temperature"] == 0.7
    expect(page.get_by_text("24 answers")).to_be_visible()
    fits(page)
    page.get_by_role("heading", name="Behind an endpoint").get_by_role("link").click()
    expect(page.get_by_text("Served by")).to_be_visible()
    fits(page)


def test_every_state_of_a_model_on_a_host(visitors, olga):
    entry = Entry(olga, Benchmark.objects.get(), "On a host")
    submission = accept_host_model(
        entry, source="/models/hornbeam", revision="", dtype="auto", max_model_len=None, now=timezone.now()
    )
    page = visitors.open(user=olga)
    page.goto(submission.get_absolute_url())
    expect(page.locator("p", has_text="Looking at what its repository holds")).to_be_visible()
    fits(page)
    check_received()
    submission.refresh_from_db()
    expect(page.locator("p", has_text="No GPU host is running")).to_be_visible(timeout=PATIENCE)
    fits(page)
    now = timezone.now()
    worker = HostWorker(name="gpu@one", state="loading", host_model=submission.host_model, since=now)
    worker.seen_at, worker.log = now, "Loading weights from a very long path\n" * 12 + "50 % done"
    worker.save()
    log = page.get_by_label("last lines of the engine")
    expect(log).to_be_in_viewport(timeout=PATIENCE)
    expect(log).to_contain_text("50 % done")
    fits(page)
    submission.note_begun()
    Job.objects.filter(owner=submission.pk, kind="answer").update(state="done", finished_at=now)
    expect(page.locator("p", has_text="24 of 24")).to_be_visible(timeout=PATIENCE)
    fits(page)
    submission.fail("out_of_memory", "The model needs more memory than this host has. Choose a smaller one.")
    expect(page.get_by_text("needs more memory")).to_be_visible(timeout=PATIENCE)
    fits(page)


def test_waiting_says_until_when(visitors, olga):
    submission = make_endpoint(Benchmark.objects.get(), "http://127.0.0.1:9/v1", olga)
    with working():
        page = visitors.open(user=olga)
        page.goto(submission.get_absolute_url())
        expect(page.get_by_text("It is asked again in")).to_be_visible(timeout=PATIENCE)
    fits(page)
    Submission.objects.filter(pk=submission.pk).delete()
