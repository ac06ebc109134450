"""Words of other pages that explain themselves, and lead to the parts of /methods/."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from leaderboard.models import Standing
from leaderboard.views.cached import CACHE
from leaderboard.views.methods import SECTIONS
from tests.factories import make_benchmark, make_competitor, make_judge
from tests.leaderboard.rows import make_board, make_report

ROOT = Path(settings.BASE_DIR)
IDS = re.compile(r'\bid="([^"]+)"')
BUTTONS = re.compile(r'popovertarget="([^"]+)"')
LINKS = re.compile(r'href="/methods/#([^"]*)"')
# In templates: a link, or a word's explanation.
SOURCES = re.compile(r"""url 'methods' %\}#([\w-]+)|explain\.html" with .*?\bto="([\w-]+)\"""")


def test_every_link_to_a_part_names_one():
    parts = {section.id for section in SECTIONS}
    found = {
        (path.name, name)
        for path in (ROOT / "templates").rglob("*.html")
        for match in SOURCES.finditer(path.read_text(encoding="utf-8"))
        for name in match.groups()
        if name
    }
    assert {name for _, name in found} >= {"ranks", "ratings", "elo", "status", "agreement", "reading"}
    assert [each for each in found if each[1] not in parts] == []


@pytest.mark.django_db
def test_explanations_of_a_board_lead_to_parts(client):
    CACHE.clear()
    benchmark, judge = make_benchmark(2, slug="bench"), make_judge("gpt")
    models = [make_competitor(name) for name in ("Alder", "Birch", "Cedar")]
    make_board(benchmark, dict(zip(models, (1200, 1100, 1000), strict=True)))
    make_board(benchmark, dict(zip(models, (1000, 1100, 1200), strict=True)), judge=judge)
    make_board(benchmark, dict(zip(models, (1200, 1100, 1000), strict=True)), method="elo")
    make_report(judge, benchmark)
    Standing.objects.filter(competitor=models[0]).update(note="few matches: 20 of 30")
    parts = {section.id for section in SECTIONS}
    for address, expected in (
        ("/leaderboard/", {"agreement", "ranks", "ratings", "reading", "status"}),
        ("/leaderboard/?source=gpt", {"agreement", "ranks", "ratings", "reading", "status"}),
        ("/leaderboard/?method=elo", {"agreement", "elo", "ratings", "status"}),
        (models[0].get_absolute_url(), {"status"}),
    ):
        page = client.get(address).content.decode()
        assert expected <= set(LINKS.findall(page)) <= parts, address
        buttons, ids = BUTTONS.findall(page), IDS.findall(page)
        assert len(buttons) == len(set(buttons)) > 0
        assert [name for name in buttons if ids.count(name) != 1] == []
        assert "Few matches: 20 of 30. The rating may still move far." in page
        assert " title=" not in page[page.index("<table") : page.index("</thead>")]


def test_an_explanation_is_text():
    """Names of judges stand in explanations, and people give them."""
    context = {"term": "<b>x", "text": "<i>y", "about": "it", "to": "ranks"}
    made = render_to_string("components/explain.html", context)
    assert "&lt;b&gt;x" in made
    assert "&lt;i&gt;y" in made
    assert 'popovertarget="about-it"' in made
    assert 'href="/methods/#ranks"' in made
