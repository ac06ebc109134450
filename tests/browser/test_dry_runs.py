"""What a sender does with a model that answers here: dry run, go on, cancel, try again, withdraw, quota."""

import os
import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from arena.models import Answer, Benchmark, Competitor, Job, Submission
from arena.services.submissions import Entry, accept_endpoint
from tests.browser.conftest import working
from tests.browser.test_submissions import PATIENCE, fits
from tests.factories import make_endpoint
from tests.servers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

CHEAP = {"ENDPOINT_ALLOW": "127.0.0.1", "QUOTA_RUNNING": 2, "MATCH_BUDGET": 48}
LONG = "It is **not** that simple: \n\n" + "one thing leads to another, and that to a third. " * 60


@pytest.fixture(autouse=True)
def cheap():
    with override_settings(**CHEAP):
        yield


@pytest.fixture
def alice(request):
    """Alice as no other test knows her."""
    return get_user_model().objects.create_user(request.node.name[:40])


def keep(page: Page, name: str) -> None:
    """A picture for whoever wants to look, at both widths and in both schemes."""
    if folder := os.environ.get("PICTURES"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)


def looks_right(page: Page, name: str) -> None:
    fits(page)
    keep(page, name)


def send(user, server, name: str, **options) -> Submission:
    entry = Entry(user=user, benchmark=Benchmark.objects.get(), name=name, dry_run=True)
    where = {"base_url": server.base_url, "model": "model", "key": ""} | options
    return accept_endpoint(entry, now=timezone.now(), **where)


def fill_in(page: Page, server, name: str) -> None:
    page.goto("/submit/?kind=endpoint")
    page.get_by_label("Name of the model").fill(name)
    page.get_by_label("Base URL").fill(server.base_url)
    page.get_by_label("Model name on that server").fill("model")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def stage(page: Page, word: str) -> None:
    expect(page.locator(".stage .pill")).to_have_text(word, timeout=PATIENCE)


def test_dry_run_then_the_rest_then_other_settings_then_withdrawn(visitors, alice):
    page = visitors.open(user=alice)
    with running_server(lambda prompt: LONG + prompt[-20:]) as server:
        page.goto("/submit/?kind=endpoint")
        expect(page.locator("#quota")).to_contain_text("2 of 2 at once")
        looks_right(page, "form")
        fill_in(page, server, "Hornbeam")
        stage(page, "Dry run")
        looks_right(page, "dry-run-waits")
        with working():
            expect(page.locator(".trial .said")).to_have_count(4, timeout=PATIENCE)  # one has two turns
            expect(page.get_by_text("It goes on by itself at")).to_be_visible(timeout=PATIENCE)
        asked = len(server.bodies)
        looks_right(page, "dry-run-shown")
        # What is read stays in its place: the page asks, and nothing is put over it.
        page.evaluate("() => { document.querySelector('.trial').dataset.mark = 'here'; }")
        with page.expect_response(re.compile("part=steps")) as polled:
            pass
        assert polled.value.status == 204
        assert page.locator(".trial").first.get_attribute("data-mark") == "here"
        tried = set(Answer.objects.filter(competitor__name="Hornbeam").values_list("pk", flat=True))
        page.get_by_role("button", name="Go on").focus()
        page.keyboard.press("Enter")
        stage(page, "Queued")
        expect(page.get_by_text("No estimate yet")).to_be_visible()
        looks_right(page, "queued")
        with working():
            link = page.get_by_role("link", name="See it on the board")
            expect(link).to_be_visible(timeout=PATIENCE)
        stage(page, "Rated")
        looks_right(page, "rated")
        expect(page.get_by_text("24 answers")).to_be_visible()
        assert tried < set(Answer.objects.filter(competitor__name="Hornbeam").values_list("pk", flat=True))
        turns = sum(len(prompt.turns) for prompt in Benchmark.objects.get().prompts.all())
        assert asked == 4
        assert len(server.bodies) == turns  # nothing was asked twice

        page.get_by_role("heading", name="Hornbeam").get_by_role("link").click()
        page.get_by_role("link", name="Same model, other settings").click()
        expect(page.get_by_role("heading", name="Other settings of Hornbeam")).to_be_visible()
        expect(page.get_by_label("Base URL")).to_have_value(server.base_url)
        page.get_by_label("Name of the model").fill("Hornbeam, cool")
        visitors.watch.expect("status of 422")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("These are the settings of Hornbeam itself")).to_be_visible()
        page.get_by_text("Sampling settings", exact=False).first.click()
        page.get_by_label("Temperature").fill("0.2")
        looks_right(page, "other-settings")
        page.get_by_role("button", name="Submit").click()
        stage(page, "Dry run")
    page.get_by_role("heading", name="Hornbeam, cool").get_by_role("link").click()
    expect(page.get_by_text("Its settings were changed from those of")).to_be_visible()
    looks_right(page, "variant")
    page.get_by_role("link", name="Hornbeam", exact=True).click()
    expect(page.get_by_text("with temperature 0.2")).to_be_visible()
    looks_right(page, "parent")
    page.get_by_role("link", name="Withdraw the model").click()
    page.wait_for_url("**/withdraw/")
    looks_right(page, "withdraw")
    page.get_by_role("button", name="Withdraw the model").click()
    expect(page.get_by_text("Hornbeam was withdrawn. Boards follow")).to_be_visible()
    assert Competitor.objects.get(name="Hornbeam").withdrawn_at is not None
    Submission.objects.filter(competitor__name="Hornbeam, cool").delete()


