"""Pairing in parts: a newcomer's first matches, and the further ones once those are decided."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.db.models.signals import post_init

from arena.models import Answer, Competitor, Match, Submission, Vote
from arena.outcomes import Order, Winner
from judging.models import Judgment
from leaderboard.planner import pair_submission, short_of, top_up
from leaderboard.services.boards import refresh_boards
from leaderboard.services.counting import count_changes
from leaderboard.tasks import top_up_submissions
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_voter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)
BUDGET = 80  # a quarter are 20 matches


def winners(matches, strength):
    """A winner each: the stronger, but the weaker on every fourth prompt; a tie of equals."""
    for match in matches:
        a, b = (strength[key] for key in (match.competitor_a_id, match.competitor_b_id))
        upset = int(match.prompt.key[1:]) % 4 == 0
        yield Winner.TIE if a == b else Winner.MODEL_A if (a > b) != upset else Winner.MODEL_B


def vote(matches, strength):
    voter = make_voter()
    Vote.objects.bulk_create(
        Vote(voter=voter, match=match, winner=winner, order=Order.AB, created_at=NOW)
        for match, winner in zip(matches, winners(matches, strength), strict=True)
    )
    count_changes()


def rule(judge, matches, strength):
    Judgment.objects.bulk_create(
        Judgment(judge=judge, match=match, winner=winner, order=Order.AB, created_at=NOW)
        for match, winner in zip(matches, winners(matches, strength), strict=True)
    )
    count_changes()


@pytest.fixture
def rivals():
    """Six models from the strongest on, who met on each of 24 prompts, and nobody's opinion of that."""
    benchmark = make_benchmark(prompts=24)
    found = make_answers(benchmark, *"abcdef")
    make_matches(benchmark)
    return found


@pytest.fixture
def strength(rivals):
    return {rival.pk: len(rivals) - place for place, rival in enumerate(rivals)}


@pytest.fixture
def benchmark(rivals):
    return rivals[0].answers.first().prompt.benchmark


@pytest.fixture
def voted(benchmark, strength):
    vote(benchmark_matches(benchmark), strength)
    refresh_boards(now=NOW)
    return benchmark


@pytest.fixture
def ruled(benchmark, strength):
    """A judge who rated the six; nobody voted."""
    judge = make_judge(engine="openai", both_orders=False)
    rule(judge, benchmark_matches(benchmark), strength)
    refresh_boards(now=NOW)
    return judge


def benchmark_matches(benchmark):
    return list(Match.objects.of_benchmark(benchmark).select_related("prompt").order_by("pk"))


def enter(benchmark, alice, **fields):
    [newcomer] = make_answers(benchmark, "new", owner=alice)
    return Submission.objects.create(
        competitor=newcomer, benchmark=benchmark, submitter=alice, received_at=NOW, **fields
    )


def matches_with(submission):
    me = submission.competitor_id
    every = benchmark_matches(submission.benchmark)
    return [match for match in every if me in (match.competitor_a_id, match.competitor_b_id)]


def opponents(submission, matches=None):
    found = Counter()
    for match in matches_with(submission) if matches is None else matches:
        found += Counter({match.competitor_a_id: 1, match.competitor_b_id: 1})
    del found[submission.competitor_id]
    return found


def further(submission, budget=BUDGET):
    """What one look at everything that is short gives this submission."""
    for short in short_of(budget):
        if short.submission == submission:
            return top_up(short, budget=budget)
    return 0


@pytest.fixture
def entry(voted, alice):
    """A newcomer with its first matches."""
    submission = enter(voted, alice)
    pair_submission(submission, budget=BUDGET, now=NOW)
    return submission


class TestFirstPart:
    def test_a_quarter_by_turns_where_models_are_rated(self, entry):
        # 20 matches on 24 prompts with 6 rivals: 3 with each, a fourth with two.
        assert sorted(opponents(entry).values()) == [3, 3, 3, 3, 4, 4]
        assert len({match.prompt_id for match in matches_with(entry)}) == 20
        assert entry.state == Submission.State.PAIRED

    def test_of_a_small_budget_twenty(self, voted, alice):
        assert pair_submission(enter(voted, alice), budget=30, now=NOW) == 20

    def test_all_of_it_where_nobody_rates_models(self, benchmark, alice):
        assert pair_submission(enter(benchmark, alice), budget=BUDGET, now=NOW) == BUDGET

    def test_all_of_it_where_only_a_baseline_does(self, benchmark, strength, alice):
        rule(make_judge(both_orders=False), benchmark_matches(benchmark), strength)
        refresh_boards(now=NOW)
        assert pair_submission(enter(benchmark, alice), budget=BUDGET, now=NOW) == BUDGET

    def test_a_judge_is_worth_waiting_for_too(self, ruled, benchmark, alice):
        assert pair_submission(enter(benchmark, alice), budget=BUDGET, now=NOW) == 20


