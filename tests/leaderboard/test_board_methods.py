"""Boards at equal style, and of people and a judge together."""

import json
import re

import pytest
from django.utils import timezone

from arena.models import Competitor, Vote
from arena.outcomes import Order, Winner
from judging.models import Judge, Judgment
from leaderboard.models import Board
from leaderboard.services.boards import refresh_boards
from leaderboard.views.cached import CACHE
from tests.factories import (
    make_answers,
    make_benchmark,
    make_competitor,
    make_judge,
    make_matches,
    make_vote,
    make_voter,
)
from tests.leaderboard.rows import make_board, make_report

pytestmark = pytest.mark.django_db

LENGTH = {"name": "length", "value": 30.2, "lower": 12.4, "upper": 48.0, "unit": "points"}
BOLD = {"name": "bold", "value": -4.0, "lower": None, "upper": None, "unit": "points"}
WEIGHED = {"weight": 0.62, "gain": 1.08, "labelled": 312, "both": 200, "judge_only": 420, "left_out": 80}


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture
def arena():
    """Boards as is of people and of two judges, of whom gpt agrees better with people."""
    benchmark = make_benchmark(2, slug="bench")
    models = [make_competitor(name) for name in ("Alder", "Birch", "Cedar")]
    for judge, agreed in ((None, 0), (make_judge("gpt"), 41), (make_judge("llama"), 30)):
        make_board(benchmark, dict(zip(models, (1200, 1100, 1000), strict=True)), judge=judge)
        if judge:
            make_report(judge, benchmark, agreed)
    return benchmark


def text(response) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def told(response) -> str:
    """The page's words, a table's cells apart."""
    return " ".join(re.sub(r"<[^>]+>", "", text(response).replace("</td>", " ")).split())


def reversed_board(benchmark, **options) -> Board:
    models = Competitor.objects.order_by("name")
    return make_board(benchmark, dict(zip(models, (1000, 1100, 1200), strict=True)), **options)


class TestPeopleAndAJudge:
    @pytest.fixture
    def powered(self, arena):
        for name in ("llama", "gpt"):
            board = reversed_board(arena, judge=Judge.objects.get(name=name), method="ppi")
            Board.objects.filter(pk=board.pk).update(details=WEIGHED)
        return arena

    def test_the_best_judge_stands_beside_people(self, client, powered):
        page = text(client.get("/leaderboard/"))
        address = "/leaderboard/?source=gpt&amp;benchmark=bench&amp;method=ppi"
        assert f'<a href="{address}"' in page
        assert ">People + gpt</a>" in page
        assert "People + llama" not in page

    def test_the_open_judges_own_comes_first(self, client, powered):
        page = text(client.get("/leaderboard/?source=llama"))
        assert ">People + llama</a>" in page
        assert "People + gpt" not in page

    def test_without_such_a_board_there_is_no_tab(self, client, arena):
        assert "People +" not in text(client.get("/leaderboard/"))
        page = told(client.get("/leaderboard/?source=gpt&method=ppi"))
        assert "People + gpt have no board here yet" in page
        CACHE.clear()
        assert "People and a judge have no board here yet" in told(client.get("/leaderboard/?method=ppi"))

    def test_the_page_says_what_the_judge_gave(self, client, powered):
        page = told(client.get("/leaderboard/?source=gpt&method=ppi"))
        assert "3 models, ranked by 1,234 votes of 56 people, together with the rulings of gpt." in page
        # 8 % of 1,234 votes are 98.7; 420 + 80 matches without a vote
        assert (
            "Lambda is 0.62, where 0 leaves the judge out and 1 takes all of it. It gained as much as 99 "
            "votes more (8 %). People voted on 312 matches; gpt alone ruled on 500 more: 420 used, 80 left "
            "out."
        ) in page

    @pytest.mark.parametrize(
        ("weight", "gain", "words"),
        [
            (0.0, 1.0, "Lambda is 0: gpt added nothing, so this is the board of people alone"),
            (0.01, 1.004, "It gained next to nothing."),
        ],
    )
    def test_a_judge_that_is_no_help_is_called_so(self, client, powered, weight, gain, words):
        Board.objects.filter(method="ppi").update(details=WEIGHED | {"weight": weight, "gain": gain})
        page = told(client.get("/leaderboard/?source=gpt&method=ppi"))
        assert words in page
        assert ("used" in page) == (weight > 0)

    def test_it_stands_beside_people(self, client, powered):
        page = text(client.get("/leaderboard/?source=gpt&method=ppi"))
        # Cedar is 1st here and 3rd for people
        assert "2 places lower for people" in page
        assert "rank correlation, people and people with gpt" in page
        beside = text(client.get("/leaderboard/?view=side-by-side&source=people&with=gpt&method=ppi"))
        assert "People and people with gpt do not agree on the order: rank correlation −1.00" in beside
        assert "<h2>People + gpt</h2>" in beside

    def test_ways_on(self, client, powered):
        page = text(client.get("/leaderboard/?source=gpt&method=ppi&benchmark=bench"))
        assert (
            '<a href="/leaderboard/?source=gpt&amp;benchmark=bench&amp;method=ppi" aria-current="page"'
            in page
        )
        assert '<a href="/leaderboard/?source=gpt&amp;benchmark=bench" title=' in page  # as is
        assert "/leaderboard/charts/?source=gpt&amp;benchmark=bench&amp;method=ppi" in page
        assert 'aria-label="Rating method"' not in page
        response = client.get("/leaderboard/?source=gpt&method=ppi&format=json")
        assert response["Content-Disposition"] == 'attachment; filename="bench-gpt-ppi.json"'
        assert [row["model"] for row in json.loads(response.content)] == ["Cedar", "Birch", "Alder"]

    def test_charts_count_votes_where_models_met(self, client):
        """From votes and rulings: 8 voters on 4 prompts, of 8 that the judge rules on."""
        benchmark, judge = make_benchmark(8, slug="real"), make_judge("gpt")
        make_answers(benchmark, "one", "two", "three")
        matches = make_matches(benchmark)
        for at, match in enumerate(matches):
            for order in (Order.AB, Order.BA):
                Judgment.objects.create(
                    judge=judge, match=match, order=order, winner="model_b" if at % 4 else "model_a",
                    verdict="first", created_at=timezone.now(),
                )  # fmt: skip
        for turn in range(8):
            voter = make_voter()
            for at, match in enumerate(matches[:12]):
                make_vote(match, Winner.MODEL_A if (at + turn) % 3 else Winner.MODEL_B, voter=voter)
        refresh_boards(now=timezone.now())
        assert Vote.objects.count() == 96
        page = told(client.get("/leaderboard/charts/?source=gpt&method=ppi"))
        assert "ranked by 96 votes of 8 people, together with the rulings of gpt" in page
        assert "3 models: 32 votes a pair." in page  # 96 votes on 3 pairs
        board = told(client.get("/leaderboard/?source=gpt&method=ppi"))
        assert "People voted on 12 matches; gpt alone ruled on 12 more" in board
        assert "Intervals take each match as one" in board


