"""A withdrawn model: its history stays, and it takes no part in anything new until it is restored."""

from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from arena.models import Job, Match, Submission, Vote
from arena.outcomes import Winner
from arena.services import voting
from arena.services.voting import Choice, cast_vote
from judging.models import KIND, Judgment
from judging.services.judging import judge_pending, plan_judging
from leaderboard.models import Board, Standing, judging_progress
from leaderboard.services.boards import fit_scope, refresh_boards
from leaderboard.tasks import pair_submissions
from tests.arena.test_voting import get_ballot
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote, make_voter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


@pytest.fixture
def models():
    """Three models on one prompt, in the order of their answers: 3 matches, each won once by each side."""
    benchmark = make_benchmark(1, slug="bench")
    models = make_answers(benchmark, "red", "green", "blue")
    for match in make_matches(benchmark):
        make_vote(match, Winner.MODEL_A)
        make_vote(match, Winner.MODEL_B)
    return models


@pytest.fixture
def gone(models):
    """The first model, withdrawn."""
    models[0].withdraw(now=NOW)
    models[0].refresh_from_db()
    return models[0]


def ranked() -> set[int]:
    return set(
        Standing.objects.filter(board__method="bt", board__category="").values_list("competitor", flat=True)
    )


def test_withdrawing_and_restoring_say_whether_they_changed_something(models):
    [model, *_] = models
    assert [model.withdraw(now=NOW), model.withdraw(now=NOW), model.restore(), model.restore()] == [
        *(True, False),
        *(True, False),
    ]


class TestBoards:
    def test_they_leave_it_out_until_it_is_restored(self, models):
        first, *others = models
        refresh_boards(now=NOW)
        assert ranked() == {model.pk for model in models}
        first.withdraw(now=NOW)
        assert refresh_boards(now=NOW).boards == 4  # overall and "odd", by two methods
        assert ranked() == {model.pk for model in others}
        # Of 6 votes 2 are on the match of the two that stayed, by 2 people.
        board = Board.objects.get(category="", method="bt")
        assert (board.matches, board.voters) == (2, 2)
        assert refresh_boards(now=NOW).boards == 0
        first.restore()
        refresh_boards(now=NOW)
        assert ranked() == {model.pk for model in models}
        assert Board.objects.get(category="", method="bt").matches == 6

    def test_a_judges_board_leaves_it_out_too(self, models, gone):
        judge = make_judge(both_orders=False)
        for match in Match.objects.all():
            Judgment.objects.create(
                judge=judge, match=match, order="AB", verdict="tie", winner=Winner.TIE, created_at=NOW
            )
        refresh_boards(now=NOW)
        assert Board.objects.get(judge=judge, category="", method="bt").matches == 1
        assert len(fit_scope(models[0].answers.get().prompt.benchmark, judge).players) == 2

    def test_withdrawing_another_model_of_the_same_board_is_noticed(self, models, gone):
        refresh_boards(now=NOW)
        models[1].withdraw(now=NOW)
        assert refresh_boards(now=NOW).boards == 2  # by two methods; nothing was voted on "odd" any more
        assert ranked() == {models[2].pk}

    def test_other_benchmarks_are_not_fitted_again(self, models):
        other = make_benchmark(1, tags=[])
        make_answers(other, "x", "y")
        [match] = make_matches(other)
        make_vote(match)
        refresh_boards(now=NOW)
        models[0].withdraw(now=NOW)
        refresh_boards(now=NOW)
        assert Board.objects.filter(benchmark=other).count() == 2
        assert refresh_boards(now=NOW).boards == 0

    @pytest.mark.parametrize("query", ["", "?method=elo", "?view=side-by-side", "?source=longest-judge"])
    def test_the_page_says_how_many(self, client, models, gone, query):
        judge = make_judge("longest-judge")
        if "view" in query:  # a second board
            Judgment.objects.bulk_create(
                Judgment(judge=judge, match=match, order=order, winner="tie", verdict="tie", created_at=NOW)
                for match in Match.objects.all()
                for order in ("AB", "BA")
            )
        refresh_boards(now=NOW)
        page = client.get(f"/leaderboard/{query}").content.decode()
        assert "1 model was withdrawn and left out, with its matches." in page
        assert gone.get_absolute_url() not in page

    def test_nothing_is_said_where_none_was(self, client, models):
        refresh_boards(now=NOW)
        assert "withdrawn" not in client.get("/leaderboard/").content.decode()


