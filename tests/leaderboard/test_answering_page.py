"""/submissions/<id>/ while a model answers here: bar, rate, waiting, loading, failure."""

from datetime import timedelta

import pytest
from django.utils import timezone

from arena.models import HostModel, HostWorker, Job, Submission
from arena.services.checking import check_received
from arena.services.submissions import Entry, accept_host_model
from leaderboard.views.submission import context_of
from tests.factories import make_benchmark, make_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice):
    return make_endpoint(make_benchmark(4), "https://api.example.org/v1", alice, key="sk-0123456789abcd")


@pytest.fixture
def host(olga):
    entry = Entry(user=olga, benchmark=make_benchmark(4), name="Hornbeam")
    submission = accept_host_model(
        entry, source="/models/hornbeam", revision="", dtype="auto", max_model_len=None, now=timezone.now()
    )
    check_received()
    submission.refresh_from_db()
    return submission


def answering(submission: Submission):
    """The step that shows the model at work."""
    steps = context_of(submission, now=timezone.now())["steps"]
    assert [step.title for step in steps[-3:]] == ["Pairing", "Judging", "Rated"]
    return steps[-4]


def end_jobs(submission: Submission, number: int, state: str = "done", **fields) -> None:
    for job in Job.objects.filter(owner=submission.pk, state="pending")[:number]:
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=timezone.now(), **fields)


def worker(state: str, model: HostModel | None = None, **fields) -> HostWorker:
    now = timezone.now()
    return HostWorker.objects.create(
        name="gpu@one", state=state, host_model=model, since=now, seen_at=now, **fields
    )


class TestEndpoint:
    def test_before_the_first_answer(self, endpoint):
        step = answering(endpoint)
        assert (step.state, step.words) == ("now", "0 of 4, waiting for a worker")

    def test_while_the_first_answer_is_awaited(self, endpoint):
        Job.objects.filter(owner=endpoint.pk).update(state="running")
        assert answering(endpoint).words == "0 of 4, waiting for its first answer"

    def test_a_rate_and_an_estimate(self, endpoint):
        Submission.objects.update(received_at=timezone.now() - timedelta(seconds=30))
        endpoint.refresh_from_db()
        end_jobs(endpoint, 3)
        # 3 in 30 s are 6 a minute; the fourth takes 10 s more.
        assert answering(endpoint).words == "3 of 4, 6 a minute, done in about 10 s"

    def test_why_it_waits_and_until_when(self, endpoint):
        endpoint.postpone("rate_limited", "Too many requests.", until=timezone.now() + timedelta(seconds=110))
        step = answering(endpoint)
        assert step.trouble.startswith("Too many requests. It is asked again in about 2 min")
        assert step.words == "0 of 4"  # no worker is waited for

    def test_a_failure_says_what_is_kept_and_offers_another_try(self, client, alice, endpoint):
        end_jobs(endpoint, 1)
        endpoint.fail("unauthorized", "The key is wrong.")
        client.force_login(alice)
        page = client.get(endpoint.get_absolute_url()).content.decode()
        assert "1 of 4 prompts answered; those answers are kept" in page
        assert "The key is wrong. <code>unauthorized</code>" in page
        assert f'action="/submissions/{endpoint.pk}/retry/"' in page
        assert "every 2s" not in page  # nothing moves by itself any more

    def test_all_answered(self, endpoint):
        end_jobs(endpoint, 4)
        Submission.objects.update(state="answered", answered_at=timezone.now())
        endpoint.refresh_from_db()
        step = answering(endpoint)
        assert (step.title, step.state, step.words) == ("Answered", "done", "4 answers")


class TestHost:
    def test_no_host_is_running(self, host):
        assert "No GPU host is running" in answering(host).words

    def test_a_host_that_was_not_seen_for_a_minute_is_gone(self, host):
        worker("idle")
        HostWorker.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
        assert "No GPU host is running" in answering(host).words

    def test_loading_with_the_last_lines_of_the_log(self, client, olga, host):
        worker("loading", host.host_model, log="Loading weights\n50 %")
        step = answering(host)
        assert "gpu@one has been loading the model for about 1 s" in step.words
        client.force_login(olga)
        page = client.get(host.get_absolute_url()).content.decode()
        assert "Loading weights\n50 %</pre>" in page

    def test_busy_with_another_model(self, host):
        worker("ready", HostModel.objects.create(source="other/model"))
        assert answering(host).words == "gpu@one is busy with other/model; this model is loaded next"

    def test_ready(self, host):
        worker("ready", host.host_model)
        assert "has loaded the model" in answering(host).words
        end_jobs(host, 2)
        assert answering(host).words.startswith("2 of 4, ")
