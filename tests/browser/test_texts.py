"""Long texts fold alike, formulas are drawn and copied, and every text runs in its own direction."""

import pytest
from playwright.sync_api import Page, expect

from arena.models import Answer, Benchmark, Competitor, Match, Prompt
from tests.browser.watching import overflow, press, violations
from tests.factories import make_competitor, make_matches

pytestmark = pytest.mark.browser

LONG = "\n\n".join(f"Paragraph {number}. " + "Some words to fill a line. " * 12 for number in range(40))
LONG += "\n\n[A link at the end](https://x.example) and a needle."
FORMULAS = (
    r"""Let $x^2 = \frac{a}{b}$ be.

$$\sum_{i=1}^n i$$

\[ f(x) = \begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases} \]

$$ """
    + " + ".join(f"a_{{{number}}}" for number in range(60))
    + r""" $$

and in a line $"""
    + " + ".join(f"b_{{{number}}}" for number in range(60))
    + "$ too."
)
HEBREW = "שלום `a()` עולם\n\n- אחד\n- שתיים\n\n> ציטוט\n\n| עמודה | b |\n|---|---|\n| ערך | c |"
HEBREW += "\n\nEnglish\n\n```python\nx\n```"
CODE = "```js\nconst x = /a+/.test('b') && 0x1f; // c\n```"
TEXTS = {
    "long": (LONG, "A short answer."),
    "both": (LONG, LONG.replace("Some", "More")),  # equal answers are no pair to vote on
    "short": ("A short answer.", "Another."),
    "formulas": (FORMULAS, "Short."),
    "code": (CODE, "Short."),
    "hebrew": (HEBREW, "Short."),
}


@pytest.fixture(scope="module")
def benchmarks(arena) -> dict[str, Benchmark]:
    """One of each kind of text, by its name, with one prompt and one pair."""
    made = {}
    models: list[Competitor] = [make_competitor("Alpha"), make_competitor("Beta")]
    for name, texts in TEXTS.items():
        made[name] = Benchmark.objects.create(slug=name, name=name)
        prompt = Prompt.objects.create(benchmark=made[name], key=name, turns=["What is it?"])
        for model, text in zip(models, texts, strict=True):
            Answer.objects.create(competitor=model, prompt=prompt, turns=[text])
        make_matches(made[name])
    return made


def match_page(name: str) -> str:
    return Match.objects.get(prompt__key=name).get_absolute_url()


def heights(page: Page) -> list[float]:
    return page.locator(".answer > .md").evaluate_all("(all) => all.map((each) => each.clientHeight)")


def test_a_long_answer_is_cut_and_opens_and_closes(page, benchmarks):
    page.goto(match_page("long"))
    # 80 % of a window of 900 pixels.
    assert max(heights(page)) == 720
    button = page.get_by_role("button", name="Show all")
    expect(button).to_have_count(1)
    expect(button).to_have_attribute("aria-expanded", "false")
    assert violations(page) == []
    button.focus()
    page.keyboard.press("Enter")
    less = page.get_by_role("button", name="Show less")
    expect(less).to_have_attribute("aria-expanded", "true")
    expect(less).to_be_focused()
    assert max(heights(page)) > 2000
    less.click()
    assert max(heights(page)) == 720
    expect(button).to_be_in_viewport()


def test_both_answers_of_a_pair_open_together(page, benchmarks):
    page.goto("/?benchmark=both")
    assert heights(page) == [720, 720]
    expect(page.locator(".bar .va")).to_be_in_viewport()
    page.get_by_role("button", name="Show all").last.click()
    assert min(heights(page)) > 2000
    expect(page.get_by_role("button", name="Show less")).to_have_count(2)
    expect(page.locator(".bar .va")).to_be_in_viewport()
    # The names come with the vote; what was open stays open, so that nothing moves.
    press(page, "1")
    expect(page.locator("#next")).to_be_visible()
    assert min(heights(page)) > 2000


@pytest.mark.parametrize("width", [1440, 390])
def test_the_focus_is_not_under_the_vote_bar(visitors, benchmarks, width):
    page = visitors.open(viewport={"width": width, "height": 844})
    page.goto("/?benchmark=both")
    button = page.locator(".unfold:visible").first
    button.focus()
    box, bar = button.bounding_box(), page.locator(".bar .choices").bounding_box()
    assert box["y"] + box["height"] <= bar["y"]


def test_short_answers_have_no_button(page, benchmarks):
    page.goto("/?benchmark=short")
    expect(page.get_by_role("button", name="A is better")).to_be_visible()
    expect(page.locator(".unfold:visible")).to_have_count(0)


