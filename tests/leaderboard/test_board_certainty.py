"""How sure a board is, in ranks, ties, intervals, and in the lines under it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from arena.models import Competitor, Voter
from leaderboard.models import Board, Standing, quarantined_votes
from leaderboard.services.boards import refresh_boards
from leaderboard.services.standings import LATER
from leaderboard.views.cached import CACHE
from tests.factories import make_answers, make_benchmark, make_competitor, make_judge, make_matches, make_vote
from tests.leaderboard.rows import make_board, make_report
from tests.leaderboard.test_board_methods import text, told

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, 12, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture
def board():
    """People's board of twelve models; the first is tied with the ten after it."""
    benchmark = make_benchmark(2, slug="bench")
    models = [make_competitor(f"Model {letter}") for letter in "ABCDEFGHIJKL"]
    board = make_board(benchmark, {model: 1200.0 - 10 * at for at, model in enumerate(models)})
    board.standings.update(joint_lower=1, joint_upper=12)
    nearest = [model.pk for model in models[1:9]]
    board.standings.filter(competitor=models[0]).update(tied=nearest, tied_count=10)
    board.standings.filter(competitor=models[1]).update(tied=[models[0].pk], tied_count=1)
    return board


def update(board: Board, **values) -> None:
    Board.objects.filter(pk=board.pk).update(**values)


class TestRanks:
    def test_one_at_a_time_or_all_at_once(self, client, board):
        page = text(client.get("/leaderboard/"))
        assert '<td class="num rank">11–12</td>' in page  # the last: rank - 1 to the number of models
        assert 'href="/leaderboard/?benchmark=bench&amp;ranks=all" title=' in page
        page = text(client.get("/leaderboard/?ranks=all"))
        assert '<td class="num rank">1–12</td>' in page
        assert 'aria-label="12 models may be first"' in page
        assert "a rank is the range that they allow for all models at once" in told(
            client.get("/leaderboard/?ranks=all")
        )

    def test_the_choice_stays_and_ends_where_there_is_none(self, client, board):
        make_board(board.benchmark, {Competitor.objects.first(): 1000}, judge=make_judge("gpt"))
        page = text(client.get("/leaderboard/?benchmark=bench&ranks=all"))
        assert "/leaderboard/?source=gpt&amp;benchmark=bench&amp;ranks=all" in page
        assert 'name="ranks" value="all"' in page
        for gone in ("method=elo&amp;ranks", "charts/?benchmark=bench&amp;ranks", "format=csv&amp;ranks"):
            assert gone not in page
        assert client.get("/leaderboard/?ranks=some").status_code == 404
        CACHE.clear()
        for address in ("/leaderboard/?method=elo", "/leaderboard/?method=elo&ranks=all"):
            client.get(address)
        assert len(CACHE) == 1

    def test_without_ranges_there_is_nothing_to_choose(self, client, board):
        board.standings.update(joint_lower=None, joint_upper=None)
        assert "all at once" not in text(client.get("/leaderboard/"))

    def test_files_hold_both(self, client, board):
        first, second, *_ = json.loads(client.get("/leaderboard/?format=json").content)
        assert (first["rank_lower"], first["joint_rank_lower"], first["joint_rank_upper"]) == (1, 1, 12)
        assert first["tied_count"] == 10
        assert first["tied_with"] == [f"Model {letter}" for letter in "BCDEFGHI"]
        assert (second["tied_count"], second["tied_with"]) == (1, ["Model A"])
        lines = list(csv.DictReader(io.StringIO(client.get("/leaderboard/?format=csv").content.decode())))
        assert lines[0]["tied_with"].startswith("Model B; Model C; ")
        assert lines[2]["tied_with"] == ""
        make_board(board.benchmark, {Competitor.objects.first(): 1000}, judge=make_judge("gpt"))
        [pair] = json.loads(client.get("/leaderboard/?view=side-by-side&format=json").content)
        assert (pair["people_joint_rank_upper"], pair["gpt_joint_rank_upper"]) == (12, None)


class TestTies:
    def test_whom_a_model_is_tied_with(self, client, board):
        page = text(client.get("/leaderboard/"))
        assert page.count('class="term ties"') == 2
        assert 'popovertarget="ties-1">ties 10</button>' in page
        nearest = ", ".join(f"Model {letter}" for letter in "BCDEFGHI")
        assert f'id="ties-1">Not told apart from 10 models. The nearest: {nearest}.</span>' in page
        assert 'id="ties-2">Not told apart from 1 model: Model A.</span>' in page

    def test_who_left_the_board_is_not_named(self, client, board):
        Standing.objects.filter(competitor__name="Model A").delete()
        assert 'class="term ties"' not in text(client.get("/leaderboard/"))

    def test_three_hundred_models_stay_light(self, client, django_assert_max_num_queries):
        benchmark = make_benchmark(1, slug="big")
        models = [make_competitor(f"Model {n}") for n in range(300)]
        board = make_board(benchmark, {model: 1000.0 + n for n, model in enumerate(models)})
        for at, row in enumerate(board.standings.order_by("rank")):
            row.tied, row.tied_count = [models[(at + step) % 300].pk for step in range(1, 9)], 40
            row.save()
        with django_assert_max_num_queries(11):
            response = client.get("/leaderboard/", headers={"accept-encoding": "br"})
        assert response["Content-Encoding"] == "br"
        assert len(response.content) < 25_000


