"""Voting by key, by button and without JavaScript; what a page tells before the vote; the way by Tab."""

import re

import pytest
from playwright.sync_api import Page, expect

from arena.models import Ballot, Benchmark, Competitor, Vote
from arena.outcomes import Order, Winner
from tests.browser.watching import press
from tests.factories import make_answers, make_benchmark, make_matches

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

NAMES = ("Zanzibar 70B", "Quokka 7B", "Yggdrasil 1B")
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def benchmark(database) -> Benchmark:
    """Six prompts of one turn, three models: 18 matches."""
    benchmark = make_benchmark(prompts=6, slug="bench")
    texts = ("The first text, which is long enough.", "Another text: **bold** and `code`.", "A third text.")
    for name, text in zip(NAMES, texts, strict=True):
        make_answers(benchmark, text, name=name, organisation=f"House of {name}")
    make_matches(benchmark)
    return benchmark


def begin(page: Page) -> None:
    """Open the vote page and leave a mark that a page load would wipe out."""
    page.goto("/")
    page.evaluate("() => { window.mark = 'here'; }")


def is_marked(page: Page) -> bool:
    return page.evaluate("() => window.mark") == "here"


def token(page: Page) -> str:
    return re.search(r"/vote/([0-9a-f-]{36})/", page.locator("form.bar").get_attribute("action")).group(1)


def focused(page: Page) -> str:
    """The focused element's id, or its tag."""
    return page.evaluate("() => document.activeElement.id || document.activeElement.tagName")


def names_in(text: str) -> set[str]:
    """Models whose name, address or organisation stands in a text."""
    models = Competitor.objects.all()
    return {model.name for model in models if model.name in text or f"/models/{model.slug}/" in text}


def test_four_keys_four_choices(page, benchmark):
    begin(page)
    for key, words, choice in (
        ("1", "You chose A.", "first"),
        ("2", "You called it a tie.", "tie"),
        ("3", "You found both bad.", "both_bad"),
        ("4", "You chose B.", "second"),
        ("ArrowLeft", "You chose A.", "first"),
        ("ArrowRight", "You chose B.", "second"),
    ):
        ballot = Ballot.objects.get(token=token(page))
        press(page, key)
        expect(page.get_by_role("status")).to_contain_text(words)
        straight = ballot.order == Order.AB
        winners = {
            "first": Winner.MODEL_A if straight else Winner.MODEL_B,
            "second": Winner.MODEL_B if straight else Winner.MODEL_A,
            "tie": Winner.TIE,
            "both_bad": Winner.BOTH_BAD,
        }
        assert Vote.objects.get(ballot=ballot).winner == winners[choice]
        press(page, "n")
        expect(page.locator("form.bar")).to_be_visible()
    assert Vote.objects.count() == 6
    assert is_marked(page), "the page was loaded anew between two votes"


