"""Charts drawn in a real browser: from our own address, in the page's colours, with the table's numbers."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitors
from tests.browser.watching import overflow, violations
from tests.factories import make_benchmark, make_competitor, make_judge
from tests.leaderboard.rows import make_board, make_report

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demo")]

CHARTS = "/leaderboard/charts/"
KEYS = ["ratings", "wins", "games", "people", "judges"]
DRAWN = """() => [...document.querySelectorAll(".plot")].every((plot) => plot.dataset.drawn)"""
# What plotly holds of a chart, in the shape of the table below it.
TEXTS = """(key) => {
  const [trace] = document.querySelector(`#${key} .plot`).data;
  return trace.type === "heatmap" ? trace.text : trace.x.map((x) => [x.toFixed(1)]);
}"""
CELLS = """(key) => [...document.querySelectorAll(`#${key} tbody tr`)].map((row) =>
  [...row.querySelectorAll("td")].map((cell) => cell.textContent.replace(/\\u00a0%/, "")))"""
# Contrast (WCAG 2.2) of the ink with the strongest colours that stand behind it in a chart.
CONTRASTS = """() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return ["--heat-a", "--heat-b", "--heat", "--rule"].map((name) => {
    const pair = [light(name), light("--ink")].sort((one, other) => other - one);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}"""


def see(page: Page, where: str = CHARTS) -> None:
    page.goto(where)
    page.wait_for_function(DRAWN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_charts_are_drawn_and_accessible(visitors: Visitors, width, scheme):
    page = visitors.open(viewport={"width": width, "height": 900}, color_scheme=scheme)
    see(page)
    assert page.locator(".plot").evaluate_all("(all) => all.map((one) => one.closest('.chart').id)") == KEYS
    for key in KEYS:
        chart = page.locator(f"#{key}")
        expect(chart.get_by_role("img", name=re.compile(r"\w+\. \w+"))).to_be_visible()
        expect(chart.get_by_text("Loading the chart")).to_be_hidden()
        # As high as the room that was kept for it.
        kept = int(chart.locator(".drawing > svg").get_attribute("height"))
        assert chart.locator(".main-svg").first.bounding_box()["height"] == kept
    assert overflow(page) + violations(page) == []
    assert visitors.watch.troubles == []


def test_a_chart_and_its_table_hold_the_same_numbers(page):
    see(page)
    for key in KEYS:
        drawn, told = page.evaluate(TEXTS, key), page.evaluate(CELLS, key)
        assert len(drawn) > 2
        if key in ("ratings", "people"):  # the rating stands after the rank, agreement first
            told = [[row[1 if key == "ratings" else 0]] for row in told]
        assert drawn == told


def test_nothing_offers_to_upload(page, visitors):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    see(page)
    assert page.locator(".modebar, .modebar-btn, [data-title]").count() == 0
    found = page.locator(".plot").evaluate_all(
        "(all) => all.map((one) => [one._context.showSendToCloud, one._context.plotlyServerURL])"
    )
    assert found == [[False, ""]] * len(KEYS)
    for key in KEYS:
        page.locator(f"#{key} .plot").hover()
    words = page.locator("main").inner_text().lower()
    assert not re.search(r"upload|cloud|edit in|plotly", words)
    assert sum("plotly.min." in url for url in requests) == 1
    assert visitors.watch.troubles == []  # a request to elsewhere is among them


def test_plotly_comes_compressed_and_is_kept(page):
    with page.expect_response(re.compile("plotly.min.")) as answer:
        page.goto(CHARTS)
    headers = answer.value.all_headers()
    assert headers["content-encoding"] in ("br", "gzip")
    assert "immutable" in headers["cache-control"]


def test_a_square_tells_its_numbers_on_hover(page):
    see(page)
    page.locator("#wins .plot .nsewdrag").hover(position={"x": 300, "y": 10})
    told = page.locator("#wins .hoverlayer .hovertext")
    expect(told).to_contain_text(re.compile(r"\d+.% of the points, \d+ votes"))


def test_colours_follow_the_scheme(visitors: Visitors):
    page = visitors.open(color_scheme="light")
    see(page)
    ground = "() => document.querySelector('#wins .plot').layout.paper_bgcolor"
    light = page.evaluate(ground)
    assert min(page.evaluate(CONTRASTS)) >= 4.5
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(before) => ({ground})() !== before", arg=light)
    assert min(page.evaluate(CONTRASTS)) >= 4.5


def test_the_tables_open_by_key(page):
    see(page)
    page.locator("#wins .save").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#wins table")).to_be_visible()
    expect(page.locator("#games table")).to_be_hidden()


def test_the_way_there_and_back(page):
    page.goto("/leaderboard/?source=demo-judge&category=code")
    page.get_by_role("link", name="Charts").click()
    page.wait_for_function(DRAWN)
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaderboard in charts")
    expect(page.locator(".lede").first).to_contain_text("Only prompts tagged code.")
    page.get_by_role("link", name="Table", exact=True).click()
    expect(page).to_have_url(re.compile(r"/leaderboard/\?source=demo-judge&benchmark=demo&category=code$"))


def test_a_chart_is_saved_as_a_picture(page):
    see(page)
    with page.expect_download() as saved:
        page.locator("#wins .save").click()
    assert saved.value.suggested_filename == "wins-figure.svg"
    picture = Path(saved.value.path()).read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "Bittern 34B" in picture


def test_without_plotly_a_sentence_and_the_tables_remain(page, visitors):
    visitors.watch.expect("Failed to load resource")
    page.route(re.compile("plotly.min."), lambda route: route.abort())
    page.goto(CHARTS)
    expect(page.locator("#wins .coming")).to_have_text(
        "The chart could not be drawn. Its numbers are in the table below."
    )
    expect(page.locator("#wins .save")).to_be_hidden()
    page.locator("#wins summary").click()
    expect(page.locator("#wins table")).to_be_visible()
    assert overflow(page) + violations(page) == []


def test_without_javascript_the_tables_say_it_all(visitors: Visitors):
    page = visitors.open(java_script_enabled=False)
    page.goto(CHARTS)
    expect(page.locator(".drawing").first).to_be_hidden()
    expect(page.locator(".save").first).to_be_hidden()
    page.locator("#wins summary").click()
    expect(page.locator("#wins table")).to_be_visible()


def test_hostile_names_are_letters_only(page, visitors):
    """In a benchmark of its own: names that plotly or a browser would take for markup."""
    elsewhere = "https://elsewhere.example"
    names = [
        f"<a href='{elsewhere}'>click</a>",
        "<b>bold</b><br>two",
        f"<img src={elsewhere}/x.png onerror=alert(1)>",
        "</script><script>alert(2)</script>",
        "%{x} $\\alpha$ &lt;i&gt;",
    ]
    benchmark = make_benchmark(1, slug="hostile-charts")
    make_board(benchmark, {make_competitor(name): 1000 - n for n, name in enumerate(names)})
    make_report(make_judge(names[0], slug="hostile"), benchmark)
    see(page, f"{CHARTS}?benchmark=hostile-charts")
    ticks = page.locator("#ratings .ytick text").evaluate_all("(all) => all.map((one) => one.textContent)")
    assert ticks == [name if len(name) <= 28 else f"{name[:27].rstrip()}…" for name in names]
    assert page.locator(".plot a, .plot img, .plot script").count() == 0
    page.locator("#ratings .plot .nsewdrag").hover(position={"x": 500, "y": 15})
    assert visitors.watch.troubles == []
