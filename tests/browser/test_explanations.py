"""Words that explain themselves: under the mouse, by key, by touch and without scripts."""

import pytest
from playwright.sync_api import Page, expect

from leaderboard.models import Standing
from tests.browser.conftest import Visitors
from tests.browser.watching import overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Whether every side of the open explanation is inside the window, and its word uncovered.
SEEN = """() => {
  const box = document.querySelector(":popover-open").getBoundingClientRect();
  const word = document.querySelector(":popover-open").previousElementSibling.getBoundingClientRect();
  const inside = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  return inside && (box.top >= word.bottom || box.bottom <= word.top);
}"""


def board(visitors: Visitors, **options) -> Page:
    """A judge's board, of whose models one is provisional."""
    standing = Standing.objects.filter(
        board__judge__slug="demo-judge", board__category="", board__method="bt"
    )
    Standing.objects.filter(pk=standing.order_by("rank")[1].pk).update(note="few matches: 20 of 30")
    page = visitors.open(**options)
    page.goto("/leaderboard/?source=demo-judge")
    return page


def test_the_mouse_opens_one_and_can_go_into_it(visitors):
    page = board(visitors, viewport=WIDE)
    rank, score = page.locator("#about-rank"), page.locator("#about-score")
    page.get_by_role("button", name="Rank", exact=True).hover()
    expect(rank).to_be_visible()
    page.get_by_role("button", name="Rank", exact=True).click()  # opened already, so it stays
    expect(rank).to_be_visible()
    link = rank.get_by_role("link")
    link.hover()
    page.wait_for_timeout(400)  # twice as long as an explanation outlives the mouse
    expect(rank).to_be_visible()
    page.get_by_role("button", name="Score").hover()
    expect(score).to_be_visible()
    expect(rank).to_be_hidden()
    page.mouse.move(5, 5)
    expect(score).to_be_hidden()
    page.get_by_role("button", name="Rank", exact=True).hover()
    link.click()
    expect(page).to_have_url(f"{visitors.address}/methods/#ranks")
    expect(page.locator("#ranks")).to_be_in_viewport()


def test_keys_open_close_and_follow_one(visitors):
    page = board(visitors, viewport=WIDE)
    page.get_by_label("Find a model").focus()
    page.locator(".files a").last.focus()
    page.keyboard.press("Tab")
    rank = page.locator("#about-rank")
    expect(page.get_by_role("button", name="Rank", exact=True)).to_be_focused()
    expect(rank).to_be_visible()
    page.keyboard.press("Escape")
    expect(rank).to_be_hidden()
    expect(page.get_by_role("button", name="Rank", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(rank).to_be_visible()
    page.keyboard.press("Tab")
    expect(rank.get_by_role("link")).to_be_focused()
    expect(rank).to_be_visible()
    page.keyboard.press("Tab")
    expect(rank).to_be_hidden()
    expect(page.locator("#about-rating")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_finger_opens_and_closes_one(visitors, scripts):
    page = board(visitors, viewport=NARROW, has_touch=True, is_mobile=True, java_script_enabled=scripts)
    mark = page.get_by_role("button", name="provisional")
    words = page.get_by_text("Few matches: 20 of 30. The rating may still move far.")
    expect(words).to_be_hidden()
    mark.tap()
    expect(words).to_be_visible()
    expect(words.get_by_role("link")).to_have_attribute("href", "/methods/#status")
    mark.tap()
    expect(words).to_be_hidden()
    mark.tap()
    page.get_by_role("heading", name="Leaderboard").tap()
    expect(words).to_be_hidden()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_open_ones_are_seen_whole_and_accessible(visitors, viewport):
    page = board(visitors, viewport=viewport)
    words = page.locator(".term:visible")
    assert words.count() >= 6
    for number in range(words.count()):
        page.keyboard.press("Escape")
        word = words.nth(number)
        word.click()
        assert page.evaluate(SEEN), word.inner_text()
        assert overflow(page) == []
    for scheme in ("light", "dark"):  # the last one is open
        page.emulate_media(color_scheme=scheme)
        assert page.locator(":popover-open").count() == 1
        assert violations(page) == []


def test_a_fact_is_a_link_beside_its_explanation(visitors):
    page = board(visitors, viewport=WIDE)
    page.get_by_role("button", name="models may be first").hover()
    expect(page.get_by_text("Models whose 95 % range of ranks begins at 1.")).to_be_visible()
    page.mouse.move(5, 5)
    cell = page.locator(".facts > *").first.bounding_box()
    page.mouse.click(cell["x"] + cell["width"] - 6, cell["y"] + 6)  # anywhere in the cell
    expect(page).to_have_url(f"{visitors.address}/judges/?benchmark=demo")


def test_contents_stay_beside_the_text_and_lead_into_it(visitors):
    page = visitors.open(viewport=WIDE)
    page.goto("/methods/")
    contents = page.get_by_role("navigation", name="On this page")
    contents.get_by_role("link", name="References").click()
    expect(page.locator("#references")).to_be_in_viewport()
    expect(contents).to_be_in_viewport(ratio=1)