def test_what_is_looked_for_beyond_the_cut_is_shown(page, benchmarks):
    page.goto(match_page("long"))
    page.get_by_role("link", name="A link at the end").focus()
    expect(page.get_by_role("button", name="Show less")).to_be_visible()
    expect(page.get_by_role("link", name="A link at the end")).to_be_in_viewport()
    assert page.locator(".md.over").evaluate("(text) => text.scrollTop") == 0


def test_without_javascript_all_is_shown(visitors, benchmarks):
    page = visitors.open(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page.goto(match_page("long"))
    assert page.locator(".answer.a > .md").bounding_box()["height"] > 2000
    expect(page.locator(".unfold:visible")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_when_the_page_comes(visitors, benchmarks, width):
    page = visitors.open(viewport={"width": width, "height": 844})
    page.add_init_script(
        "window.jumps = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(entry) => { window.jumps += entry.value })).observe({ type: 'layout-shift', buffered: true })"
    )
    for where in ("/?benchmark=both", match_page("long")):
        page.goto(where, wait_until="networkidle")
        expect(page.locator(".unfold:visible").first).to_be_attached()
        assert page.evaluate("() => window.jumps") < 0.01  # 0.1 is what is called good


def test_on_a_phone_the_other_answer_is_cut_when_it_comes(visitors, benchmarks):
    page = visitors.open(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto("/?benchmark=both")
    button = page.locator(".unfold:visible")
    expect(button).to_have_count(1)
    page.locator(".sides .is-b").click()
    expect(button).to_have_count(1)
    expect(page.locator(".answer.b .unfold")).to_be_visible()
    assert overflow(page) == []


def test_print_shows_both_answers_in_full(visitors, benchmarks):
    page = visitors.open(viewport={"width": 700, "height": 900})
    page.goto("/?benchmark=both")
    page.emulate_media(media="print")
    assert min(heights(page)) > 2000
    expect(page.locator(".unfold:visible, .bar:visible, .sides:visible")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_formulas_are_drawn_and_wide_ones_scroll(visitors, benchmarks, width, scheme):
    page = visitors.open(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto(match_page("formulas"))
    formulas = page.locator(".answer.a math")
    expect(formulas).to_have_count(5)
    # A fraction is higher than its letters, limits stand above and below: the browser drew them as MathML.
    box = page.locator("mfrac").first.bounding_box()
    assert box["height"] > page.locator("mfrac mi").first.bounding_box()["height"] * 1.5
    assert overflow(page) == []
    assert violations(page) == []
    wide = page.locator(".formula").nth(3)
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_a_formula_is_copied_as_its_source(visitors, benchmarks):
    page = visitors.open()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(match_page("formulas"))
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('.answer.a .md'))")
    page.keyboard.press("Control+c")
    text = page.evaluate("() => navigator.clipboard.readText()")
    assert text.startswith("Let $x^2 = \\frac{a}{b}$ be.\n\n$$\\sum_{i=1}^n i$$\n\n$$f(x) = ")


def test_every_text_runs_in_its_own_direction(page, benchmarks):
    page.goto(match_page("hebrew"))
    blocks = page.locator(".answer.a .md > *, .answer.a .md > .copyable > pre")
    found = blocks.evaluate_all(
        "(all) => all.map((each) => [each.localName, getComputedStyle(each).direction])"
    )
    directions = [tuple(each) for each in found if each[0] != "div"]
    rtl = [(name, "rtl") for name in ("p", "ul", "blockquote", "table")]
    assert directions == [*rtl, ("p", "ltr"), ("pre", "ltr")]
    assert page.locator(".answer.a p code").evaluate("(code) => getComputedStyle(code).direction") == "ltr"
    # A right-to-left table stands at the right of its answer, its first column rightmost.
    table, answer = (page.locator(f".answer.a {part}").bounding_box() for part in ("table", ".md"))
    assert table["x"] + table["width"] > answer["x"] + answer["width"] - 30
    first, second = (cell.bounding_box()["x"] for cell in page.locator(".answer.a tbody td").all())
    assert first > second


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_piece_of_coloured_code_is_seen(visitors, benchmarks, scheme):
    page = visitors.open(color_scheme=scheme)
    page.goto(match_page("code"))
    assert violations(page) == []  # contrast
    pieces = page.locator(".hl span").evaluate_all(
        "(all) => all.map((each) => [each.textContent, each.offsetWidth])"
    )
    # A letter is 8 pixels wide; a class of the site itself once hid the regular expression.
    assert "/a+/" in [text for text, _ in pieces]
    assert [text for text, width in pieces if width < 7 * len(text)] == []
