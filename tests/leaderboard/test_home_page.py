"""The line at the top of the first page: what this arena measures and how sure it is."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.models import Ballot, Benchmark, Voter
from arena.outcomes import Order
from leaderboard.views.cached import CACHE
from tests.factories import make_answers, make_benchmark, make_competitor, make_judge, make_matches
from tests.leaderboard.rows import make_board, make_report

pytestmark = pytest.mark.django_db
CRAWLER = {"HTTP_USER_AGENT": "Mozilla/5.0 (compatible; Somebot/2.1; +http://somebot.example/)"}


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


def line(client, address="/", **extra) -> str:
    """The line's words."""
    page = client.get(address, **extra).content.decode()
    found = re.search(r'<aside class="measure"[^>]*><p>(.*?)</p></aside>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", found[1]).replace("\xa0", " ").split())


@pytest.fixture
def benchmark() -> Benchmark:
    """Two prompts, two models, 2 matches; nobody has said anything yet."""
    benchmark = make_benchmark(2, slug="bench")
    make_answers(benchmark, "red", "green")
    make_matches(benchmark)
    return benchmark


def test_an_empty_arena(client):
    assert line(client) == "This arena is empty: it has no benchmark yet, so there is nothing to compare."


def test_no_model_and_one_model(client):
    benchmark = make_benchmark(2, slug="bench")
    assert line(client) == "2 prompts and no model yet. Submit the first one"
    make_answers(benchmark, "red")
    CACHE.clear()
    assert line(client) == "1 model on 2 prompts: it takes two to compare. Submit another one"


def test_no_vote_yet(client, benchmark):
    assert line(client) == "2 models on 2 prompts, and no vote yet."
    make_board(benchmark, {make_competitor(): 1000.0}, judge=make_judge())
    CACHE.clear()
    assert line(client) == "2 models on 2 prompts, and no vote yet: so far judges alone have ranked them."


def test_too_few_votes(client, benchmark):
    make_board(benchmark, {make_competitor(): None, make_competitor(): None})
    assert line(client) == "2 models on 2 prompts and 1,234 votes of 56 people: too few to rank anybody yet."


def test_all_of_it_with_its_sources(client, benchmark):
    # Ranks 1 to 3 reach one place up and down, so the first two may be first; one model is unrated.
    ratings = {make_competitor(): rating for rating in (1100.0, 1000.0, 900.0, None)}
    make_board(benchmark, ratings)
    expected = "3 models on 2 prompts, ranked by 1,234 votes of 56 people; 2 may be first"
    assert line(client) == f"{expected}."
    make_report(make_judge("fair"), benchmark, agreed=66)
    make_report(make_judge("lucky"), benchmark, agreed=9, n=10)  # which met too few votes to be called best
    CACHE.clear()
    assert line(client) == f"{expected}; the best judge agrees with people on 66 % of votes."
    page = client.get("/").content.decode()
    for address in (
        *(
            "/models/",
            "/benchmarks/bench/",
            "/leaderboard/?benchmark=bench",
            "/leaderboard/?benchmark=bench#board",
        ),
        "/judges/?benchmark=bench",
    ):
        assert f'<a href="{address}">' in page


def test_it_follows_the_benchmark_that_was_asked_for(client, benchmark):
    other = make_benchmark(1, slug="other")
    make_answers(other, "x", "y", "z")
    make_matches(other)
    make_board(benchmark, {make_competitor(): 1100.0, make_competitor(): 900.0})
    assert line(client).startswith("Bench: 2 models")
    assert line(client, "/?benchmark=other") == "Other: 3 models on 1 prompt, and no vote yet."
    for number in range(5):
        assert line(client, f"/?benchmark=nowhere-{number}").startswith("Bench: ")
    assert len(CACHE) == 2  # what somebody makes up takes no room


def test_it_costs_no_query_while_it_is_fresh(client, benchmark, monkeypatch):
    monkeypatch.setattr(CACHE, "check_every", 600.0)  # seconds; a busy machine may need some for a page
    line(client)
    first, again = (count_queries(client) for _ in range(2))
    CACHE.clear()
    assert first == again < count_queries(client)


def count_queries(client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    return len(queries)


def test_it_is_the_same_whatever_pair_is_shown(client, benchmark):
    make_board(benchmark, {make_competitor(): 1100.0, make_competitor(): 900.0})
    client.get("/")
    lines = set()
    for ballot in (1, 2):
        for order in (Order.AB, Order.BA):
            Ballot.objects.update(order=order)
            lines.add(line(client))
        client.post(f"/vote/{Ballot.objects.get(skipped_at=None).token}/skip/")
        assert Ballot.objects.count() == ballot
    assert len(lines) == 1


def test_the_next_pair_comes_without_it(client, benchmark):
    client.get("/")
    assert b"measure" not in client.get("/", HTTP_HX_REQUEST="true").content


class TestRobots:
    def test_they_spend_no_pair(self, client, benchmark):
        response = client.get("/", **CRAWLER)
        page = response.content.decode()
        assert response.status_code == 200
        assert "Pairs are shown to people" in page
        assert "no vote yet" in page  # the line is worth finding
        assert not response.cookies
        assert not Voter.objects.exists()
        assert not Ballot.objects.exists()

    def test_a_person_taken_for_one_gets_a_pair(self, client, benchmark):
        page = client.get("/?person=1", **CRAWLER).content.decode()
        assert "Which answer is better?" in page
        assert "Which answer is better?" in client.get("/", **CRAWLER).content.decode()  # known from now on

    @pytest.mark.parametrize(
        "agent",
        [
            "",
            "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/120",
            "Mozilla/5.0 HeadlessChrome/120",
            "curl/8",
        ],
    )
    def test_people_are_not_taken_for_one(self, client, benchmark, agent):
        assert "Which answer is better?" in client.get("/", HTTP_USER_AGENT=agent).content.decode()

    def test_what_they_may_ask_for(self, client):
        response = client.get("/robots.txt")
        assert response["Content-Type"].startswith("text/plain")
        lines = response.content.decode().splitlines()
        assert lines[0] == "User-agent: *"
        assert {"Disallow: /vote/", "Disallow: /?"} < set(lines)
        assert "Disallow: /" not in lines
