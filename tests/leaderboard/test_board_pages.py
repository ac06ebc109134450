"""/leaderboard/ as readers and their caches see it."""

import csv
import gzip
import io
import json

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from arena.models import Competitor
from arena.outcomes import Winner
from arena.shell import harmless
from judging.models import Judge
from leaderboard import models
from leaderboard.models import Board
from leaderboard.services.boards import refresh_boards
from leaderboard.views.cached import CACHE
from leaderboard.views.scope import BoardQuery
from tests.factories import make_answers, make_benchmark, make_competitor, make_judge, make_matches, make_vote
from tests.leaderboard.rows import make_board, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture
def arena():
    """A benchmark with boards of people and of the judge gpt, who puts the four models in reverse order."""
    benchmark = make_benchmark(2, slug="bench")
    names = ("Alder", "Birch", "Cedar", "Date", "Elm")
    alder, birch, cedar, date, elm = (make_competitor(name, organisation=f"{name} Ltd") for name in names)
    make_board(benchmark, {alder: 1200, birch: 1100, cedar: 1000, date: 900, elm: None})
    judge = make_judge("gpt")
    make_board(benchmark, {alder: 900, birch: 1000, cedar: 1100, date: 1200}, judge=judge)
    make_report(judge, benchmark)
    return benchmark


def text(response) -> str:
    return response.content.decode().replace("\u00a0", " ")


def test_the_board_says_what_is_known_and_how_sure_it_is(client, arena):
    page = text(client.get("/leaderboard/"))
    assert "4 models, ranked by 1,234 votes of 56 people." in page
    assert 'aria-label="53 % people agree with each other"' in page
    assert 'aria-label="41 % gpt agrees with people"' in page
    # rank_lower is max(rank - 1, 1), so ranks 1 and 2 may be first
    assert 'aria-label="2 models may be first"' in page
    assert 'aria-label="−1.00 rank correlation, people and gpt"' in page
    assert "1200 " in page
    assert "±50" in page
    assert "Not rated" in page
    assert "no matches" in page


def test_the_judges_board_names_its_agreement_and_the_places_people_give(client, arena):
    page = text(client.get("/leaderboard/?source=gpt"))
    assert "ranked by the rulings of gpt on 1,234 matches" in page
    assert "gpt <small>41 %" in page
    # Date is 1st for gpt and 4th for people
    assert "3 places lower for people" in page


def test_intervals_share_one_scale(client, arena):
    # ends 850 to 1250 reach from 3 to 97 %: 1 point is 0.235 %; Alder 1150..1250 -> 73.5..97
    page = text(client.get("/leaderboard/"))
    assert '<line x1="73.5%" x2="97.0%" y1="8" y2="8"/><circle cx="85.25%"' in page


def test_side_by_side_in_words_and_lines(client, arena):
    page = text(client.get("/leaderboard/?view=side-by-side&with=gpt"))
    assert "People and gpt do not agree on the order: rank correlation −1.00 over 4 models." in page
    # Alder: from the first row (14 px) to the fourth (98 px)
    assert 'y1="14.0" y2="98.0"' in page
    assert page.count("<circle") == 8


def test_a_category_has_its_own_board(client, arena):
    make_board(arena, {make_competitor("Fir"): 1000, make_competitor("Gorse"): 990}, category="odd")
    page = text(client.get("/leaderboard/?benchmark=bench&category=odd"))
    assert "2 models, ranked" in page
    assert "Only prompts tagged odd." in page
    assert "people agree with each other (all categories)" in page


def test_downloads_are_exactly_this_board(client, arena):
    rows = json.loads(client.get("/leaderboard/?source=gpt&format=json").content)
    assert [row["model"] for row in rows] == ["Date", "Cedar", "Birch", "Alder"]
    assert rows[0] | {"slug": ""} == {
        **{
            "rank": 1,
            "rank_lower": 1,
            "rank_upper": 2,
            "model": "Date",
            "slug": "",
            "organisation": "Date Ltd",
        },
        **{"rating": 1200.0, "rating_lower": 1150.0, "rating_upper": 1250.0, "score": 0.5, "matches": 20},
        **{"joint_rank_lower": None, "joint_rank_upper": None, "tied_count": 0, "tied_with": []},
        "status": "rated",
        "reason": "",
    }
    response = client.get("/leaderboard/?format=csv")
    assert response["Content-Disposition"] == 'attachment; filename="bench-people.csv"'
    lines = list(csv.DictReader(io.StringIO(text(response))))
    assert [line["model"] for line in lines] == ["Alder", "Birch", "Cedar", "Date", "Elm"]
    pairs = json.loads(client.get("/leaderboard/?view=side-by-side&format=json").content)
    assert (pairs[0]["model"], pairs[0]["people_rank"], pairs[0]["gpt_rank"]) == ("Alder", 1, 4)


