"""Boards and reports from stored votes and judgments."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from arena.models import Competitor, Match, Vote
from arena.outcomes import Order, Winner, verdict_of
from judging.models import Judgment
from leaderboard.models import Board, JudgeReport, Standing
from leaderboard.services.boards import refresh_boards
from leaderboard.sources import signatures
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def voted():
    """Two models on two prompts: one wins twice and loses once on q1 (odd), they tie on q2 (even)."""
    benchmark = make_benchmark(prompts=2)
    make_answers(benchmark, "good", "bad")
    odd, even = make_matches(benchmark)
    make_vote(odd, Winner.MODEL_A)
    make_vote(odd, Winner.MODEL_A)
    make_vote(odd, Winner.MODEL_B)
    make_vote(even, Winner.BOTH_BAD)
    return benchmark


def rule(judge, match, ab, ba):
    """Store a judge's two orders, as winners of the match ('' for unread)."""
    for order, winner in ((Order.AB, ab), (Order.BA, ba)):
        if winner is not None:
            Judgment.objects.create(
                judge=judge,
                match=match,
                order=order,
                verdict=verdict_of(winner, order) if winner else "",
                winner=winner,
                created_at=NOW,
            )


class TestRefreshing:
    def test_boards_of_people_overall_and_by_category(self, voted):
        refresh_boards(now=NOW)
        boards = Board.objects.filter(method="bt")
        assert sorted(boards.values_list("category", "matches", "voters")) == [
            ("", 4, 4),
            ("even", 1, 1),
            ("odd", 3, 3),
        ]
        first, second = Standing.objects.filter(board__category="odd", board__method="bt")
        # 2 points of 3 games: odds 2 to 1, which is 400 log10(2) = 120.41 points.
        assert first.rating - second.rating == pytest.approx(120.41, abs=0.01)
        # Four people are too few to gather votes by, and so is one prompt.
        assert first.rating_lower is None
        assert first.note == "too few prompts: 1 of the 6 that an interval needs"

    def test_nothing_new_means_nothing_done(self, voted):
        assert refresh_boards(now=NOW).boards == 6
        assert refresh_boards(now=NOW).boards == 0
        make_vote(Vote.objects.first().match)
        assert refresh_boards(now=NOW).boards == 6

    def test_a_withdrawn_vote_changes_the_board(self, voted):
        refresh_boards(now=NOW)
        Vote.objects.filter(winner=Winner.MODEL_B).delete()
        refresh_boards(now=NOW)
        reasons = Standing.objects.filter(board__category="odd", board__method="bt").values_list("reason")
        assert all(reason for (reason,) in reasons)  # one model unbeaten, the other winless: no rating

    def test_two_signatures_fit_into_a_report(self, voted):
        competitor = Competitor.objects.first()
        refresh_boards(now=NOW)
        [before] = signatures([voted]).values()
        competitor.withdraw(now=NOW)
        [signature] = signatures([voted]).values()
        assert signature.startswith(f"{before}:")
        # Microseconds since 2000 have 13 hexadecimal digits for centuries, who was withdrawn has up to 8.
        assert len(signature) <= len("0123456789abc:01234567")

    def test_a_report_of_an_older_kind_is_made_anew(self, voted):
        rule(make_judge("judge"), Match.objects.first(), Winner.MODEL_A, Winner.MODEL_A)
        assert refresh_boards(now=NOW).reports == 1
        assert refresh_boards(now=NOW + timedelta(minutes=1)).reports == 0
        report = JudgeReport.objects.get()
        report.signature = report.signature.partition(" ")[2]  # before reports had a number
        report.save()
        assert refresh_boards(now=NOW + timedelta(minutes=1)).reports == 1

    def test_a_board_without_votes_goes(self, voted):
        refresh_boards(now=NOW)
        Vote.objects.all().delete()
        refresh_boards(now=NOW)
        assert not Board.objects.exists()

    def test_derived_rows_can_be_deleted_and_made_again(self, voted):
        refresh_boards(now=NOW)
        before = list(
            Standing.objects.order_by("board__category", "board__method", "rank").values_list("rating")
        )
        Board.objects.all().delete()
        refresh_boards(now=NOW)
        again = list(
            Standing.objects.order_by("board__category", "board__method", "rank").values_list("rating")
        )
        assert before == again

    def test_a_category_that_lost_its_votes_loses_its_board(self, voted):
        refresh_boards(now=NOW)
        Vote.objects.filter(match__prompt__tags=["even"]).delete()
        refresh_boards(now=NOW)
        assert not Board.objects.filter(category="even").exists()

    def test_reports_wait_between_two_measures(self, voted):
        judge = make_judge()
        match = Vote.objects.first().match
        rule(judge, match, Winner.MODEL_A, Winner.MODEL_A)
        assert refresh_boards(now=NOW).reports == 1
        make_vote(match)
        assert refresh_boards(now=NOW + timedelta(seconds=1)).reports == 0
        assert refresh_boards(now=NOW + timedelta(seconds=11)).reports == 1
        figures = JudgeReport.objects.get().figures
        # The judge says model_a; the match has votes a, a, b, a.
        assert (figures["rules"]["each-vote"]["agreed"], figures["rules"]["each-vote"]["n"]) == (3, 4)
        assert figures["position"]["consistency"] == 1.0


class TestBoardCommand:
    def test_json_has_the_fixed_keys(self, voted, capsys):
        call_command("board", "--benchmark", voted.slug, "--category", "odd", "--format", "json")
        rows = json.loads(capsys.readouterr().out)
        assert list(rows[0]) == [
            *("rank", "rank_lower", "rank_upper", "model"),
            *("rating", "rating_lower", "rating_upper", "matches"),
        ]
        assert rows[0]["matches"] == 3

    def test_elo_has_no_interval(self, voted, capsys):
        call_command("board", "--benchmark", voted.slug, "--method", "elo", "--format", "json")
        rows = json.loads(capsys.readouterr().out)
        assert rows[0]["rating"] > rows[1]["rating"]
        assert rows[0]["rating_lower"] is None

    def test_csv_and_table(self, voted, capsys):
        call_command("board", "--benchmark", voted.slug, "--format", "csv")
        assert capsys.readouterr().out.startswith("rank,rank_lower,")
        call_command("board", "--benchmark", voted.slug)
        assert "rating" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--benchmark", "nope"], "There is no benchmark 'nope'"),
            (["--category", "nope"], "No category 'nope'"),
            (["--source", "nope"], "There is no judge 'nope'"),
        ],
    )
    def test_unknown_names_are_answered_with_the_known_ones(self, voted, options, message):
        with pytest.raises(CommandError, match=message):
            call_command("board", "--benchmark", voted.slug, *options)


def test_a_rating_on_few_votes_is_provisional_and_says_so(client):
    benchmark = make_benchmark(2, slug="few")
    make_answers(benchmark, "red", "green", "blue")
    for match in make_matches(benchmark):
        make_vote(match, "model_a")
        make_vote(match, "model_b")
    refresh_boards(now=NOW)
    standings = Standing.objects.filter(board__benchmark=benchmark, board__judge=None, board__method="bt")
    # Two votes on each of a model's four matches: 8 of the 30 that are wanted.
    assert {(row.status, row.matches) for row in standings.filter(board__category="")} == {("provisional", 8)}
    page = client.get("/leaderboard/?benchmark=few").content.decode()
    assert page.count(">provisional</button>") == 3
    assert "3 ratings are provisional" in page
    rows = json.loads(client.get("/leaderboard/?benchmark=few&format=json").content)
    assert {row["status"] for row in rows} == {"provisional"}
    assert all("8" in row["reason"] for row in rows)
