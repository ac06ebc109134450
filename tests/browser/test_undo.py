"""Taking a vote back: by key, by button, without JavaScript, on a phone; and when the time for it is over."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from arena.models import Ballot, Benchmark, Vote
from arena.services import voting
from tests.browser.test_voting import DESK, begin, focused, is_marked
from tests.browser.watching import overflow, press, violations
from tests.factories import make_answers, make_benchmark, make_matches

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]
PHONE = {"width": 390, "height": 844}
WITHDRAWN = "Your vote is withdrawn and counts for nothing."


@pytest.fixture
def benchmark(database) -> Benchmark:
    """Three prompts, two models: 3 matches."""
    benchmark = make_benchmark(prompts=3, slug="bench")
    make_answers(benchmark, "A first text.", name="Zanzibar 70B")
    make_answers(benchmark, "Another text.", name="Quokka 7B")
    make_matches(benchmark)
    return benchmark


def vote(page: Page) -> None:
    begin(page)
    press(page, "1")
    expect(page.get_by_text("1 vote of yours today")).to_be_visible()


def test_by_key(page, benchmark):
    vote(page)
    expect(page.locator("#undo")).to_contain_text(re.compile(r"Undo\s+[1-5] s"))
    press(page, "u")
    expect(page.get_by_role("status")).to_contain_text(WITHDRAWN)
    expect(page.locator("#next")).to_be_focused()
    expect(page.locator("#undo")).to_have_count(0)
    expect(page.get_by_text("of yours today")).to_have_count(0)
    assert not Vote.objects.exists()
    page.keyboard.press("u")  # nothing is left to undo
    press(page, "n")
    expect(page.locator("form.bar")).to_be_visible()
    assert Ballot.objects.values("match").distinct().count() == 2  # another pair
    assert is_marked(page)


def test_by_button_on_a_phone(visitors, benchmark):
    page = visitors.open(viewport=PHONE, has_touch=True)
    page.goto("/")
    page.get_by_role("button", name="B is better").tap()
    undo, following = page.locator("#undo"), page.locator("#next")
    undo.wait_for()
    # Side by side at the lower edge, each at least 44 pixels high.
    boxes = [undo.bounding_box(), following.bounding_box()]
    assert abs(boxes[0]["y"] - boxes[1]["y"]) < 2
    assert min(box["height"] for box in boxes) >= 44
    assert max(box["y"] + box["height"] for box in boxes) <= PHONE["height"]
    undo.tap()
    expect(page.get_by_role("status")).to_contain_text(WITHDRAWN)
    assert not Vote.objects.exists()


def test_the_button_goes_when_its_time_is_over(page, benchmark):
    vote(page)
    page.locator("#undo").focus()
    expect(page.locator("#undo")).to_be_hidden(timeout=20_000)
    assert focused(page) == "next"
    page.keyboard.press("u")
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 1


def test_the_server_has_the_last_word(page, benchmark, monkeypatch):
    vote(page)
    monkeypatch.setattr(
        voting, "UNDO_GRACE", -voting.UNDO_LIMIT
    )  # as if the request had been on its way for long
    press(page, "u")
    expect(page.get_by_role("status")).to_contain_text(
        "Too late to undo: a vote can be withdrawn within 5 seconds"
    )
    expect(page.locator("#next")).to_be_focused()
    assert Vote.objects.count() == 1


def test_without_javascript(visitors, benchmark):
    page = visitors.open(viewport=DESK, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("button", name="Tie").click()
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(re.compile(r"/vote/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("status")).to_contain_text(WITHDRAWN)
    page.reload()
    assert not Vote.objects.exists()
    page.get_by_role("link", name="Next pair").click()
    expect(page.locator("form.bar")).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_both_states_are_accessible(visitors, benchmark, size):
    page = visitors.open(viewport=size)
    found = {}
    page.goto("/")
    page.get_by_role("button", name="Tie").click()
    page.locator("#undo").wait_for()
    for state in ("undo", "withdrawn"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[state, scheme] = overflow(page) + violations(page)
        if state == "undo":
            ballot = Ballot.objects.get()  # the checks took their time, so it gets more
            Ballot.objects.update(answered_at=ballot.answered_at + timedelta(hours=1))
            page.goto(f"/vote/{ballot.token}/")
            page.locator("#undo").click()
            page.get_by_text(WITHDRAWN).wait_for()
    assert set(map(tuple, found.values())) == {()}
