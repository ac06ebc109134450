"""/submissions/<id>/: the steps from received to rated, and who may see them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from arena.models import Answer, Job, Match, Submission
from leaderboard.models import Board
from leaderboard.planner import pair_submission
from leaderboard.views.submission import context_of
from tests.factories import make_answers, make_benchmark, make_competitor, make_judge
from tests.leaderboard.rows import make_board

pytestmark = pytest.mark.django_db


@pytest.fixture
def benchmark():
    """Two prompts that two other models have answered."""
    benchmark = make_benchmark(2, slug="bench")
    make_answers(benchmark, "red", "green")
    return benchmark


@pytest.fixture
def submission(benchmark, alice):
    competitor = make_competitor("Newcomer", owner=alice)
    made = Submission.objects.create(
        competitor=competitor,
        benchmark=benchmark,
        submitter=alice,
        filename="new.jsonl",
        received_at=timezone.now(),
    )
    for prompt in benchmark.prompts.all():
        Answer.objects.create(competitor=competitor, prompt=prompt, turns=["blue"], submission=made)
    return made


def pair(submission: Submission) -> list[int]:
    pair_submission(submission, budget=100, now=timezone.now())
    return list(Match.objects.values_list("pk", flat=True))


def make_jobs(judge, matches: list[int], *states: str, **fields) -> None:
    for match, state in zip(matches, states, strict=False):
        ended = timezone.now() if state in ("done", "failed") else None
        Job.objects.create(
            kind="judge", owner=judge.pk, subject=match, state=state, finished_at=ended, **fields
        )


def states(submission: Submission) -> list[str]:
    return [step.state for step in context_of(submission, now=timezone.now())["steps"]]


def text(response) -> str:
    return response.content.decode()


def test_only_the_submitter_and_staff_see_it(client, submission, alice, bob, olga):
    address = submission.get_absolute_url()
    for person, status in ((None, 404), (bob, 404), (alice, 200), (olga, 200)):
        if person:
            client.force_login(person)
        assert client.get(address).status_code == status
    assert client.get("/submissions/999999/").status_code == 404


def test_waits_to_be_paired_and_asks_for_itself(client, submission, alice):
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert states(submission) == ["done", "done", "now", "", ""]
    assert "2 answers" in page
    assert f'hx-get="{submission.get_absolute_url()}?part=steps" hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    part = text(client.get(submission.get_absolute_url() + "?part=steps"))
    assert part.startswith('<div id="progress"')
    assert "<html" not in part


def test_judging_shows_how_far_and_how_long(client, submission, alice):
    # 2 prompts with 2 opponents are 4 matches; 2 active judges make 8 jobs, of which 3 ended
    judges = make_judge("one"), make_judge("two")
    make_judge("paused", is_active=False)
    matches = pair(submission)
    make_jobs(judges[0], matches, "done", "done", "failed", "running")
    make_jobs(judges[1], matches, "pending")
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert states(submission) == ["done", "done", "done", "now", ""]
    assert "4 matches" in page
    assert '<progress value="3" max="8"' in page
    assert "3 of 8, " in page
    Submission.objects.update(paired_at=timezone.now() - timedelta(seconds=60))
    Match.objects.update(created_at=timezone.now() - timedelta(seconds=60))
    # 3 jobs in the last 60 s; 5 are left: 100 s, about 2 min
    assert "3 of 8, 3 a minute, done in about 2 min" in text(client.get(submission.get_absolute_url()))


def test_later_entries_do_not_set_it_back(submission, benchmark):
    judge = make_judge("one")
    matches = pair(submission)
    make_jobs(judge, matches, *["done"] * 4)
    make_board(benchmark, {submission.competitor: 1000})
    assert states(submission)[-1] == "done"
    [late] = make_answers(benchmark, "grey")
    for answer in late.answers.all():
        mine = submission.answers.get(prompt=answer.prompt)
        Match.objects.create(
            prompt=answer.prompt,
            answer_a=mine,
            answer_b=answer,
            competitor_a=submission.competitor,
            competitor_b=late,
        )
    Match.objects.filter(competitor_b=late).update(created_at=timezone.now() + timedelta(hours=1))
    assert states(submission)[-1] == "done"


def test_rated_links_the_board_and_stops_asking(client, submission, benchmark, alice):
    judge = make_judge("one")
    make_jobs(judge, pair(submission), *["done"] * 4)
    assert states(submission) == ["done", "done", "done", "done", "now"]
    old = make_board(benchmark, {submission.competitor: 1000})
    old.fitted_at = submission.paired_at - timedelta(seconds=1)
    old.save()
    assert states(submission)[-1] == "now"  # fitted before it was paired
    make_board(benchmark, {submission.competitor: 1000, make_competitor(): 900}, judge=judge)
    assert states(submission)[-1] == "done"
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert "/leaderboard/?benchmark=bench&amp;source=one" in page
    assert "/?benchmark=bench" in page
    assert "one: rank 1–2" in page
    assert "hx-get" not in page
    # Its time is that of its last ruling, not of the board that is fitted again and again.
    last = Job.objects.order_by("-finished_at").first().finished_at
    assert [step.at for step in context_of(submission, now=timezone.now())["steps"][-2:]] == [last, last]


def test_a_new_model_s_rank_comes_with_its_interval(submission, benchmark):
    judge = make_judge("one")
    make_jobs(judge, pair(submission), *["done"] * 4)
    make_board(benchmark, {submission.competitor: 1612.6}, judge=judge, method="elo")  # without intervals
    Board.objects.update(method="bt")
    step = context_of(submission, now=timezone.now())["steps"][-1]
    assert step.words == "one: rated 1,613, its rank follows within minutes"


def test_a_withdrawn_model_is_not_followed_on_a_board(client, submission, benchmark, alice):
    judge = make_judge("one")
    make_jobs(judge, pair(submission), *["done"] * 4)
    make_board(benchmark, {submission.competitor: 1000}, judge=judge)
    submission.competitor.withdraw(now=timezone.now())
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert '<span class="pill wait">Withdrawn</span>' in page
    assert "See it on the board" not in page
    assert "See the model" in page


def test_without_judges_it_waits_for_people(client, submission, alice):
    pair(submission)
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert "No judge is active; people’s votes alone will rate it" in page
    assert "Waiting for people’s votes" in page
    assert '<span class="pill ">Judging</span>' in page
    assert 'hx-trigger="every 10s"' in page


def test_failed_judging_says_so_and_does_not_hang(submission, benchmark):
    judge = make_judge("one")
    make_jobs(judge, pair(submission), "done", "done", "done", "failed", error="401: no such key")
    words = context_of(submission, now=timezone.now())["steps"][3].words
    assert words == "4 matches, each by 1 judge; 1 of 4 failed: 401: no such key"


def test_alone_on_its_benchmark(client, alice):
    benchmark = make_benchmark(1)
    competitor = make_competitor("Alone")
    Answer.objects.create(competitor=competitor, prompt=benchmark.prompts.get(), turns=["blue"])
    submission = Submission.objects.create(
        competitor=competitor, benchmark=benchmark, submitter=alice, received_at=timezone.now()
    )
    make_judge("one")
    pair(submission)
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert "No other model has answered these prompts yet" in page
    assert "It goes on once another model has answered the same prompts" in page
    assert "hx-get" not in page


def test_a_failure_has_its_cause_and_the_next_step(client, submission, alice):
    Submission.objects.update(
        state="failed", cause="prompts_gone", message="The prompts are gone. Send it again."
    )
    client.force_login(alice)
    page = text(client.get(submission.get_absolute_url()))
    assert "The prompts are gone. Send it again." in page
    assert "prompts_gone" in page
    assert "Submit again" in page
    assert "hx-get" not in page


def test_costs_few_queries(client, submission, benchmark, alice, django_assert_max_num_queries):
    judge = make_judge("one")
    make_jobs(judge, pair(submission), *["done"] * 4)
    make_board(benchmark, {submission.competitor: 1000}, judge=judge)
    client.force_login(alice)
    with django_assert_max_num_queries(9):  # two of them are the session and the user
        client.get(submission.get_absolute_url() + "?part=steps")