def test_cancelled_then_tried_again_without_javascript(visitors, alice):
    page = visitors.open(user=alice, java_script_enabled=False)
    with running_server(lambda prompt: prompt) as server:
        fill_in(page, server, "Alder")
        page.get_by_role("button", name="Cancel").click()
        stage(page, "Cancelled")
        expect(page.get_by_text("It was cancelled")).to_be_visible()
        keep(page, "cancelled")
        page.get_by_role("button", name="Try again").click()
        stage(page, "Dry run")
        with working():
            page.get_by_role("button", name="Go on").click(timeout=PATIENCE)  # the page reloads by itself
            expect(page.get_by_role("link", name="See it on the board")).to_be_visible(timeout=PATIENCE)


def test_a_dry_run_that_fails_costs_nothing_and_is_tried_again(visitors, alice):
    page = visitors.open(user=alice)
    before = quota(page)
    with running_server(lambda prompt: prompt) as server:
        submission = send(alice, server, "Beech", model="needs-key", key="sk-wrong-0123456789")
        page.goto(submission.get_absolute_url())
        with working():
            stage(page, "Failed")
        expect(page.get_by_text("refuses the API key")).to_be_visible()
        looks_right(page, "failed")
        assert quota(page) == before
        page.goto(submission.get_absolute_url())
        page.get_by_label("Another API key").fill("sk-right-0123456789")
        page.get_by_role("button", name="Try again").click()
        with working():
            expect(page.get_by_role("button", name="Go on")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Cancel").click()
        stage(page, "Cancelled")
        looks_right(page, "cancelled-after-dry-run")


def quota(page: Page) -> str:
    page.goto("/submit/?kind=endpoint")
    return page.locator("#quota").inner_text()


def test_over_the_quota(visitors, alice):
    held = [make_endpoint(Benchmark.objects.get(), "http://127.0.0.1:9/v1", alice) for _ in range(2)]
    page = visitors.open(user=alice)
    page.goto("/submit/?kind=endpoint")
    page.get_by_label("Name of the model").fill("Cedar")
    page.get_by_label("Base URL").fill("https://api.example.org/v1")
    page.get_by_label("Model name on that server").fill("cedar")
    visitors.watch.expect("status of 429")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("2 models of yours are waiting or generating")
    expect(page.get_by_label("Name of the model")).to_have_value("Cedar")
    looks_right(page, "quota")
    assert not Competitor.objects.filter(name="Cedar").exists()
    # A worker that went silent, as its page tells.
    Job.objects.filter(owner=held[1].pk).update(
        state="running", worker="worker@one", attempts=1, lease_until=timezone.now()
    )
    held[1].note_begun()
    page.goto(held[1].get_absolute_url())
    expect(page.get_by_text("worker@one has been silent for")).to_be_visible()
    looks_right(page, "silent")
    Submission.objects.filter(pk__in=[each.pk for each in held]).delete()
    Job.objects.filter(owner__in=[each.pk for each in held]).delete()