class TestEqualStyle:
    @pytest.fixture
    def styled(self, arena):
        board = reversed_board(arena, method="style")
        Board.objects.filter(pk=board.pk).update(details={"coefficients": [LENGTH, BOLD]})
        return arena

    def test_the_switch_shows_only_where_there_is_such_a_board(self, client, styled):
        assert ">Equal style</a>" in text(client.get("/leaderboard/"))
        assert ">Equal style</a>" not in text(client.get("/leaderboard/?source=gpt"))

    def test_what_style_is_worth(self, client, styled):
        page = told(client.get("/leaderboard/?method=style"))
        assert "3 models at equal style, ranked by 1,234 votes of 56 people." in page
        assert "Length +30 +12 to +48" in page
        assert "Bold −4 unknown" in page

    def test_places_are_compared_with_the_board_as_is(self, client, styled):
        page = text(client.get("/leaderboard/?method=style"))
        assert ">As is</button>" in page
        # Cedar is 1st at equal style and 3rd as is
        assert "2 places lower on the board as is" in page
        assert "rank correlation, at equal style and as is" in page
        assert 'href="/leaderboard/?benchmark=bench" aria-label="−1.00' in page

    def test_a_source_without_one_is_shown_as_is(self, client, styled):
        page = text(client.get("/leaderboard/?method=style&benchmark=bench"))
        assert '<a href="/leaderboard/?source=gpt&amp;benchmark=bench" title=' in page
        waiting = text(client.get("/leaderboard/?method=style&source=gpt&benchmark=bench"))
        assert "No board at equal style here yet" in waiting
        assert '<a class="btn" href="/leaderboard/?source=gpt&amp;benchmark=bench">' in waiting

    def test_charts_and_files(self, client, styled):
        page = told(client.get("/leaderboard/charts/?method=style"))
        assert "Cedar is rated highest, at 1200." in page
        response = client.get("/leaderboard/?method=style&format=csv")
        assert response["Content-Disposition"] == 'attachment; filename="bench-people-style.csv"'
