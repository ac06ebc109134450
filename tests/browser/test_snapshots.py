"""Snapshots in a real browser: readable at any width, in both schemes, and a file to take away."""

import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from arena.models import Match
from arena.outcomes import Winner
from leaderboard.services.snapshots import take_snapshot
from tests.browser.conftest import Visitors
from tests.browser.watching import overflow, violations
from tests.factories import make_vote, make_voter

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("taken")]

PAGES = ("/snapshots/", "/snapshots/2/", "/snapshots/2/?source=demo-judge&category=code&method=ppi")


@pytest.fixture(scope="module")
def taken(demo, django_db_blocker) -> None:
    """Two snapshots of the demo, between which somebody always chose model A."""
    now = timezone.now()
    take_snapshot(now=now - timedelta(days=1), by="")
    voter = make_voter()
    for match in Match.objects.order_by("pk")[:60]:
        make_vote(match, Winner.MODEL_A, voter=voter)
    take_snapshot(
        now=now, by="olga", note="After a voter who always chose the first answer, whatever it said"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_fit_and_are_accessible(visitors: Visitors, width, scheme):
    page = visitors.open(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for place in PAGES:
        page.goto(place)
        assert overflow(page) + violations(page) == []


def test_from_the_live_board_to_its_snapshot_and_its_file(page, tmp_path):
    page.goto("/leaderboard/")
    page.get_by_role("link", name="snapshot 2 of").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Snapshot 2")
    page.get_by_label("Category").select_option("code")
    expect(page.locator(".lede")).to_contain_text("Only prompts tagged code.")
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "snapshot-2.zip"
    assert "demo/people.csv" in zipfile.ZipFile(saved.value.path()).namelist()


def test_without_javascript_the_other_boards_are_within_reach(visitors: Visitors):
    page = visitors.open(java_script_enabled=False)
    page.goto("/snapshots/")
    page.get_by_role("link", name="Snapshot 1", exact=True).click()
    page.get_by_label("Category").select_option("math")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".lede")).to_contain_text("Only prompts tagged math.")
