"""Every error's page in light and dark, at a desk and on a phone: it fits, it is accessible, it leads on."""

import pytest
from django.core.cache import cache
from django.db import OperationalError
from playwright.sync_api import Page, expect

from arena.views import benchmarks, vote
from tests.browser.watching import overflow, violations
from tests.factories import make_benchmark

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]
SIZES = {1440: 900, 390: 844}
NOWHERE = "/vote/00000000-0000-4000-8000-000000000000/cast/"
SEND = """(address) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: address });
  document.body.append(form);
  form.submit();
}"""


def fail(*args, **kwargs):
    raise OperationalError("the database is gone")


def without_the_forms_token(page: Page) -> None:
    page.goto("/methods/")
    with page.expect_navigation():
        page.evaluate(SEND, NOWHERE)


def too_many_fields(page: Page) -> None:
    page.goto("/leaderboard/?" + "&".join(f"f{number}=1" for number in range(1001)))


def too_many_tries(page: Page, settings) -> None:
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    page.goto("/accounts/login/")
    for _ in range(2):
        page.locator("[name=login]").fill("nobody")
        page.locator("[name=password]").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()


def cause(page: Page, status: int, settings, monkeypatch) -> None:
    """Bring about an error as a visitor would meet it."""
    if status == 500:
        monkeypatch.setattr(benchmarks, "PROMPTS_A_PAGE", 0)
    if status == 503:
        monkeypatch.setattr(vote, "_surroundings", fail)
    if status == 429:
        too_many_tries(page, settings)
    elif status == 413:
        too_many_fields(page)
    elif status == 403:
        without_the_forms_token(page)
    else:
        page.goto({404: "/nothing/here/", 405: NOWHERE, 500: "/benchmarks/bench/", 503: "/"}[status])


HEADINGS = {
    403: "The form had grown old",
    404: "There is no such page",
    405: "There is nothing to see here",
    413: "That was too much at once",
    429: "Too many tries",
    500: "Something went wrong here",
    503: "The site cannot answer right now",
}


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("status", HEADINGS)
def test_the_page_fits_and_is_accessible(visitors, settings, monkeypatch, status, width):
    make_benchmark(1, slug="bench")
    page = visitors.open(viewport={"width": width, "height": SIZES[width]})
    visitors.watch.expect(f"status of {status}")
    cause(page, status, settings, monkeypatch)
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[status])
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found[scheme] = overflow(page) + violations(page)
    assert found == {"light": [], "dark": []}
    cache.clear()


def test_a_page_that_failed_is_asked_for_again(visitors):
    make_benchmark(1, slug="bench")
    page = visitors.open()
    visitors.watch.expect("status of 503")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vote, "_surroundings", fail)
        page.goto("/?benchmark=bench")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="No pair to vote on yet")).to_be_visible()
    assert page.url.endswith("/?benchmark=bench")
