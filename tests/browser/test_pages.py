"""Every public page: no sideways scrolling, no console message, nothing from elsewhere, accessible, light."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page

from arena.models import Match
from tests.browser.conftest import Visitors
from tests.browser.watching import Watch, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

WIDTHS = {1440: 900, 390: 844}
PAGES = {
    "vote": "/",
    "people's board": "/leaderboard/",
    "judge's board": "/leaderboard/?source=demo-judge",
    "side by side": "/leaderboard/?view=side-by-side",
    "category": "/leaderboard/?category=code",
    "charts": "/leaderboard/charts/",
    "charts, tables open": "/leaderboard/charts/?source=demo-judge",
    "models": "/models/",
    "model": "/models/hornbeam-70b/",
    "match": "match",
    "match, opinions open": "match",
    "judges": "/judges/",
    "judge": "/judges/demo-judge/",
    "benchmarks": "/benchmarks/",
    "benchmark": "/benchmarks/demo/",
    "methods": "/methods/",
    "submit": "/submit/",
    "submit an endpoint, settings open": "/submit/?kind=endpoint",
    "submit for a host": "/submit/?kind=host",
    "password": "/accounts/password/reset/",
    "sign in": "/accounts/login/",
    "sign up": "/accounts/signup/",
    "missing": "/nothing/here/",
}
OPEN_ALL = "() => document.querySelectorAll('main details').forEach((each) => { each.open = true; })"


def olga():
    """Staff, so that the menus hold all that they can."""
    users = get_user_model().objects
    return users.filter(username="olga").first() or users.create_superuser("olga")


def visit(visitors: Visitors, name: str, width: int) -> Page:
    user = olga() if name.startswith("submit") else None
    page = visitors.open(viewport={"width": width, "height": WIDTHS[width]}, user=user)
    where = PAGES[name]
    if where == "match":  # one of two turns, with votes and rulings
        match = Match.objects.filter(prompt__key="writing-3", votes__isnull=False).order_by("pk").first()
        where = match.get_absolute_url()
    if name == "missing":
        visitors.watch.expect("status of 404")
    answer = page.goto(where, wait_until="load")
    assert answer.status == (404 if name == "missing" else 200)
    if name.endswith("open"):
        page.evaluate(OPEN_ALL)
    return page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_keeps_quiet_and_is_accessible(visitors, name, width):
    page = visit(visitors, name, width)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found[scheme] = overflow(page) + violations(page)
    assert found == {"light": [], "dark": []}
    assert visitors.watch.troubles == []


def test_a_vote_and_its_reveal_are_accessible(visitors):
    for width, height in WIDTHS.items():
        page = visitors.open(viewport={"width": width, "height": height})
        page.goto("/")
        page.get_by_role("button", name="Tie").click()
        page.locator("#next").wait_for()
        found = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[scheme] = overflow(page) + violations(page)
        assert found == {"light": [], "dark": []}


def test_menus_and_the_list_of_keys_are_accessible(visitors):
    narrow = visitors.open(user=olga(), viewport={"width": 390, "height": 844})
    narrow.goto("/leaderboard/")
    narrow.get_by_label("Menu").click()
    assert narrow.get_by_role("link", name="Judges").first.is_visible()
    wide = visitors.open(user=olga(), viewport={"width": 1440, "height": 900})
    wide.goto("/")
    wide.get_by_role("button", name="Keys").click()
    assert wide.get_by_role("dialog", name="Keys").is_visible()
    for page in (narrow, wide):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert overflow(page) + violations(page) == []


def test_the_board_is_small(visitors):
    """At most 5 requests and 60 KB for somebody who was never here."""
    page = visitors.open(viewport={"width": 1440, "height": 900})
    requests = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto("/leaderboard/", wait_until="networkidle")
    sizes = {}
    for request in requests:
        size = request.sizes()
        sizes[request.url] = size["responseHeadersSize"] + size["responseBodySize"]
    assert any("site" in url and url.endswith(".css") for url in sizes)
    assert len(sizes) <= 5, sizes
    assert sum(sizes.values()) < 60_000, sizes


def test_the_schemes_differ(visitors):
    """Otherwise light and dark above would be one and the same check."""
    colours = set()
    for scheme in ("light", "dark"):
        page = visitors.open(color_scheme=scheme)
        page.goto("/methods/")
        colours.add(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_the_checks_see_planted_faults(visitors, address):
    """Each check of this file, on a page into which its fault was planted."""
    page = visitors.open(viewport={"width": 390, "height": 844})
    visitors.watch = Watch(address)  # the planted troubles are not the test's
    watch = Watch(address)
    watch.follow(page.context, page)
    page.goto("/methods/")
    assert (overflow(page), violations(page), watch.troubles) == ([], [], [])
    page.evaluate(
        """() => {
          const planted = document.createElement("p");
          planted.innerHTML = "<img src='https://elsewhere.example/x.png'>"
            + "<button></button><b style='color: red'>styled</b>";
          planted.className = "planted";
          document.querySelector("main").append(planted);
          planted.querySelector("button").style.width = "900px";
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          console.warn("planted words");
          setTimeout(() => alert("planted alert"));
        }"""
    )
    page.wait_for_timeout(300)
    assert overflow(page)
    rules = {line.split(" ")[0] for line in violations(page)}
    assert {"image-alt", "button-name"} <= rules
    said = "\n".join(watch.troubles)
    for words in ("planted words", "planted alert", "CSP: img-src", "CSP: style-src", "CSP: script-src"):
        assert words in said
    assert page.evaluate("() => window.ran") is None
    elsewhere = address.replace("localhost", "127.0.0.1")
    page.goto(f"{elsewhere}/methods/")
    assert f"request: {elsewhere}/methods/" in watch.troubles