class TestVoting:
    def test_its_matches_are_not_offered(self, models, gone):
        voter = make_voter()
        ballot = get_ballot(voter)
        assert {ballot.match.competitor_a, ballot.match.competitor_b} == set(models[1:])
        cast_vote(token=ballot.token, voter=voter, choice=Choice.TIE, now=NOW)
        assert get_ballot(voter) is None

    def test_an_open_pair_is_like_one_of_a_closed_benchmark(self, client, models):
        client.get("/")
        ballot = voting.Ballot.objects.get()
        ballot.match.competitor_b.withdraw(now=NOW)
        response = client.post(f"/vote/{ballot.token}/cast/", {"choice": "first"}, follow=True)
        page = response.content.decode()
        assert "That pair was taken out of voting meanwhile. Here is another one." in page
        assert str(ballot.token) not in page
        assert not Vote.objects.filter(ballot__isnull=False).exists()
        assert ballot.match.competitor_b.restore()
        client.post(f"/vote/{ballot.token}/cast/", {"choice": "first"})  # which now counts
        assert Vote.objects.filter(ballot=ballot).exists()


class TestJudging:
    def test_it_gets_no_jobs_and_those_that_wait_are_dropped(self, models):
        judge = make_judge()
        assert plan_judging(judge) == 3
        models[0].withdraw(now=NOW)
        for _ in judge_pending(judge, worker="test"):
            pass
        assert Judgment.objects.count() == 2  # one match, in both orders
        assert Job.objects.filter(kind=KIND).count() == 1
        assert plan_judging(judge) == 0
        assert plan_judging(judge, benchmark=models[0].answers.get().prompt.benchmark) == 1
        models[0].restore()
        assert plan_judging(judge) == 2


class TestPairing:
    def submit(self, alice, **fields) -> Submission:
        benchmark = voting.Benchmark.objects.get()
        [newcomer] = make_answers(benchmark, "new", owner=alice)
        return Submission.objects.create(
            competitor=newcomer, benchmark=benchmark, submitter=alice, received_at=NOW, **fields
        )

    def test_newcomers_do_not_meet_it(self, models, gone, alice):
        entry = self.submit(alice)
        pair_submissions()
        met = Match.objects.filter(competitor_b=entry.competitor).values_list("competitor_a", flat=True)
        assert set(met) == {models[1].pk, models[2].pk}
        entry.refresh_from_db()
        make_judge()
        assert judging_progress(entry, now=NOW).total == 2

    def test_its_own_entry_waits(self, client, models, alice):
        entry = self.submit(alice)
        entry.competitor.withdraw(now=NOW)
        pair_submissions()
        entry.refresh_from_db()
        assert entry.state == Submission.State.ANSWERED
        client.force_login(alice)
        assert (
            "This model was withdrawn on 2 March 2026."
            in client.get(f"/submissions/{entry.pk}/").content.decode()
        )
        entry.competitor.restore()
        pair_submissions()
        entry.refresh_from_db()
        assert entry.state == Submission.State.PAIRED

    def test_a_paired_entry_says_that_its_matches_are_out_of_play(self, client, models, alice):
        entry = self.submit(alice)
        pair_submissions()
        entry.competitor.withdraw(now=NOW)
        client.force_login(alice)
        page = client.get(f"/submissions/{entry.pk}/").content.decode()
        assert "Its matches are kept, but out of play" in page
        assert "once another model answers" not in page

    def test_a_progress_that_it_was_part_of_ends(self, models, alice):
        entry = self.submit(alice)
        pair_submissions()
        judge = make_judge()
        plan_judging(judge)
        models[0].withdraw(now=NOW)
        for _ in judge_pending(judge, worker="test"):
            pass
        entry.refresh_from_db()
        assert judging_progress(entry, now=NOW).is_complete


class TestPages:
    def test_its_own_page_says_when_and_keeps_the_matches(self, client, gone):
        refresh_boards(now=NOW)
        page = client.get(gone.get_absolute_url()).content.decode()
        assert "Withdrawn on 2 March 2026." in page
        assert "1 won, 1 lost" in page
        assert "On no board yet" not in page

    def test_a_match_of_it_can_be_read(self, client, gone):
        match = Match.objects.filter(competitor_a=gone).first()
        page = client.get(match.get_absolute_url()).content.decode()
        assert f"{gone.name} was withdrawn on 2 March 2026." in page
        assert '<p dir="auto">red</p>' in page

    def test_the_list_of_models_leaves_it_out_and_says_so(self, client, models, gone):
        page = client.get("/models/").content.decode()
        assert "2 models on all benchmarks" in page
        assert gone.get_absolute_url() not in page
        assert "1 model was withdrawn." in page
        page = client.get("/models/?withdrawn=1").content.decode()
        assert gone.get_absolute_url() in page
        assert models[1].get_absolute_url() not in page
        assert "2 Mar 2026" in page
        assert gone.get_absolute_url() not in client.get("/models/?withdrawn=1&q=nothing").content.decode()

    def test_benchmarks_count_models_in_play(self, client, gone):
        assert "<span>2 models</span>" in client.get("/benchmarks/").content.decode()
