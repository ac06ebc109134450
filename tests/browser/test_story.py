"""The main story: sign up, submit a model, watch it be rated, vote on its matches, see the board change."""

import json
import re

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from arena.models import Ballot, Competitor, Submission, Vote
from arena.outcomes import Order
from tests.browser.conftest import working
from tests.browser.watching import press

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

NAME = "Newcomer 9B"
PATIENCE = 60_000  # milliseconds; it takes about six seconds on a quiet machine


def sign_up(page: Page) -> None:
    page.get_by_role("link", name="Submit a model").click()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("Password (again)").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Submit a model")).to_be_visible()


def filled_template(page: Page) -> bytes:
    """The benchmark's template with answers in it: long ones and short ones, so that the judge by length
    finds wins and losses and can rate the model."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Demo", exact=True).click()
    rows = [json.loads(line) for line in download.value.path().read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 24
    for number, row in enumerate(rows):
        text = "A short answer." if number % 2 else "A long and winding answer that goes on. " * 60
        for field in ("answer", "turns"):
            if field in row:
                row[field] = [text] * len(row[field]) if field == "turns" else text
    return "\n".join(map(json.dumps, rows)).encode()


def submit(page: Page) -> None:
    answers = filled_template(page)
    page.get_by_label("Benchmark").select_option("demo")
    page.get_by_label("Name of the model").fill(NAME)
    page.get_by_label("Organisation").fill("Carol's own")
    file = {"name": "newcomer.jsonl", "mimeType": "application/jsonl", "buffer": answers}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/submissions/\d+/$"))


def halves(page: Page) -> dict[str, float]:
    """Half the interval's width of each rated model on the board that is shown; without bound: infinite."""
    widths = {}
    for row in page.locator("#board tbody tr").all():
        said = row.locator(".pm").inner_text().strip()
        widths[row.locator(".m b").inner_text()] = float(said.lstrip("±")) if said else float("inf")
    return widths


def rating(page: Page, name: str) -> int:
    row = page.locator("#board tbody tr", has=page.get_by_role("link", name=name))
    return int(row.locator(".val").inner_text().split()[0].replace("−", "-"))


def vote_on_it(page: Page, wins: list[float]) -> None:
    """Vote by key on as many of the newcomer's matches; 1 means that it wins, 0 that it loses."""
    key_of = {(1.0, True): "1", (0.0, False): "1", (1.0, False): "4", (0.0, True): "4"}
    newcomer, waiting, shown = Competitor.objects.get(name=NAME), list(wins), 0
    while waiting:
        bar = page.locator("form.bar")
        bar.wait_for()
        token = re.search(r"/vote/([0-9a-f-]{36})/", bar.get_attribute("action")).group(1)
        ballot = Ballot.objects.select_related("match").get(token=token)
        match, shown = ballot.match, shown + 1
        if newcomer.pk not in (match.competitor_a_id, match.competitor_b_id):
            press(page, "s")
            continue
        is_first = (match.competitor_a_id == newcomer.pk) == (ballot.order == Order.AB)
        press(page, key_of[waiting.pop(0), is_first])
        expect(page.get_by_role("status")).to_contain_text(NAME)
        press(page, "n")
    # A model without votes is shown before all others; by chance alone it would be in a quarter of them.
    assert len(wins) >= 0.6 * shown, f"{len(wins)} of {shown} pairs were the newcomer's"


