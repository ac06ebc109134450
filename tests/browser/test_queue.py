"""The queue's page, and the operator's: every state, wide and narrow, by key, and without scripts."""

import os
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import Page, expect

from arena.models import HostModel, HostWorker, Job, Queue, Run, Submission
from arena.models.jobs import ANSWER
from arena.services.submissions import Entry, accept_host_model
from judging.services.judging import plan_judging
from leaderboard.views import cached
from tests.browser.watching import overflow, violations
from tests.factories import make_answers, make_benchmark, make_endpoint, make_judge, make_matches

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

PATIENCE = 60_000  # milliseconds
SIZES = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})
SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures of what was looked at
GPU = {"name": "NVIDIA H100 80GB HBM3", "total": 81559, "free": 60210}


def fits(page: Page, name: str) -> None:
    """At both widths, light and dark."""
    for size in SIZES:
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert overflow(page) == []
            assert violations(page) == []
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{size['width']}-{scheme}.png", full_page=True)


@pytest.fixture
def olga():
    return get_user_model().objects.create_superuser("olga")


def fill() -> None:
    """Four workers, work of every kind, and what waits for it."""
    now = timezone.now()
    benchmark = make_benchmark(40, slug="two-hundred-questions")
    make_answers(benchmark, "red", "green")
    make_matches(benchmark)
    judge = make_judge("Solomon the wise", slug="solomon")
    plan_judging(judge)
    entry = Entry(None, benchmark, "Hornbeam 3B with a rather long name and its settings")
    options = {"source": "/srv/models/hornbeam", "revision": "", "dtype": "auto", "max_model_len": None}
    busy = accept_host_model(entry, now=now, **options)
    busy.note_checked(busy.host_model, now)
    Job.objects.filter(
        pk__in=Job.objects.filter(kind=ANSWER).order_by("pk").values("pk")[:14], kind=ANSWER
    ).update(state="done")
    asked = make_endpoint(benchmark, "http://127.0.0.1:9/v1")
    workers = {
        "gpu@one": {"state": "ready", "host_model": busy.host_model, "gpus": [GPU | {"index": 0}] * 2},
        "gpu@two": {"state": "loading", "host_model": HostModel.objects.create(source="org/linden-7b")},
        "gpu@three": {"state": "failed", "message": "The model needs more memory.", "control": "paused"},
        "io@four": {"queues": ["default", "io"], "serves": False},
        "io@lost": {"queues": ["io"], "serves": False, "seen_at": now - timedelta(minutes=4)},
    }
    for name, fields in workers.items():
        defaults = {"since": now, "seen_at": now, "queues": ["gpu"], "memory_mib": 81559, "log": "Loading\n"}
        HostWorker.objects.create(name=name, vllm_version="", **defaults | fields)
    runs = (("gpu@one", ANSWER, busy), ("io@four", ANSWER, asked), ("io@four", "judge", judge))
    for worker, kind, owner in runs:
        since = now - timedelta(seconds=30)
        Run.objects.create(worker=worker, kind=kind, owner=owner.pk, since=since, seen_at=now, ended=15)
    for number in range(3):
        waits = make_endpoint(benchmark, f"http://127.0.0.1:9/v{number}")
        if number == 2:
            waits.fail("timeout", "127.0.0.1:9 gave no complete answer in time; raise the deadline.")


def test_an_empty_queue(page):
    page.goto("/queue/")
    expect(page.get_by_text("No worker is running")).to_be_visible()
    fits(page, "empty")


def test_it_fills_and_pauses_while_somebody_looks(page):
    page.goto("/queue/")
    fill()
    expect(page.get_by_text("14 of 40").first).to_be_visible(timeout=PATIENCE)
    fits(page, "busy")
    Queue.objects.create(pk=1, paused_at=timezone.now(), note="A new driver is installed.")
    expect(page.get_by_text("A new driver is installed.")).to_be_visible(timeout=PATIENCE)
    fits(page, "paused")


def test_a_very_full_one(page):
    fill()
    benchmark = make_benchmark(1)
    for _ in range(40):
        make_endpoint(benchmark, "http://127.0.0.1:9/v1")
    cached.CACHE.clear()
    page.goto("/queue/")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    fits(page, "full")
    swaps = page.locator("html")
    expect(swaps).to_have_attribute("data-swaps", "1", timeout=PATIENCE)
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()  # the page moves, and stays where it is


@pytest.mark.parametrize("scripts", [True, False])
def test_an_operator_pauses_and_goes_on(visitors, olga, scripts):
    fill()
    page = visitors.open(user=olga, java_script_enabled=scripts)
    page.goto("/queue/")
    page.get_by_role("link", name="Operate", exact=True).click()
    page.wait_for_url("**/queue/operate/")
    if scripts:
        fits(page, "operate")
    page.get_by_label("A word for the record").fill("New driver.")
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.get_by_role("status")).to_contain_text("The queue is paused")
    expect(page.get_by_text("New driver.")).to_be_visible()
    page.get_by_role("button", name="Let the queue go on").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The queue goes on")
    page.get_by_role("button", name="Drain gpu@one").click()
    expect(page.get_by_role("status")).to_contain_text("gpu@one is drained")
    assert HostWorker.objects.get(name="gpu@one").control == "drained"
    page.get_by_role("button", name="Let it work (gpu@one)").click()
    expect(page.get_by_role("status")).to_contain_text("gpu@one works again")
    waits = Submission.objects.filter(state="answering").latest("pk")
    page.get_by_role("button", name=f"Ask {waits.competitor.name} earlier").click()
    expect(page.get_by_role("status")).to_contain_text("has priority +1 now")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("is tried again")
    assert not Submission.objects.filter(state="failed").exists()
