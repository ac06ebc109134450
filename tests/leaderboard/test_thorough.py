"""Intervals by voter and prompt, style, people with a judge, checks of voters; and points in between."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from arena.models import Answer, Vote, Voter
from arena.outcomes import Order, Winner
from judging.models import Judgment
from leaderboard.models import AnswerStyle, Board, CountedScope, Standing
from leaderboard.ratings import NotConverged, fit_bradley_terry
from leaderboard.services import thorough
from leaderboard.services.boards import refresh_boards
from leaderboard.services.standings import LATER
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote, make_voter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER_ON = NOW + timedelta(minutes=1)


@pytest.fixture
def arena():
    """Three models on 8 prompts; 8 voters, who draw lots and find the later model better 42 times of 100."""
    rng = random.Random(3)
    benchmark = make_benchmark(8)
    make_answers(benchmark, "a long answer", "**bold** but short", "x")
    matches = make_matches(benchmark)
    for _ in range(8):
        voter = make_voter()
        for match in matches:
            make_vote(match, Winner.MODEL_B if rng.random() < 0.42 else Winner.MODEL_A, voter=voter)
    return benchmark


def rule_all(judge, benchmark):
    rng = random.Random(4)
    for match in make_matches(benchmark):
        winner = Winner.MODEL_B if rng.random() < 0.3 else Winner.MODEL_A
        for order in (Order.AB, Order.BA):
            Judgment.objects.create(
                judge=judge,
                match=match,
                order=order,
                verdict="first",
                winner=winner,
                created_at=NOW,
            )


def board_of(benchmark, method="bt", judge=None) -> Board:
    return Board.objects.get(benchmark=benchmark, judge=judge, category="", method=method)


def dear(seconds: float) -> None:
    """As if the thorough fits had taken so long."""
    CountedScope.objects.update(thorough_seconds=seconds)


class TestThoroughBoards:
    def test_people_are_gathered_by_voter(self, arena):
        refresh_boards(now=NOW)
        board = board_of(arena)
        assert (board.cluster, board.clusters, board.voters, board.matches) == ("voter", 8, 8, 192)
        assert board.intervals_at == NOW
        facts = thorough.read_facts(arena, None)
        expected = {row.player: row for row in fit_bradley_terry(facts.games, cluster=("voter",)).rows()}
        for row in board.standings.all():
            assert row.rating_lower == pytest.approx(expected[row.competitor_id].rating_lower)
            assert row.rank_lower == expected[row.competitor_id].rank_lower

    def test_few_people_are_gathered_by_prompt(self, arena):
        Voter.objects.filter(pk__in=Voter.objects.order_by("pk")[:3].values("pk")).delete()
        refresh_boards(now=NOW)
        board = board_of(arena)
        assert (board.cluster, board.clusters, board.voters) == ("prompt", 8, 5)
        assert all(row.rating_lower for row in board.standings.all())

    def test_judges_are_gathered_by_prompt(self, arena):
        judge = make_judge()
        rule_all(judge, arena)
        refresh_boards(now=NOW)
        board = board_of(arena, judge=judge)
        assert (board.cluster, board.clusters, board.matches) == ("prompt", 8, 24)

    def test_ranks_that_hold_together_and_ties(self, arena):
        refresh_boards(now=NOW)
        for row in board_of(arena).standings.all():
            assert row.joint_lower <= row.rank_lower <= row.rank <= row.rank_upper <= row.joint_upper
            others = row.rank_upper - row.rank_lower
            assert (row.tied_count, len(row.tied)) == (others, others)

    def test_style_is_measured_once_and_controlled(self, arena):
        refresh_boards(now=NOW)
        answer = Answer.objects.get(prompt=arena.prompts.first(), turns=["**bold** but short"])
        style = AnswerStyle.objects.get(answer=answer)
        assert (style.length, style.bold, style.headers) == (18, 1, 0)
        assert AnswerStyle.objects.count() == 24
        # Every model writes in one style here, so style and strength cannot be told apart.
        assert not Board.objects.filter(method="style").exists()
        for place, row in enumerate(AnswerStyle.objects.order_by("answer")):
            row.length, row.bold = 10 + (7 * place) % 50, 0
            row.save()
        refresh_boards(now=NOW, everything=True)
        board = board_of(arena, "style")
        [length] = board.details["coefficients"]
        assert length["name"] == "length"
        assert length["lower"] < length["value"] < length["upper"]
        assert board.cluster == "voter"

    def test_people_with_a_judge(self, arena):
        judge = make_judge()
        rule_all(judge, arena)
        # People voted on half of the prompts, the judge ruled on all.
        Vote.objects.filter(match__prompt__in=arena.prompts.order_by("pk")[:4].values("pk")).delete()
        refresh_boards(now=NOW)
        board = board_of(arena, "ppi", judge)
        assert board.details.keys() >= {"weight", "gain", "labelled", "both", "judge_only", "left_out"}
        assert (board.details["labelled"], board.matches) == (12, 96)
        assert board.standings.exclude(rating=None).count() == 3

    def test_who_votes_against_all_answers_is_named_and_what_that_changes(self, arena):
        odd = make_voter()
        for match in make_matches(arena):
            make_vote(match, Winner.MODEL_B, voter=odd)
        refresh_boards(now=NOW)
        found = board_of(arena).details["voters"]
        assert (found["flagged"], found["votes"], found["voters"]) == (1, 24, [odd.pk])
        assert found["tested"] == 9

    def test_how_few_votes_hold_first_place(self, arena):
        refresh_boards(now=NOW)
        found = board_of(arena).details["robustness"]
        standings = {row.competitor_id: row.rank for row in board_of(arena).standings.all()}
        assert standings[found["leader"]] == 1
        assert found["challenger"] in standings
        assert 0 < found["votes"] < found["total"] == 192

    def test_a_fit_without_a_maximum_leaves_the_last_good_board(self, arena, monkeypatch):
        refresh_boards(now=NOW)
        fit_one = thorough.fit_one

        def fail_once(facts, category, method):
            if (category, method) == ("", "bt"):
                raise NotConverged("planted")
            return fit_one(facts, category, method)

        monkeypatch.setattr(thorough, "fit_one", fail_once)
        make_vote(make_matches(arena)[0])
        refresh_boards(now=LATER_ON, everything=True)
        assert (board_of(arena).fitted_at, board_of(arena).matches) == (NOW, 192)
        assert board_of(arena, "elo").fitted_at == LATER_ON


class TestPointsInBetween:
    def test_points_move_and_intervals_keep_their_width_and_date(self, arena):
        refresh_boards(now=NOW)
        dear(60)
        before = {row.competitor_id: row for row in board_of(arena).standings.all()}
        weakest = max(before.values(), key=lambda row: row.rank).competitor_id
        for match in [match for match in make_matches(arena) if match.competitor_b_id == weakest]:
            make_vote(match, Winner.MODEL_B)
        assert refresh_boards(now=LATER_ON).boards == 3  # all, odd and even prompts; one method
        board = board_of(arena)
        assert (board.fitted_at, board.intervals_at, board.matches) == (LATER_ON, NOW, 208)
        row = board.standings.get(competitor=weakest)
        assert row.rating > before[weakest].rating + 1
        assert row.rating_upper - row.rating_lower == pytest.approx(
            before[weakest].rating_upper - before[weakest].rating_lower
        )
        assert row.rank_lower <= row.rank <= row.rank_upper

    def test_categories_take_turns(self, arena):
        arena.prompts.update(tags=["a", "b", "c", "d"])
        refresh_boards(now=NOW)
        dear(60)
        make_vote(make_matches(arena)[0])
        # All prompts and two categories, then the two that waited.
        assert [refresh_boards(now=LATER_ON).boards for _ in range(3)] == [3, 2, 0]
        fitted = Board.objects.filter(method="bt").values_list("fitted_at", "matches")
        assert set(fitted) == {(LATER_ON, 193)}

    def test_points_are_those_of_all_votes(self, arena):
        refresh_boards(now=NOW)
        dear(60)
        make_vote(make_matches(arena)[0], Winner.TIE)
        refresh_boards(now=LATER_ON)
        quick = dict(board_of(arena).standings.values_list("competitor", "rating"))
        refresh_boards(now=LATER_ON, everything=True)
        assert quick == pytest.approx(dict(board_of(arena).standings.values_list("competitor", "rating")))

    def test_dear_fits_wait_for_twenty_times_their_cost(self, arena):
        refresh_boards(now=NOW)
        dear(60)
        make_vote(make_matches(arena)[0])
        refresh_boards(now=NOW + timedelta(seconds=1199))
        assert board_of(arena).intervals_at == NOW
        refresh_boards(now=NOW + timedelta(seconds=1200))
        assert board_of(arena).intervals_at == NOW + timedelta(seconds=1200)

    def test_cheap_ones_never_wait(self, arena):
        refresh_boards(now=NOW)
        dear(29)
        make_vote(make_matches(arena)[0])
        refresh_boards(now=NOW + timedelta(seconds=2))
        assert board_of(arena).intervals_at == NOW + timedelta(seconds=2)

    def test_a_new_models_interval_follows(self, arena):
        refresh_boards(now=NOW)
        dear(60)
        [newcomer] = make_answers(arena, "new")
        for match in make_matches(arena):
            if newcomer.pk in (match.competitor_a_id, match.competitor_b_id):
                make_vote(match, Winner.MODEL_A)
                make_vote(match, Winner.MODEL_B)
        refresh_boards(now=LATER_ON)
        row = Standing.objects.get(board=board_of(arena), competitor=newcomer)
        assert row.rating is not None
        assert (row.rating_lower, row.rank_lower, row.note) == (None, None, LATER)
