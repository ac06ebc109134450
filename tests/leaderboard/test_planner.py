"""Pairing a new submission within its budget."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from arena.models import Answer, Competitor, Match, Submission
from leaderboard.planner import pair_submission
from leaderboard.tasks import pair_submissions
from tests.factories import make_answers, make_benchmark

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def submission(alice):
    """A newcomer on 4 prompts with 3 opponents: 12 matches are possible."""
    benchmark = make_benchmark(prompts=4)
    make_answers(benchmark, "a", "b", "c")
    [newcomer] = make_answers(benchmark, "new", owner=alice)
    return Submission.objects.create(
        competitor=newcomer, benchmark=benchmark, submitter=alice, received_at=NOW
    )


def opponents(submission):
    return Counter(
        match.competitor_a_id if match.competitor_b_id == submission.competitor_id else match.competitor_b_id
        for match in Match.objects.all()
    )


def test_all_pairs_when_the_budget_allows(submission):
    assert pair_submission(submission, budget=100, now=NOW) == 12
    assert set(opponents(submission).values()) == {4}
    assert (submission.state, submission.paired_at) == (Submission.State.PAIRED, NOW)


def test_a_small_budget_spreads_over_prompts_and_opponents(submission):
    pair_submission(submission, budget=4, now=NOW)
    # Four matches on four prompts: one each.
    assert Match.objects.values("prompt").distinct().count() == 4
    # Three opponents take turns over them: two of them once, one twice.
    assert sorted(opponents(submission).values()) == [1, 1, 2]


def test_pairing_again_adds_nothing(submission):
    pair_submission(submission, budget=5, now=NOW)
    assert pair_submission(submission, budget=5, now=NOW) == 0
    assert Match.objects.count() == 5


def test_existing_matches_count_against_the_budget(submission):
    pair_submission(submission, budget=5, now=NOW)
    assert pair_submission(submission, budget=7, now=NOW) == 2


def test_answers_without_a_text_are_left_out(submission):
    first = Competitor.objects.exclude(pk=submission.competitor_id).first()
    Answer.objects.filter(competitor=first).update(turns=None)
    assert pair_submission(submission, budget=100, now=NOW) == 8


@pytest.mark.parametrize("state", [*Submission.MOVING, *Submission.ENDED])
def test_an_entry_that_is_not_complete_meets_nobody(submission, bob, state):
    # Its sender may still cancel its dry run, or send it anew, which deletes its answers.
    [rival] = make_answers(submission.benchmark, "half", owner=bob)
    entry = Submission.objects.create(
        competitor=rival, benchmark=submission.benchmark, submitter=bob, received_at=NOW, state=state
    )
    rival.answers.update(submission=entry)
    assert pair_submission(submission, budget=100, now=NOW) == 12
    assert rival.pk not in opponents(submission)


def test_the_first_model_of_a_benchmark_waits_for_others(alice):
    benchmark = make_benchmark()
    [lonely] = make_answers(benchmark, "alone")
    entry = Submission.objects.create(
        competitor=lonely, benchmark=benchmark, submitter=alice, received_at=NOW
    )
    assert pair_submission(entry, budget=100, now=NOW) == 0
    assert entry.state == Submission.State.PAIRED


def test_the_task_pairs_what_was_received(submission):
    pair_submissions()
    submission.refresh_from_db()
    assert submission.state == Submission.State.PAIRED
    assert Match.objects.count() == 12