class TestElo:
    @pytest.fixture
    def elo(self, arena):
        """The same people and judge by Elo, where Birch is before Alder for people."""
        alder, birch, cedar, _, _ = Competitor.objects.order_by("name")
        make_board(arena, {birch: 1090, alder: 1080, cedar: 900}, method="elo")
        make_board(arena, {cedar: 1100, alder: 1000, birch: 900}, method="elo", judge=Judge.objects.get())
        return arena

    def test_a_rank_is_one_number_and_the_page_says_why(self, client, elo):
        page = text(client.get("/leaderboard/?method=elo"))
        assert "3 models, ranked by 1,234 votes of 56 people." in page
        assert '<td class="num rank">1</td><td><a class="m" href="/models/' in page
        assert page.index("Birch") < page.index("Alder")
        assert "±" not in page
        assert "may be first" not in page
        assert "no intervals and no ranges of ranks" in page
        assert 'y1="8" y2="8"' not in page
        assert page.count("<circle") == 3

    def test_every_way_on_keeps_the_method(self, client, elo):
        page = text(client.get("/leaderboard/?method=elo&benchmark=bench"))
        assert "/leaderboard/?source=gpt&amp;benchmark=bench&amp;method=elo" in page
        assert "/leaderboard/?benchmark=bench&amp;method=elo&amp;format=csv" in page
        assert page.count('<input type="hidden" name="method" value="elo">') == 2  # benchmark, category
        assert 'href="/leaderboard/?benchmark=bench">Bradley–Terry</a>' in page

    def test_side_by_side_and_downloads(self, client, elo):
        page = text(client.get("/leaderboard/?method=elo&view=side-by-side"))
        # 1 Birch, 2 Alder, 3 Cedar against 3, 2, 1
        assert "rank correlation −1.00 over 3 models" in page
        assert '<span class="rank">1</span>' in page
        response = client.get("/leaderboard/?method=elo&format=json")
        assert response["Content-Disposition"] == 'attachment; filename="bench-people-elo.json"'
        first = json.loads(response.content)[0]
        assert (first["model"], first["rank"], first["rank_lower"], first["rating_lower"]) == (
            *("Birch", 1),
            *(None, None),
        )

    def test_the_usual_method_has_one_address(self, client, elo):
        for query in ("", "?method=bt", "?method="):
            assert client.get(f"/leaderboard/{query}").status_code == 200
        assert len(CACHE) == 1
        assert BoardQuery.read({"method": "bt"}).url() == "/leaderboard/"
        assert BoardQuery.read({"method": "elo"}).url() == "/leaderboard/?method=elo"
        assert client.get("/leaderboard/?method=glicko").status_code == 404

    def test_fitted_boards_have_it(self, client):
        benchmark = make_benchmark(2, slug="real")
        good, _ = make_answers(benchmark, "long and good", "bad")
        for match in make_matches(benchmark):
            for _ in range(3):
                make_vote(match, Winner.MODEL_A)
        refresh_boards(now=timezone.now())
        rows = json.loads(client.get("/leaderboard/?method=elo&format=json").content)
        assert [(row["model"] == good.name, row["rank"], row["rank_upper"]) for row in rows] == [
            (True, 1, None),
            (False, 2, None),
        ]


def test_a_spreadsheet_runs_nothing():
    assert harmless("=cmd()") == "'=cmd()"
    assert harmless("-1+1") == "'-1+1"
    assert harmless(-1.5) == -1.5
    assert harmless("GPT") == "GPT"


@pytest.mark.parametrize(
    "query",
    [
        *("benchmark=nope", "source=nope", "category=nope", "view=nope", "format=exe"),
        *(
            "source=a%20b",
            "benchmark=%00",
            "category=%00",
            "category=" + "x" * 61,
            "view=side-by-side&with=nope",
        ),
    ],
)
def test_what_does_not_exist_is_not_found_and_shows_a_way_on(client, arena, query):
    response = client.get(f"/leaderboard/?{query}")
    assert response.status_code == 404
    assert 'class="btn"' in text(response)
    assert len(CACHE) == 0


def test_unknown_parameters_make_no_page_of_their_own(client, arena):
    for query in ("", "?utm_source=x", "?a=1&b=2", "?with=gpt", "?source=people"):
        assert client.get(f"/leaderboard/{query}").status_code == 200
    assert len(CACHE) == 1


def test_the_address_of_a_query_leaves_defaults_out():
    query = BoardQuery.read({"source": "people", "benchmark": "b", "view": "side-by-side", "with": "gpt"})
    assert query.url() == "/leaderboard/?benchmark=b&view=side-by-side&with=gpt"
    assert query.url(view="", benchmark="") == "/leaderboard/"