def test_the_focus_goes_to_next_and_back_to_the_page(page, benchmark):
    begin(page)
    press(page, "2")
    page.locator("#next").wait_for()
    expect(page.locator("#next")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("form.bar")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    assert page.evaluate("() => scrollY") == 0
    assert Ballot.objects.values("match").distinct().count() == Ballot.objects.count() == 2
    press(page, "1")  # the keys go on working where the focus was put
    expect(page.locator("#next")).to_be_focused()
    assert is_marked(page)


def test_skipping_shows_another_pair_and_no_names(page, benchmark):
    begin(page)
    first = token(page)
    press(page, "s")
    expect(page.locator(f"form.bar[action*='{first}']")).to_have_count(0)
    expect(page.locator("form.bar")).to_be_visible()
    assert Ballot.objects.get(token=first).skipped_at is not None
    assert names_in(page.content()) == set()
    assert Vote.objects.count() == 0
    assert is_marked(page)


def test_the_sheet_of_keys(page, benchmark):
    begin(page)
    page.locator("#show-keys").focus()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    assert page.evaluate("() => document.querySelector('dialog').contains(document.activeElement)")
    page.keyboard.press("1")  # no vote through an open sheet
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert focused(page) == "show-keys"
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 0

    page.locator("#show-keys").click()
    sheet.get_by_label("Use these keys").uncheck()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("Control+2")
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 0, "keys that were switched off"
    page.reload()
    page.keyboard.press("1")
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 0, "the choice is remembered"
    page.keyboard.press("?")  # which still opens the sheet, to switch them on again
    sheet.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    expect(page.locator("#keys-on")).not_to_be_focused()  # a closed sheet lets go of it with the next frame
    press(page, "1")
    page.locator("#next").wait_for()
    assert Vote.objects.count() == 1


def test_modified_held_and_repeated_keys_are_no_votes(page, benchmark):
    begin(page)
    for keys in ("Control+1", "Alt+2", "Meta+3", "5", "x", "n"):
        page.keyboard.press(keys)
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 0
    for _ in range(5):  # a key held down: one vote, and no choice on the next pair
        page.keyboard.down("1")
    page.keyboard.up("1")
    page.locator("#next").wait_for()
    page.keyboard.press("4")  # after the reveal there is nothing to choose
    page.wait_for_timeout(200)
    assert Vote.objects.count() == 1


def test_names_come_after_the_vote_only(page, benchmark):
    said = []
    page.on("response", lambda response: said.append(response))
    begin(page)
    page.wait_for_load_state("networkidle")
    match = Ballot.objects.get(token=token(page)).match
    seen = page.content() + "".join(f"{response.headers}{response.text()}" for response in said)
    assert "Which answer is better?" in seen
    assert names_in(seen) == set()
    # Nothing else that would tell the match apart: its number and its answers' are unknown to the page.
    assert f"/matches/{match.pk}/" not in seen
    press(page, "1")
    page.locator("#next").wait_for()
    assert names_in(page.content()) == {match.competitor_a.name, match.competitor_b.name}
    for letter in ("A", "B"):
        expect(page.get_by_role("heading", level=2, name=re.compile(f"^{letter}"))).to_contain_text(
            re.compile("|".join(NAMES))
        )
    assert f"/matches/{match.pk}/" in page.content()
    # And gone again with the next pair.
    press(page, "n")
    expect(page.locator("form.bar")).to_be_visible()
    assert names_in(page.content()) == set()


def test_a_vote_that_did_not_arrive_can_be_sent_again(page, visitors, benchmark):
    begin(page)
    visitors.watch.expect("ERR_INTERNET_DISCONNECTED")
    visitors.watch.expect("htmx:")  # which logs the failure too
    page.context.set_offline(True)
    page.keyboard.press("1")
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    page.context.set_offline(False)
    press(page, "1")
    page.locator("#next").wait_for()
    assert Vote.objects.count() == 1


def test_going_back_shows_the_vote_that_was_given(page, benchmark):
    begin(page)
    page.get_by_role("button", name="Both bad").click()
    page.get_by_role("link", name="See the match").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("against")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Which answer is better?")
    assert Vote.objects.count() == 1


def test_all_pairs_seen(page):
    benchmark = make_benchmark(prompts=1, slug="tiny")
    make_answers(benchmark, "one text", "another text")
    make_matches(benchmark)
    begin(page)
    press(page, "1")
    page.locator("#next").wait_for()
    press(page, "n")
    expect(page.get_by_role("heading", name="You have seen every pair")).to_be_visible()
    assert is_marked(page)


def test_voting_without_javascript(visitors, benchmark):
    page = visitors.open(viewport=DESK, java_script_enabled=False)
    page.goto("/")
    assert page.get_by_role("button", name="Keys").count() == 0, "a button that would do nothing"
    assert names_in(page.content()) == set()
    first = token(page)
    page.get_by_role("button", name="A is better").click()
    expect(page).to_have_url(re.compile(f"/vote/{first}/$"))  # a page of its own: a reload sends nothing
    expect(page.get_by_text("You chose A.")).to_be_visible()
    match = Ballot.objects.get(token=first).match
    assert names_in(page.content()) == {match.competitor_a.name, match.competitor_b.name}
    page.reload()
    assert Vote.objects.count() == 1
    page.get_by_role("link", name="Next pair").click()
    second = token(page)
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("form.bar")).to_be_visible()
    assert token(page) not in (first, second)
    assert Ballot.objects.get(token=second).skipped_at is not None


def test_the_phone_shows_one_answer_at_a_time(visitors, benchmark):
    page = visitors.open(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto("/")
    left, right = page.locator(".answer.a"), page.locator(".answer.b")
    expect(left).to_be_visible()
    expect(right).to_be_hidden()
    page.locator(".sides").get_by_text("B").tap()
    expect(right).to_be_visible()
    expect(left).to_be_hidden()
    page.get_by_role("button", name="B is better").tap()
    expect(page.get_by_role("status")).to_contain_text("You chose B.")


FOCUS = """() => {
  const element = document.activeElement;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {
    name: (element.getAttribute("aria-label") || element.innerText || element.tagName).trim(),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.left >= 0 && box.right <= innerWidth,
    high: box.top >= 0 && box.bottom <= innerHeight,
    uncovered: Boolean(top) && (element.contains(top) || top.contains(element)),
  };
}"""


def walk(page: Page, last: str) -> list[str]:
    """Press Tab from the top of the page up to ``last``; every stop is outlined and can be seen."""
    names = []
    while last not in names and len(names) < 60:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        names.append(stop.pop("name"))
        assert all(stop.values()), (names[-1], stop)
    return names


def test_tab_reaches_everything_in_the_order_of_the_page(page, benchmark):
    page.goto("/")
    names = walk(page, last="4B is better")
    head = ["Skip to the page", "Arena", "Vote", "Leaderboard", "Judges", "Models", "Benchmarks", "Sign in"]
    assert names[: len(head)] == head
    assert names[-4:] == ["1A is better", "2Tie", "3Both bad", "4B is better"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # on "Both bad": a focused button is pressed as everywhere
    expect(page.get_by_role("status")).to_contain_text("You found both bad.")


def test_the_skip_link_leads_past_the_navigation(page, benchmark):
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert focused(page) == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_the_phone_by_tab(visitors, benchmark):
    """The switch between the answers is a pair of radio buttons: one stop, moved by arrows, and outlined."""
    page = visitors.open(viewport={"width": 390, "height": 844})
    page.goto("/")
    page.locator(".sides input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".answer.b")).to_be_visible()
    outline = "() => getComputedStyle(document.activeElement.closest('label')).outlineStyle"
    assert page.evaluate(outline) != "none"
    assert Vote.objects.count() == 0  # arrows in the switch are no votes