class TestFurther:
    def test_it_waits_until_half_are_decided(self, entry, strength):
        strength[entry.competitor_id] = 3.5
        first = matches_with(entry)
        vote(first[:9], strength)
        assert further(entry) == 0
        vote(first[9:10], strength)
        assert further(entry) == 20
        # Twice as many now, of which ten are decided.
        assert further(entry) == 0

    def test_up_to_the_budget(self, entry, strength):
        strength[entry.competitor_id] = 3.5
        for more in (20, 40, 0):
            undecided = [match for match in matches_with(entry) if not match.votes.exists()]
            vote(undecided, strength)
            assert further(entry) == more
        assert len(matches_with(entry)) == BUDGET
        # Prompts still take turns: 80 matches on 24 of them are 3 or 4 on each.
        assert set(Counter(match.prompt_id for match in matches_with(entry)).values()) == {3, 4}

    def test_against_those_near_it(self, entry, strength, rivals):
        strength[entry.competitor_id] = 1.5  # between the last two
        first = matches_with(entry)
        vote(first, strength)
        assert further(entry) == 20
        met = opponents(entry, [match for match in matches_with(entry) if match not in first])
        near, far = (sum(met[rival.pk] for rival in some) for some in (rivals[3:], rivals[:3]))
        assert near > far  # by even turns they would be as many

    def test_the_same_rows_lead_to_the_same_pairs(self, entry, strength):
        strength[entry.competitor_id] = 1.5
        vote(matches_with(entry), strength)
        seen = []
        for _ in range(2):
            with transaction.atomic():
                further(entry)
                seen.append([(match.answer_a_id, match.answer_b_id) for match in matches_with(entry)])
                transaction.set_rollback(True)
        assert seen[0] == seen[1]
        assert len(seen[0]) == 40

    def test_a_model_that_nothing_rates_goes_on_by_turns(self, entry, strength):
        first = matches_with(entry)
        strength[entry.competitor_id] = 10
        upsets = {"q4", "q8", "q12", "q16", "q20", "q24"}  # which it would lose
        vote([match for match in first if match.prompt.key not in upsets], strength)
        assert further(entry) == 20
        # 40 matches with 6 rivals: 6 with each, a seventh with four.
        assert sorted(opponents(entry).values()) == [6, 6, 7, 7, 7, 7]

    def test_a_judge_stands_in_where_people_have_not_said_enough(self, entry, strength, rivals):
        strength[entry.competitor_id] = 1.5
        judge = make_judge(engine="openai", both_orders=False)
        rule(judge, benchmark_matches(entry.benchmark), strength)
        assert further(entry) == 20
        assert sum(opponents(entry).values()) == 40

    def test_people_and_judge_are_not_added_up(self, entry, strength):
        judge = make_judge(engine="openai", both_orders=False)
        strength[entry.competitor_id] = 1.5
        first = matches_with(entry)
        vote(first[:6], strength)
        rule(judge, first[:6], strength)
        # Six of twenty by each; twelve together would be more than half.
        assert further(entry) == 0

    def test_one_with_few_rivals_gets_what_was_missing_when_others_come(self, alice):
        benchmark = make_benchmark(prompts=4)
        early = enter(benchmark, alice)
        assert pair_submission(early, budget=10, now=NOW) == 0
        assert further(early, budget=10) == 0
        make_answers(benchmark, "b", "c")
        # Two rivals on four prompts: eight matches.
        assert further(early, budget=10) == 8
        make_answers(benchmark, "d")
        assert further(early, budget=10) == 0
        vote(matches_with(early), {early.competitor_id: 1} | dict.fromkeys(opponents(early), 0))
        assert further(early, budget=10) == 2

    @pytest.mark.parametrize("gone", ["model", "benchmark"])
    def test_nothing_for_what_is_out_of_play(self, entry, strength, gone):
        strength[entry.competitor_id] = 3.5
        vote(matches_with(entry), strength)
        if gone == "model":
            entry.competitor.withdraw(now=NOW)
        else:
            type(entry.benchmark).objects.update(is_open=False)
        assert further(entry) == 0

    def test_the_withdrawn_are_not_met(self, entry, strength, rivals):
        strength[entry.competitor_id] = 1.5
        vote(matches_with(entry), strength)
        Competitor.objects.filter(pk=rivals[5].pk).update(withdrawn_at=NOW)
        before = opponents(entry)[rivals[5].pk]
        assert further(entry) == 20
        assert opponents(entry)[rivals[5].pk] == before

    def test_the_task_may_run_twice(self, entry, strength, settings):
        settings.MATCH_BUDGET = BUDGET
        strength[entry.competitor_id] = 3.5
        vote(matches_with(entry)[:10], strength)
        top_up_submissions()
        top_up_submissions()
        assert len(matches_with(entry)) == 40


def test_only_the_answers_that_may_be_paired_are_read(benchmark, alice):
    submission, read = enter(benchmark, alice), []
    post_init.connect(
        lambda instance, **_: read.append(instance), sender=Answer, weak=False, dispatch_uid="t"
    )
    try:
        assert pair_submission(submission, budget=2, now=NOW) == 2
    finally:
        post_init.disconnect(sender=Answer, dispatch_uid="t")
    # Its own 24, and 24 of each of two opponents, of 168 in all; the matches name them again.
    assert len({answer.pk for answer in read}) == 72
