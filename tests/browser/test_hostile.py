"""Answers, names and prompts that would run scripts, call other sites or break the page out of its frame."""

import pytest
from playwright.sync_api import Page, expect

from arena.models import Answer, Ballot, Benchmark, Match, Prompt
from tests.browser.watching import overflow, press, violations
from tests.factories import make_competitor, make_matches, make_vote, make_voter

pytestmark = pytest.mark.browser

ELSEWHERE = "https://elsewhere.example"
HOSTILE = {
    "script": f"<script>alert(1)</script><script src='{ELSEWHERE}/x.js'></script>",
    "handlers": f"<img src={ELSEWHERE}/a.png onerror=alert(1)><body onload=alert(1)>"
    "<details open ontoggle=alert(1)>",
    "links": "[here](javascript:alert(1)) <javascript:alert(1)> [d](data:text/html,<script>alert(1)</script>)"
    " [v](vbscript:x) <a href='&#106;avascript:alert(1)'>there</a> [j](java\nscript:alert(1))",
    "svg": "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>"
    "<svg onload=alert(1)><math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "css": f"<style>body{{display:none;background:url({ELSEWHERE}/b)}}</style>"
    '<p style="position:fixed;inset:0;background:expression(alert(1))">x</p>'
    f"<link rel=stylesheet href='{ELSEWHERE}/c.css'>",
    "meta": f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'><base href='{ELSEWHERE}/'>"
    f"<iframe src='{ELSEWHERE}'></iframe>",
    "images": f"![pixel]({ELSEWHERE}/p.png) ![x](data:image/svg+xml;base64,PHN2Zy8+)"
    f' ![r]({ELSEWHERE}/"onerror=alert(1))',
    "unclosed": "</div></article></main><!-- <textarea><title><table><tr><td><select><plaintext>"
    "\n```\n</code></pre>",
    "forms": f"<form action='{ELSEWHERE}'><button name=choice value=first>A is better</button></form>"
    "<input autofocus onfocus=alert(1)> <p hx-get='/' hx-trigger='load' hx-target='body'>x</p>",
    "templates": "{{ 7 * 7 }} {% csrf_token %} ${alert(1)} {%debug%} \\u003cscript\\u003e",
    "direction": "\u202e\u2066abc\u202edef \u200f\u061c" + "\u0301" * 60,
    "math": "$$\\href{javascript:alert(1)}{x}$$ $\\unicode{<script>alert(1)</script>}$ \\(\\style{a}{b}\\)",
    "wide": "W" * 5000 + " | a | b |\n\n|" + "x|" * 200 + "\n|" + "-|" * 200 + "\n\n`" + "c" * 3000 + "`",
    "code": '```html" onmouseover=alert(1)\n<script>alert(1)</script>\n```\n\n'
    "~~~<b>\n</code></pre><img src=x onerror=alert(1)>",
    "brackets": "[" * 1_000_000,
    "nesting": "> " * 20_000 + "- " * 20_000,
}
END = "the end of this answer"
CUT = {"brackets", "nesting"}  # a text this long is cut, so its end isn't shown
NAME = f"</b><script>alert(2)</script><img src={ELSEWHERE}/n.png onerror=alert(3)>"


@pytest.fixture(scope="module")
def benchmark(arena) -> Benchmark:
    """One prompt for each hostile text; two models, one of them harmless. The other names are hostile."""
    benchmark = Benchmark.objects.create(slug="hostile", name=NAME, description=NAME)
    models = [make_competitor(NAME, organisation=NAME, description=NAME), make_competitor("Harmless")]
    for key, text in HOSTILE.items():
        tags = [NAME[:60]] if key == "templates" else ["plain"]
        question = text[:2000] if key not in CUT else "What now?"
        prompt = Prompt.objects.create(benchmark=benchmark, key=key, turns=[question], tags=tags)
        texts = (f"{text}\n\n\n\n{END}", "A harmless answer.")
        for model, answer in zip(models, texts, strict=True):
            Answer.objects.create(competitor=model, prompt=prompt, turns=[answer])
    for match in make_matches(benchmark):
        make_vote(match, voter=make_voter(name=f"{NAME[:60]} {match.pk}"))
    return benchmark


def is_whole(page: Page, key: str) -> None:
    """The hostile text is there to be read, inside its own box, and the page around it stands."""
    assert overflow(page) == []
    answers = page.locator(".answer .md")
    hostile = answers.filter(has_not_text="A harmless answer.").first
    expect(hostile).to_be_visible()
    if key not in CUT:
        expect(hostile).to_contain_text(END)
    expect(answers.filter(has_text="A harmless answer.")).to_have_count(1)
    # Nothing of it became an element that acts, and the page's last piece is still its last piece.
    acting = "script, style, img, svg, iframe, form, input, button, meta, base, link, [hx-get], [onclick]"
    found = page.locator(f".md :is({acting}):not(.copy-button)")
    assert found.evaluate_all("(all) => all.map((each) => each.outerHTML)") == []
    links = page.locator(".md a[href]").evaluate_all("(all) => all.map((each) => each.protocol)")
    assert set(links) <= {"http:", "https:", "mailto:"}
    assert page.evaluate("() => document.body.lastElementChild.matches('footer.foot')")
    assert page.evaluate("() => document.querySelector('main').contains(document.querySelector('.answer.b'))")


@pytest.mark.parametrize("key", HOSTILE)
def test_a_match_page_shows_it_harmlessly(visitors, benchmark, key):
    page = visitors.open(viewport={"width": 390, "height": 844})
    page.goto(Match.objects.get(prompt__key=key).get_absolute_url(), wait_until="networkidle")
    is_whole(page, key)
    assert violations(page) == []
    page.locator(".opinion summary").first.click()
    page.wait_for_timeout(50)  # for what would run on a click
    assert visitors.watch.troubles == []


def test_the_vote_page_shows_all_of_it_harmlessly(visitors, benchmark):
    page = visitors.open(viewport={"width": 1440, "height": 900})
    page.goto("/")
    seen = set()
    for _ in HOSTILE:
        ballot = Ballot.objects.select_related("match__prompt").latest("pk")
        seen.add(ballot.match.prompt.key)
        is_whole(page, ballot.match.prompt.key)
        press(page, "1")
        expect(page.locator(".answer h2").filter(has_text="<script>alert(2)</script>")).to_have_count(1)
        press(page, "n")
    assert seen == set(HOSTILE)
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