class TestMissingIntervals:
    @pytest.mark.parametrize("note", ["too few voters: 3 of the 6 that an interval needs", LATER])
    def test_a_row_says_why_and_makes_up_nothing(self, client, board, note):
        nothing = dict.fromkeys(("rank_lower", "rank_upper", "rating_lower", "rating_upper"))
        board.standings.filter(rank=12).update(**nothing, note=note)
        page = text(client.get("/leaderboard/"))
        row = page[page.index('data-find="model l') :].partition("</tr>")[0]
        assert f'<span class="why">{note}</span>' in row
        assert '<td class="num rank">–</td>' in row
        assert "±" not in row
        assert "<svg" not in row
        competitor = Competitor.objects.get(name="Model L")
        model = text(client.get(competitor.get_absolute_url()))
        assert f'<span class="why">{note}</span>' in model

    def test_nobody_is_said_to_be_first_when_no_range_is_known(self, client, board):
        board.standings.update(rank_lower=None, rank_upper=None, rating_lower=None, rating_upper=None)
        assert "may be first" not in text(client.get("/leaderboard/"))
        assert "may be first" not in text(client.get("/"))
        assert "No interval is known yet" in told(client.get("/leaderboard/charts/"))


class TestLines:
    @pytest.mark.parametrize(
        ("values", "line"),
        [
            (
                {"cluster": "voter", "clusters": 36},
                "Intervals gather votes by voter (36 people), as of 2 January 2026, 12:03 UTC.",
            ),
            (
                {"cluster": "prompt", "clusters": 24, "voters": 3},
                "Fewer than 6 people voted, so intervals gather votes by prompt (24 prompts) and hold for "
                "these 3 people only, as of 2 January 2026, 12:03 UTC.",
            ),
        ],
    )
    def test_what_intervals_gather_and_when(self, client, board, values, line):
        update(board, intervals_at=NOW, fitted_at=NOW + timedelta(minutes=2), **values)
        page = told(client.get("/leaderboard/"))
        assert line in page
        assert "Points follow new votes sooner: fitted 2 January 2026, 12:05 UTC." in page

    def test_one_date_is_enough_when_both_are_one(self, client, board):
        update(board, intervals_at=NOW, fitted_at=NOW, cluster="voter")
        assert "Points follow" not in told(client.get("/leaderboard/"))

    def test_a_judges_rulings_are_gathered_by_prompt(self, client, board):
        judge = make_judge("gpt")
        own = make_board(board.benchmark, {Competitor.objects.first(): 1000}, judge=judge)
        make_report(judge, board.benchmark)
        found = {"leader": 1, "challenger": None, "votes": None, "total": 50.0}
        update(own, intervals_at=NOW, cluster="prompt", clusters=24, details={"robustness": found})
        page = told(client.get("/leaderboard/?source=gpt"))
        assert "Intervals gather rulings by prompt (24 prompts), as of" in page
        assert "No set of up to 5 % of the matches was found whose dropping changes first place." in page

    def test_how_few_votes_hold_first_place(self, client, board):
        leader, challenger = board.standings.order_by("rank")[:2]
        found = {"leader": leader.competitor_id, "challenger": challenger.competitor_id}
        update(board, details={"robustness": found | {"votes": 31.0, "total": 2040.0}})
        line = "Dropping 31 of 2,040 votes (1.5 %) could put Model B first."  # 31 / 2040 = 0.0152
        assert line in told(client.get("/leaderboard/"))
        CACHE.clear()
        update(board, details={"robustness": found | {"votes": 0.0, "total": 2040.0}})
        assert "First place is shared." in told(client.get("/leaderboard/"))

    def test_flagged_voters_and_the_board_without_them(self, client, board):
        move = {"rank_before": 2, "rank_after": 1, "rating_before": 1190.2, "rating_after": 1230.6}
        flags = {
            "tested": 36,
            "flagged": 2,
            "votes": 48,
            "voters": [7, 8],
            "moves": [move | {"player": "Oak"}],
        }
        reasons = ["does not follow the answers", "does not follow the answers"]
        update(board, details={"voters": flags | {"reasons": reasons}})
        page = told(client.get("/leaderboard/"))
        summary = "The votes of 2 of 36 voters do not go with the answers (48 votes; kept and counted)"
        assert summary in page
        assert "Found: does not follow the answers (2 voters)." in page
        assert "Oak 2 1 1190 1231" in page
        CACHE.clear()
        update(board, details={"voters": flags | {"reasons": reasons, "moves": []}})
        assert "Without them every model keeps its rank." in told(client.get("/leaderboard/"))
        CACHE.clear()
        update(board, details={"voters": {"tested": 36, "flagged": 0}})
        none = "Of 36 voters, none was found whose votes do not go with the answers."
        assert none in told(client.get("/leaderboard/"))

    def test_votes_in_quarantine_are_told(self, client):
        benchmark, other = make_benchmark(2, slug="real"), make_benchmark(1, slug="other")
        for each in (benchmark, other):
            make_answers(each, "one", "two")
            for match in make_matches(each):
                make_vote(match)
                make_vote(match)
        assert quarantined_votes(benchmark.pk) == (0, 0)
        # The voters of the first benchmark's first match: each voted once.
        first = Voter.objects.filter(votes__match=make_matches(benchmark)[0])
        first.quarantine(now=timezone.now())
        assert quarantined_votes(benchmark.pk) == (2, 2)
        assert quarantined_votes(other.pk) == (0, 0)
        refresh_boards(now=timezone.now())
        assert "2 votes of 2 voters in quarantine count nowhere." in told(client.get("/leaderboard/"))
