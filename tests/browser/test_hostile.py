"""Answers, names and prompts that would run scripts, call other sites or break the page out of its frame."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from arena.markdown import SHOWN
from arena.models import Answer, Ballot, Benchmark, Match, Prompt
from tests.arena.hostile_texts import ELSEWHERE, HOSTILE, LINKS, MARKUP, STORMS
from tests.browser.conftest import Visitors
from tests.browser.watching import Watch, overflow, press, violations
from tests.factories import make_competitor, make_matches, make_vote, make_voter

pytestmark = pytest.mark.browser

VOTED_ON = MARKUP | LINKS  # on the vote page; on match pages it is all of them
END = "the end of this answer"
NAME = f"</b><script>alert(2)</script><img src={ELSEWHERE}/n.png onerror=alert(3)>"


def stored(text: str) -> str:
    """The text as the database can hold it; a file that holds the other characters is turned away."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


@pytest.fixture(scope="module")
def benchmark(arena) -> Benchmark:
    """One prompt for each hostile text; two models, one of them harmless. The other names are hostile.

    Those that are voted on have a benchmark of their own.
    """
    models = [make_competitor(NAME, organisation=NAME, description=NAME), make_competitor("Harmless")]
    for slug, corpus in (("hostile", VOTED_ON), ("others", dict(HOSTILE.items() - VOTED_ON.items()))):
        benchmark = Benchmark.objects.create(slug=slug, name=NAME, description=NAME)
        for key, text in corpus.items():
            tags = [NAME[:60]] if key == "templates" else ["plain"]
            question = stored(text)[:2000] if key not in STORMS else "What now?"
            prompt = Prompt.objects.create(benchmark=benchmark, key=key, turns=[question], tags=tags)
            texts = (f"{stored(text)}\n\n\n\n{END}", "A harmless answer.")
            for model, answer in zip(models, texts, strict=True):
                Answer.objects.create(competitor=model, prompt=prompt, turns=[answer])
        for match in make_matches(benchmark):
            make_vote(match, voter=make_voter(name=f"{NAME[:60]} {match.pk}"))
    return Benchmark.objects.get(slug="hostile")


def is_whole(page: Page, key: str) -> None:
    """The hostile text is there to be read, inside its own box, and the page around it stands."""
    assert overflow(page) == []
    answers = page.locator(".answer .md")
    hostile = answers.filter(has_not_text="A harmless answer.").first
    expect(hostile).to_be_visible()
    if len(HOSTILE[key]) < SHOWN - len(END) - 4:  # a longer one is cut, so its end isn't shown
        expect(hostile).to_contain_text(END)
    expect(answers.filter(has_text="A harmless answer.")).to_have_count(1)
    # Nothing of it became an element that acts, and the page's last piece is still its last piece.
    acting = (
        "script, style, img, svg, iframe, form, input, button, meta, base, link, [hx-get], [onclick], [style]"
    )
    foreign = "annotation-xml, maction, math [href], mglyph, semantics, [id], [name], [onload], [onerror]"
    found = page.locator(f".md :is({acting}, {foreign}):not(.copy-button)")
    assert found.evaluate_all("(all) => all.map((each) => each.outerHTML)") == []
    links = page.locator(".md a[href]").evaluate_all("(all) => all.map((each) => each.protocol)")
    assert set(links) <= {"http:", "https:", "mailto:"}
    assert page.evaluate("() => document.body.lastElementChild.matches('footer.foot')")
    assert page.evaluate("() => document.querySelector('main').contains(document.querySelector('.answer.b'))")


@pytest.fixture(scope="module")
def reader(browser, address) -> Iterator[tuple[Page, Watch]]:
    """One who reads match after match: a new browser for each would take longer than the pages."""
    people = Visitors(browser, address)
    yield people.open(viewport={"width": 390, "height": 844}), people.watch
    people.close()


@pytest.mark.parametrize("key", HOSTILE)
def test_a_match_page_shows_it_harmlessly(reader, benchmark, key):
    page, watch = reader
    page.goto(Match.objects.get(prompt__key=key).get_absolute_url())
    is_whole(page, key)
    if key in VOTED_ON:  # of the others, some are thousands of elements, which axe takes minutes to read
        assert violations(page) == []
    page.locator(".opinion summary").first.click()
    page.wait_for_timeout(50)  # for what would run on a click
    assert watch.troubles == []


def test_the_vote_page_shows_them_harmlessly(visitors, benchmark):
    page = visitors.open(viewport={"width": 1440, "height": 900})
    page.goto("/?benchmark=hostile")
    seen = set()
    for _ in VOTED_ON:
        ballot = Ballot.objects.select_related("match__prompt").latest("pk")
        seen.add(ballot.match.prompt.key)
        is_whole(page, ballot.match.prompt.key)
        press(page, "1")
        expect(page.locator(".answer h2").filter(has_text="<script>alert(2)</script>")).to_have_count(1)
        press(page, "n")
    assert seen == set(VOTED_ON)
    expect(page.get_by_role("heading", name="You have seen every pair")).to_be_visible()


def test_hostile_names_on_every_list(visitors, benchmark):
    page = visitors.open(viewport={"width": 390, "height": 844})
    model = Match.objects.first().competitor_a
    found = {}
    for where in (
        "/models/",
        f"/models/{model.slug}/",
        "/benchmarks/",
        "/benchmarks/hostile/",
        "/leaderboard/",
    ):
        assert page.goto(where, wait_until="networkidle").status == 200
        assert "<script>alert(2)</script>" in page.locator("main").inner_text()
        found[where] = overflow(page) + violations(page)
    assert [where for where in found if found[where]] == [], found


def test_directions_do_not_leak(visitors, benchmark):
    """An override inside an answer stays inside it: each block of a text is isolated."""
    page = visitors.open()
    page.goto(Match.objects.get(prompt__key="direction").get_absolute_url())
    styles = page.locator(".answer.a .md > *").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each).unicodeBidi)"
    )
    assert styles
    assert set(styles) <= {"isolate", "plaintext", "isolate-override"}