def test_from_sign_up_to_a_changed_board(page, visitors, settings):
    settings.MATCH_BUDGET = 192  # 48 at first: fewer than the others have, so intervals are wider
    page.goto("/")
    sign_up(page)
    submit(page)

    # Received: nothing works yet, so the page says what comes next.
    steps = page.locator(".steps > li")
    expect(steps.filter(has_text="Received")).to_have_class("done")
    expect(steps.filter(has_text="Pairing")).to_have_attribute("aria-current", "step")
    assert Submission.objects.get(competitor__name=NAME).state == "answered"
    page.evaluate("() => { window.mark = 'here'; }")

    # To rated, by itself: no reload, no click.
    with working():
        expect(steps.filter(has_text="Pairing")).to_contain_text("48 matches", timeout=PATIENCE)
        link = page.get_by_role("link", name="See it on the board")
        link.wait_for(timeout=PATIENCE)
        expect(page.locator(".steps > li.done")).to_have_count(5)
        assert page.evaluate("() => window.mark") == "here"
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(2500)
        assert asked == [], "a page that is over goes on asking"
    link.click()

    # On the boards of the judges: with the widest interval on that of the judge who draws lots, because it
    # has 48 matches there and each of the others 120 and more.
    expect(page.locator("#board")).to_contain_text(NAME)
    page.get_by_label("Whose opinions").get_by_role("link", name="random").click()
    expect(page.locator("#board")).to_contain_text(NAME)
    widths = halves(page)
    assert len(widths) == 8
    assert max(widths, key=widths.get) == NAME

    # Not on the board of people: nobody voted.
    page.goto("/leaderboard/?benchmark=demo")
    assert NAME not in halves(page)
    assert len(halves(page)) == 7
    counted = int(re.search(r"([\d,]+) votes", page.locator(".lede").inner_text()).group(1).replace(",", ""))
    cache.clear()  # the counts by which pairs are chosen are kept for 15 seconds: let those pass
    page.get_by_label("Main").get_by_role("link", name="Vote").click()
    page.evaluate("() => { window.mark = 'here'; }")
    with working():
        vote_on_it(page, [1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
    assert page.evaluate("() => window.mark") == "here"
    page.goto("/leaderboard/?benchmark=demo")
    before = rating(page, NAME)
    widths = halves(page)
    assert max(widths, key=widths.get) == NAME, "six votes leave the widest interval"
    expect(page.locator(".lede")).to_contain_text(f"{counted + 6:,} votes")

    # Six losses more, and a visitor without an account sees it further down: rendered boards are kept for a
    # while, not for long.
    anyone = visitors.open(viewport={"width": 1440, "height": 900})
    anyone.goto("/leaderboard/?benchmark=demo")
    assert rating(anyone, NAME) == before
    page.goto("/")
    with working():
        vote_on_it(page, [0.0] * 6)
    assert Vote.objects.filter(voter__user__username="carol").count() == 12
    anyone.wait_for_timeout(2100)  # a board is looked after every two seconds
    anyone.goto("/leaderboard/?benchmark=demo")
    assert rating(anyone, NAME) < before
    expect(anyone.locator(".lede")).to_contain_text(f"{counted + 12:,} votes")


def test_filters_and_the_box_that_finds_a_model(page):
    page.goto("/leaderboard/?benchmark=demo")
    rows = page.locator("#board tbody tr:visible")
    assert rows.count() >= 7
    page.get_by_label("Find a model").fill("hornbeam")
    expect(rows).to_have_count(1)
    page.get_by_label("Find a model").fill("no such model")
    expect(rows).to_have_count(0)
    expect(page.get_by_text("No model of that name on this board.")).to_be_visible()
    page.get_by_label("Category").select_option("code")
    expect(page).to_have_url(re.compile("category=code"))
    expect(page.locator(".lede")).to_contain_text("Only prompts tagged code.")
    page.get_by_label("Whose opinions").get_by_role("link", name="Side by side").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Side by side")
    expect(page).to_have_url(re.compile("category=code"))


def test_filters_without_javascript(visitors):
    page = visitors.open(java_script_enabled=False)
    page.goto("/leaderboard/?benchmark=demo")
    assert page.get_by_label("Find a model").count() == 0 or page.get_by_label("Find a model").is_hidden()
    page.get_by_label("Category").select_option("math")
    page.locator("form.pick", has=page.get_by_label("Category")).get_by_role("button", name="Show").click()
    expect(page.locator(".lede")).to_contain_text("Only prompts tagged math.")


def test_a_match_opens_line_by_line(page):
    vote = Vote.objects.filter(match__prompt__key="writing-3").order_by("pk").first()
    page.goto(vote.match.get_absolute_url())
    line = page.locator(".opinion", has_text="demo-judge").first
    line.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(line.get_by_role("heading", name="What it said")).to_be_visible()
    line.get_by_text("The exact prompt").click()
    expect(line.get_by_role("heading", name="user")).to_be_visible()
