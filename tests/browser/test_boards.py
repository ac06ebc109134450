"""A board's switches and lines in the browser: ties by mouse, key, touch and without scripts; states."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leaderboard.models import Board
from tests.browser.conftest import Visitors
from tests.browser.watching import overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

WIDTHS = {1440: 900, 390: 844}
BOARDS = {
    "people": "/leaderboard/",
    "all ranks at once": "/leaderboard/?ranks=all",
    "equal style": "/leaderboard/?method=style",
    "people and a judge": "/leaderboard/?method=ppi",
    "a judge of no help": "/leaderboard/?method=ppi&source=random",
    "charts at equal style": "/leaderboard/charts/?method=style",
    "people beside people and a judge": "/leaderboard/?view=side-by-side&with=demo-judge&method=ppi",
    "no such board": "/leaderboard/?method=style&source=longest&category=code",
}


@pytest.fixture(scope="module", autouse=True)
def doubts(demo) -> None:
    """People's board as it is with odd voters, a new model, and intervals that are behind."""
    board = Board.objects.get(benchmark__slug="demo", judge=None, category="", method="bt")
    first, second, *_, last = board.standings.order_by("rank")
    move = {"player": first.competitor.name, "rank_before": 1, "rank_after": 2}
    move |= {"rating_before": first.rating, "rating_after": second.rating}
    board.details["voters"] = {"tested": 36, "flagged": 2, "votes": 48, "voters": [1, 2], "moves": [move]}
    board.details["voters"]["reasons"] = ["does not follow the answers", "leans to the answer shown first"]
    board.intervals_at = timezone.now() - timedelta(minutes=9)
    board.save()
    for name in ("rank", "joint", "rating"):
        setattr(last, f"{name}_lower", None)
        setattr(last, f"{name}_upper", None)
    last.tied, last.tied_count, last.note = [], 0, "new: its interval follows within minutes"
    last.save()


def ties(page: Page):
    """The first model's toggle, and what it opens."""
    return page.locator("button.ties").first, page.locator("#ties-1")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BOARDS)
def test_boards_fit_and_are_accessible(visitors: Visitors, name, width):
    page = visitors.open(viewport={"width": width, "height": WIDTHS[width]})
    page.goto(BOARDS[name])
    page.evaluate("() => document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found[scheme] = overflow(page) + violations(page)
    assert found == {"light": [], "dark": []}


def test_ties_open_under_the_mouse_and_by_key(page: Page):
    page.goto("/leaderboard/")
    toggle, words = ties(page)
    toggle.hover()
    expect(words).to_be_visible()
    expect(words).to_contain_text("Not told apart from")
    page.mouse.move(5, 5)
    expect(words).to_be_hidden()
    page.locator("#board thead button").last.focus()
    page.keyboard.press("Escape")  # else Tab leads into what the focus has opened
    page.keyboard.press("Tab")
    expect(toggle).to_be_focused()
    expect(words).to_be_visible()
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
def test_ties_open_under_a_finger(visitors: Visitors, scripts):
    page = visitors.open(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, java_script_enabled=scripts
    )
    page.goto("/leaderboard/")
    toggle, words = ties(page)
    toggle.tap()
    expect(words).to_be_visible()
    box = words.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    toggle.tap()
    expect(words).to_be_hidden()


def test_switches_lead_from_board_to_board_without_scripts(visitors: Visitors):
    page = visitors.open(java_script_enabled=False)
    page.goto("/leaderboard/")
    page.get_by_role("link", name="all at once").click()
    expect(page.get_by_role("link", name="all at once")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Equal style").click()
    expect(page.get_by_role("heading", name="What style is worth")).to_be_visible()
    expect(page.get_by_role("link", name="all at once")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="People + demo-judge").click()
    expect(page.get_by_text("Lambda is")).to_be_visible()
    page.get_by_role("link", name="demo-judge", exact=False).first.click()
    expect(page.get_by_text("ranked by the rulings of demo-judge")).to_be_visible()


def test_what_flagged_voters_change_unfolds(page: Page):
    page.goto("/leaderboard/")
    page.get_by_text("2 of 36 voters do not go with the answers").click()
    expect(page.get_by_role("row", name="Bittern 34B (demo) 1 2")).to_be_visible()
