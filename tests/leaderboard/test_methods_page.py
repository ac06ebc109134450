"""/methods/: its parts, formulas, worked numbers and papers."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from leaderboard.views.methods import SECTIONS
from leaderboard.views.worked_examples import work_examples

ROOT = Path(settings.BASE_DIR)
IDS = re.compile(r'\bid="([^"]+)"')
HERE = re.compile(r'href="#([^"]+)"')


@pytest.fixture
def page(client) -> str:
    return client.get("/methods/").content.decode().replace("\u00a0", " ").replace("&nbsp;", " ")


def test_it_costs_no_query_and_names_its_papers(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        page = client.get("/methods/").content.decode()
    papers = ("2306.05685", "2311.01453", "2403.07008", "2508.11847", "Davidson", "Liang", "McCaffrey")
    papers += ("Pustejovsky", "Gelbach", "Hothorn", "Hochberg", "Li et al.", "Spearman", "Cohen", "Wilson")
    assert [name for name in papers if name not in page] == []


def test_every_part_has_its_id_and_stands_in_the_contents(page):
    parts = [section.id for section in SECTIONS]
    wanted = {"matches", "ratings", "status", "intervals", "ranks", "style", "people-and-judge", "elo"}
    wanted |= {"robustness", "voters", "pairs", "snapshots", "agreement", "position", "references"}
    assert wanted <= set(parts)
    ids = IDS.findall(page)
    assert len(ids) == len(set(ids))
    assert [name for name in ids if name in parts] == parts
    contents = page[page.index('<nav class="contents"') : page.index('<div class="chapter">')]
    assert HERE.findall(contents) == parts


def test_links_within_the_page_lead_somewhere_and_every_paper_is_cited(page):
    assert set(HERE.findall(page)) <= set(IDS.findall(page))
    papers = set(IDS.findall(page[page.index('<ul class="refs">') :]))
    assert len(papers) > 20
    assert papers <= set(HERE.findall(page))


def test_formulas_are_mathml(page):
    written = [
        len(re.findall(r"{% (?:formula|symbol) ?", path.read_text(encoding="utf-8")))
        for path in (ROOT / "templates/leaderboard/methods").glob("*.html")
    ]
    assert page.count("<math alttext=") == sum(written) > 50
    assert page.count('<p class="formula display"><math') >= 12
    assert "merror" not in page
    words = re.sub(r"<math.*?</math>", "", page, flags=re.DOTALL)
    assert "\\" not in words  # no source is left among the words


def test_code_that_it_names_exists(page):
    named = set(re.findall(r"<code>([\w/]+\.py)</code>", page))
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_worked_numbers():
    example = work_examples()
    # 1 / (1 + 10^(-100 / 400)) = 0.640; 400 points are odds of 10 to 1, so 10 / 11
    assert [lead.wins.replace("\u00a0", " ") for lead in example.leads] == [
        "51 %", "57 %", "64 %", "76 %", "91 %"
    ]  # fmt: skip
    # 58 of 100: 400 log10(58 / 42) = 56.07 points, half of it to either side of 1000
    assert (example.lead, example.ratings) == ("56", ("1028", "972"))
    # Its variance is 1 / (100 x 0.58 x 0.42), of which the root is 0.2026, times 400 / ln 10 = 173.7
    assert (example.error, example.half, example.unit) == ("35", "69", "174")
    # (1.96 / 0.3228)^2 = 36.9 of information are wanted, 24.4 are there, a vote brings 0.2436: 51.3
    assert example.more == 52
    # Tukey's studentised range of 20, at 95 % with infinite degrees of freedom, is 5.01; over sqrt 2, 3.54
    assert float(example.all_at_once) == pytest.approx(3.54, abs=0.05)
    assert (example.one_at_a_time, example.elo_win) == ("1.96", "2")  # Elo: half of K = 4


def test_numbers_that_the_code_sets_stand_on_the_page(page):
    for words in (
        "fewer than 30 matches", "wider than 200 points", "fewer than 6 people", "Up to 100 clusters",
        "a part of its matches by turns", "10 % are drawn by lot",
        "100 points more means winning 64 %", "52 more would",
        "less than 0.5 seconds", "use 5 % of the time",
    ):  # fmt: skip
        assert words in page, words