def test_nothing_here_yet(client):
    assert "No leaderboard yet" in text(client.get("/leaderboard/"))
    CACHE.clear()
    make_benchmark(1, slug="new")
    assert "Nobody’s votes are counted here yet" in text(client.get("/leaderboard/"))
    make_judge("gpt")
    assert "gpt has no board here yet" in text(client.get("/leaderboard/?source=gpt"))
    assert "People have no board here yet" in text(client.get("/leaderboard/?view=side-by-side"))


def test_a_missing_board_points_to_one_that_is_there(client):
    benchmark, judge = make_benchmark(1, slug="closed", is_open=False), make_judge("gpt")
    make_board(benchmark, {make_competitor("Alder"): 1000}, judge=judge)
    page = text(client.get("/leaderboard/?benchmark=closed"))
    assert "Nobody’s votes are counted here yet" in page
    assert 'href="/leaderboard/?source=gpt&amp;benchmark=closed">See the board of gpt</a>' in page


def test_the_first_open_benchmark_with_a_board_is_shown(client):
    slugs = ("closed", "empty", "rated")
    closed, empty, rated = (make_benchmark(1, slug=slug, is_open=slug != "closed") for slug in slugs)
    for benchmark in (closed, rated):
        make_board(benchmark, {make_competitor(f"M {benchmark.slug}"): 1000})
    page = text(client.get("/leaderboard/"))
    assert "M rated" in page
    assert empty.slug in page


def test_visitors_cost_no_sql_once_the_page_is_made(client, arena, django_assert_num_queries):
    first = client.get("/leaderboard/")
    with django_assert_num_queries(0):
        second = client.get("/leaderboard/")
    assert second.content == first.content
    assert set(second["Vary"].split(", ")) == {"Cookie", "Accept-Encoding"}


def test_a_browser_that_has_the_page_gets_304(client, arena):
    etag = client.get("/leaderboard/")["ETag"]
    again = client.get("/leaderboard/", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == etag


def test_compressed_pages_hold_the_same_text(client, arena):
    plain = client.get("/leaderboard/")
    packed = client.get("/leaderboard/", headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert "Content-Encoding" not in plain


def test_somebody_signed_in_gets_their_own_header_and_fills_no_cache(client, arena, alice):
    client.force_login(alice)
    response = client.get("/leaderboard/")
    assert "alice" in text(response)
    assert "private" in response["Cache-Control"]
    assert len(CACHE) == 0
    client.logout()
    assert "alice" not in text(client.get("/leaderboard/"))


def test_a_refresh_shows_after_the_next_check(client, arena, monkeypatch):
    client.get("/leaderboard/")
    Board.objects.update(matches=4321, fitted_at=timezone.now())
    assert "1,234 votes" in text(client.get("/leaderboard/"))
    monkeypatch.setattr(CACHE, "check_every", 0.0)
    assert "4,321 votes" in text(client.get("/leaderboard/"))


def test_the_last_good_page_is_served_while_the_database_is_down(client, arena, monkeypatch):
    before = text(client.get("/leaderboard/"))
    monkeypatch.setattr(CACHE, "check_every", 0.0)

    def refuse(execute, sql, params, many, context):
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(refuse):
        assert text(client.get("/leaderboard/")) == before


def test_two_hundred_rows_cost_as_few_queries_as_two(client, django_assert_max_num_queries):
    benchmark = make_benchmark(1, slug="big")
    make_board(benchmark, {make_competitor(f"Model {n}"): 1000.0 + n for n in range(200)})
    with django_assert_max_num_queries(11):
        page = text(client.get("/leaderboard/"))
    assert page.count("<circle") == 200
    assert len(gzip.compress(page.encode())) < 30_000


def test_boards_fitted_from_votes(client):
    benchmark = make_benchmark(2, slug="real")
    good, bad = make_answers(benchmark, "long and good", "bad")
    for match in make_matches(benchmark):
        # each prompt: 3 votes for the good answer, 1 against: a score of 75 and 25 %
        for winner in (Winner.MODEL_A, Winner.MODEL_A, Winner.MODEL_A, Winner.MODEL_B):
            make_vote(match, winner)
    refresh_boards(now=timezone.now())
    page = text(client.get("/leaderboard/"))
    assert "2 models, ranked by 8 votes of 8 people." in page
    assert page.index(f"<b>{good.name}") < page.index(f"<b>{bad.name}")
    assert "75 %" in page
    assert "25 %" in page


def test_the_stamp_is_one_query_and_follows_every_board(arena, django_assert_num_queries):
    with django_assert_num_queries(1):
        before = models.boards_stamp("bench")
    assert models.boards_stamp("bench") == before
    make_board(arena, {}, category="odd")
    assert models.boards_stamp("bench") != before
    other = make_benchmark(1, slug="other")
    before, everywhere = models.boards_stamp("bench"), models.boards_stamp("")
    make_board(other, {})
    assert models.boards_stamp("bench") == before
    assert models.boards_stamp("") != everywhere
