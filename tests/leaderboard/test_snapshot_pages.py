"""/snapshots/ and /snapshots/N/: what a reader sees, and what staff can do."""

import io
import re
import zipfile
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils.html import escape

from arena.models import Competitor
from arena.outcomes import Winner
from leaderboard.models import KeptBenchmark, Snapshot, SnapshotRequest
from leaderboard.services.boards import refresh_boards
from leaderboard.services.snapshots import forget_demo, take_snapshot
from leaderboard.views import snapshots
from leaderboard.views.cached import CACHE
from tests.factories import make_matches, make_vote, make_voter
from tests.leaderboard.snapshots import NOW, make_arena

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.ARENA_HOME = tmp_path
    return tmp_path


def words(response) -> str:
    """A page's text, with single spaces."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(text.replace("&nbsp;", " ").replace("\u00a0", " ").split())


@pytest.fixture
def two():
    """Two snapshots between which the last model overtook the others and a new voter came."""
    benchmark, judge = make_arena()
    take_snapshot(now=NOW, by="")
    last = Competitor.objects.order_by("pk").last()
    for _ in range(9):
        voter = make_voter()
        for match in make_matches(benchmark):
            if last.pk in (match.competitor_a_id, match.competitor_b_id):
                won = Winner.MODEL_A if match.competitor_a_id == last.pk else Winner.MODEL_B
                make_vote(match, won, voter=voter, at=NOW)
    take_snapshot(now=NOW + timedelta(days=1), by="olga", note="After the <new> voters")
    return benchmark, judge, last


@pytest.fixture
def one():
    """A snapshot of all kinds of boards, with a category."""
    make_arena(tags=("code & maths",))
    return take_snapshot(now=NOW, by="olga")


class TestList:
    def test_before_the_first(self, client, settings):
        assert "The first is taken within minutes" in words(client.get("/snapshots/"))
        settings.SNAPSHOT_HOURS = 0
        CACHE.clear()
        assert "On this site they are taken by hand." in words(client.get("/snapshots/"))

    def test_newest_first_with_what_each_holds(self, client, two):
        page = client.get("/snapshots/")
        text = words(page)
        assert text.index("Snapshot 2") < text.index("Snapshot 1")
        # 7 voters on 18 matches, then 9 on the 16 of the last model.
        assert "2 January 2026, 12:00 UTC 7 126 24 daily" in text
        assert "3 January 2026, 12:00 UTC 7 270 24 by hand After the &lt;new&gt; voters" in text
        assert "olga" not in page.content.decode()

    def test_pages_of_fifty(self, client, two, monkeypatch):
        monkeypatch.setattr(snapshots, "PAGE", 1)
        text = words(client.get("/snapshots/?page=2"))
        assert "Snapshot 1" in text
        assert "Page 2 of 2" in text
        assert "Page 1 of 2" in words(client.get("/snapshots/?page=nonsense"))


class TestOne:
    def test_standings_and_what_moved(self, client, two):
        _, _, last = two
        page = client.get("/snapshots/2/")
        text = words(page)
        assert "3 models, ranked by 270 votes of 16 people." in text
        first = page.content.decode().index(f"<b>{last.name}</b>")
        others = Competitor.objects.exclude(pk=last.pk)
        assert all(first < page.content.decode().index(f"<b>{each.name}</b>") for each in others)
        assert re.search(r"\d models? moved since snapshot 1", text)
        assert re.search(r"\d places? up", text)
        assert "No earlier snapshot has this board." in words(client.get("/snapshots/1/"))

    def test_what_it_follows_from(self, client, two):
        text = words(client.get("/snapshots/2/"))
        kept = Snapshot.objects.get(number=2).benchmarks.get()
        assert kept.inputs_sha256 in text
        assert kept.read_outline()["digests"]["people"] in text
        assert "intervals by voter (16)" in text
        assert re.search(r"arena \d+\.\d+\.\d+.*numpy \d+", text)

    def test_every_board_of_it_has_an_address_that_leads_to_the_others(self, client, one):
        kept = one.benchmarks.get()
        kinds = {*kept.boards.values_list("judge", "category", "method")}
        assert len(kinds) == 14
        for judge, category, method in kinds:
            values = {"benchmark": "bench", "source": judge, "category": category, "method": method}
            response = client.get("/snapshots/1/", values)
            assert response.status_code == 200, values
            assert ("Only prompts tagged code & maths" in unescape(words(response))) == bool(category)
            for link in re.findall(r'href="(/snapshots/1/[^"]*)"', response.content.decode()):
                assert unescape(link).endswith("export.zip") or client.get(unescape(link)).status_code == 200

    def test_nothing_changed(self, client, two):
        take_snapshot(now=NOW + timedelta(days=2), by="olga")
        assert "Nothing on Bench has changed since snapshot 2" in words(client.get("/snapshots/3/"))

    def test_a_renamed_or_deleted_model_stands_as_it_did(self, client, two):
        _, _, last = two
        name = last.name
        Competitor.objects.filter(pk=last.pk).update(name="Renamed")
        page = client.get("/snapshots/2/").content.decode()
        assert f'<a class="m" href="{last.get_absolute_url()}"><b>{name}</b>' in page
        Competitor.objects.get(pk=last.pk).delete()
        CACHE.clear()
        assert f'<span class="m"><b>{name}</b>' in client.get("/snapshots/2/").content.decode()

    def test_what_is_not_there_has_a_way_on(self, client, two):
        for address in (
            "/snapshots/3/",
            "/snapshots/2/?benchmark=nowhere",
            "/snapshots/2/?source=nobody",
            "/snapshots/2/?method=magic",
            "/snapshots/2/?category=nothing",
            "/snapshots/2/?benchmark=%00",
            "/snapshots/3/export.zip",
        ):
            response = client.get(address)
            assert response.status_code == 404, address
            assert re.search("See (all snapshots|snapshot)", words(response)), address

    def test_a_hostile_name_is_letters(self, client, two):
        Competitor.objects.update(name="<script>alert(1)</script>")
        take_snapshot(now=NOW + timedelta(days=2), by="olga")
        page = client.get("/snapshots/3/").content.decode()
        assert escape("<script>alert(1)</script>") in page
        assert "<script>alert" not in page

    def test_the_demos_boards_are_gone_with_it(self, client, two):
        KeptBenchmark.objects.filter(snapshots__number=1).update(is_demo=True)
        forget_demo()
        assert "Its number stays its own" in words(client.get("/snapshots/1/"))
        assert "held the demo only" in words(client.get("/snapshots/"))

    def test_the_live_board_leads_to_it(self, client, two):
        refresh_boards(now=NOW)
        page = words(client.get("/leaderboard/"))
        assert "Kept for good: snapshot 2 of 3 January ." in page


class TestFile:
    def test_the_download_is_made_once(self, client, two, home):
        response = client.get("/snapshots/2/export.zip")
        data = b"".join(response.streaming_content)
        assert response["Content-Disposition"] == 'attachment; filename="snapshot-2.zip"'
        assert "bench/people.csv" in zipfile.ZipFile(io.BytesIO(data)).namelist()
        [made] = (home / "exports").iterdir()
        before = made.stat().st_mtime_ns
        again = client.get("/snapshots/2/export.zip")
        assert b"".join(again.streaming_content) == data
        assert [each.stat().st_mtime_ns for each in (home / "exports").iterdir()] == [before]

    def test_a_large_one_is_made_on_the_shell(self, client, two, monkeypatch):
        monkeypatch.setattr(snapshots, "LARGEST", 100)
        response = client.get("/snapshots/2/export.zip")
        assert response.status_code == 404
        assert "manage.py export_snapshot 2" in words(response)
        page = client.get("/snapshots/2/").content.decode()
        assert reverse("snapshot_export", args=[2]) not in page
        assert "too large for a page" in page


class TestStaff:
    def test_they_ask_for_one_in_the_admin(self, client, olga):
        assert "Take a snapshot" not in words(client.get("/snapshots/"))
        client.force_login(olga)
        add = reverse("admin:leaderboard_snapshotrequest_add")
        assert add in client.get("/snapshots/").content.decode()
        said = words(client.post(add, {"note": "before the upgrade"}, follow=True))
        assert "A worker takes the snapshot within a minute." in said
        [request] = SnapshotRequest.objects.all()
        assert (request.by, request.note) == ("olga", "before the upgrade")
        assert LogEntry.objects.count() == 1

    def test_a_snapshot_is_looked_at_and_not_changed(self, client, olga, two):
        client.force_login(olga)
        listed = client.get("/admin/leaderboard/snapshot/").content.decode()
        assert "Snapshot 2" in listed
        snapshot = Snapshot.objects.get(number=2)
        change = reverse("admin:leaderboard_snapshot_change", args=[snapshot.pk])
        assert client.get(change).status_code == 200
        assert client.post(change, {"number": 9}).status_code == 403
        assert client.get(reverse("admin:leaderboard_snapshot_delete", args=[snapshot.pk])).status_code == 403
        assert client.get(reverse("admin:leaderboard_snapshot_add")).status_code == 403
