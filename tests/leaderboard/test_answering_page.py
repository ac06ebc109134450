"""/submissions/<id>/ while a model answers here: bar, rate, waiting, loading, failure."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from arena.jobs import claim, fenced, give_back_of, suspect
from arena.models import Answer, HostModel, HostWorker, Job, Queue, Submission
from arena.models.jobs import ANSWER
from arena.services.checking import check_received
from arena.services.hosting import waiting_submissions
from arena.services.operating import requeue_submission
from arena.services.submissions import Entry, accept_host_model
from leaderboard.views.submission import context_of
from tests.factories import make_benchmark, make_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice):
    return make_endpoint(make_benchmark(4), "https://api.example.org/v1", alice, key="sk-0123456789abcd")


@pytest.fixture
def host(olga):
    return send(olga, "Hornbeam")


def send(user, name: str, *, source: str = "", **options) -> Submission:
    """A model for the GPU hosts that is queued."""
    entry = Entry(user=user, benchmark=make_benchmark(4), name=name)
    source = source or f"/models/{name.lower()}"
    submission = accept_host_model(entry, source=source, now=timezone.now(), **options)
    check_received()
    submission.refresh_from_db()
    return submission


@pytest.fixture(autouse=True)
def nothing_measured():
    cache.clear()


def step_now(submission: Submission):
    """The step at which a submission is."""
    submission.refresh_from_db()
    steps = context_of(submission, now=timezone.now())["steps"]
    names = ["Received", "Checked", "Queued", "Generating", "Pairing", "Judging", "Rated"]
    assert [step.title for step in steps if step.title != "Dry run"] == names
    return next(step for step in steps if step.state in ("now", "failed"))


def said(submission: Submission) -> str:
    step = step_now(submission)
    return "; ".join((step.words, *step.notes))


def answer(submission: Submission, number: int, *, tokens: int | None = 7, seconds_ago: float = 1) -> None:
    """End so many of its jobs with an answer each."""
    at = timezone.now() - timedelta(seconds=seconds_ago)
    for job in Job.objects.filter(owner=submission.pk, state="pending")[:number]:
        Job.objects.filter(pk=job.pk).update(state="done", finished_at=at)
        fields = {"submission": submission, "competitor": submission.competitor, "prompt_id": job.subject}
        Answer.objects.create(turns=["x"], tokens_out=tokens, engine="openai", created_at=at, **fields)


def worker(state: str, model: HostModel | None = None, **fields) -> HostWorker:
    now = timezone.now()
    return HostWorker.objects.create(
        name="gpu@one", state=state, host_model=model, since=now, seen_at=now, **fields
    )


class TestEndpoint:
    def test_before_it_begins(self, endpoint):
        step = step_now(endpoint)
        assert (step.title, step.words, step.at) == ("Queued", "", endpoint.queued_at)
        assert step.notes == (
            "Waiting for a worker",
            "No endpoint is asked before it",
            "No estimate yet: no endpoint has been answered here lately",
        )

    def test_who_is_at_it_and_when_it_was_heard_of(self, endpoint, settings):
        settings.LEASE_SECONDS = 60
        endpoint.note_begun()
        claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        Job.objects.filter(state="running").update(lease_until=timezone.now() + timedelta(seconds=53))
        # A lease of 60 s that ends in 53 s was extended 7 s ago.
        assert said(endpoint) == "0 of 4 prompts; worker@one is at 3 prompts; it was heard of 7 s ago"

    def test_a_worker_that_is_there_but_not_at_its_prompts(self, endpoint, settings):
        settings.LEASE_SECONDS = 60
        HostWorker.objects.create(name="worker@one", since=timezone.now(), seen_at=timezone.now())
        claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        Job.objects.filter(state="running").update(lease_until=timezone.now() + timedelta(seconds=20))
        # Its process died: the worker reports itself, and a lease of 60 s that ends in 20 s is 40 s old.
        assert "worker@one was at 3 prompts, of which nothing was heard for 40 s;" in said(endpoint)
        assert "in about 20 s they go back to the queue" in said(endpoint)

    def test_the_pace_in_answers_and_tokens_and_when_it_is_done(self, endpoint):
        Submission.objects.update(begun_at=timezone.now() - timedelta(seconds=30))
        answer(endpoint, 3, tokens=100)
        # 3 in 30 s are 6 a minute, 300 tokens in 30 s are 10 a second; the fourth takes 10 s more.
        assert said(endpoint).startswith(
            "3 of 4 prompts, 6 answers a minute, 10 tokens a second, done in about 10 s ("
        )
        assert said(endpoint).endswith("UTC) by the pace of the last minute")

    def test_tokens_that_a_server_does_not_count_are_not_invented(self, endpoint):
        Submission.objects.update(begun_at=timezone.now() - timedelta(seconds=30))
        answer(endpoint, 2, tokens=100)
        answer(endpoint, 1, tokens=None)
        assert "tokens a" not in said(endpoint)

    def test_an_estimate_from_what_was_answered_before(self, endpoint, alice):
        old = make_endpoint(make_benchmark(6), "https://api.example.org/v1", alice)
        now = timezone.now()
        answer(old, 6, seconds_ago=0)
        Submission.objects.filter(pk=old.pk).update(
            state="answered", begun_at=now - timedelta(seconds=12), answered_at=now
        )
        # 6 prompts in 12 s are half a prompt a second; its 4 take 8 s.
        assert said(endpoint).endswith(
            "4 prompts take about 8 s by the pace of the last endpoint here (30 prompts a minute)"
        )

    def test_a_worker_that_went_silent(self, endpoint):
        endpoint.note_begun()
        claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        Job.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=30))
        # Its lease of 60 s ended 30 s ago.
        assert "worker@one has been silent for 2 min, so its 3 prompts go back to the queue" in said(endpoint)
        # Those at which a worker died are taken few at a time.
        claim(ANSWER, endpoint.pk, limit=2, lease=60, worker="worker@two")
        assert "worker@two is at 1 prompt;" in said(endpoint)
        assert "worker@one has been silent for 2 min, so its 2 prompts go back to the queue" in said(endpoint)
        assert "1 prompt was sent back to the queue because its worker went silent" in said(endpoint)

    def test_what_was_given_back_was_at_no_silent_worker(self, endpoint, olga):
        endpoint.note_begun()
        claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        requeue_submission(olga, endpoint, "")
        claim(ANSWER, endpoint.pk, limit=2, lease=60, worker="worker@two")
        assert "worker@two is at 2 prompts" in said(endpoint)
        assert "went silent" not in said(endpoint)

    def test_a_server_that_died_is_no_silent_worker(self, endpoint):
        endpoint.note_begun()
        held = claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        with fenced(held) as ours:
            suspect(ours)
        assert "went silent" not in said(endpoint)

    def test_a_worker_that_came_back_had_been_silent(self, endpoint):
        endpoint.note_begun()
        claim(ANSWER, endpoint.pk, limit=3, lease=60, worker="worker@one")
        give_back_of("worker@one")
        assert "3 prompts were sent back to the queue because their worker went silent" in said(endpoint)

    def test_a_pause_is_said_in_place_of_an_estimate(self, endpoint):
        Queue.objects.update_or_create(pk=1, defaults={"paused_at": timezone.now(), "note": "new cables"})
        words = "The queue is paused (new cables). It goes on by itself when staff let it"
        assert step_now(endpoint).notes == (words,)

    def test_why_it_waits_and_until_when(self, endpoint):
        endpoint.postpone("rate_limited", "Too many requests.", until=timezone.now() + timedelta(seconds=110))
        step = step_now(endpoint)
        assert step.trouble.startswith("Too many requests. It is asked again in about 2 min")
        assert step.notes == ()  # no worker is waited for

    def test_a_failure_says_what_is_kept_and_offers_another_try(self, client, alice, endpoint):
        endpoint.note_begun()
        answer(endpoint, 1)
        endpoint.fail("unauthorized", "The key is wrong.")
        client.force_login(alice)
        page = client.get(endpoint.get_absolute_url()).content.decode()
        assert "1 of 4 prompts answered; those answers are kept" in page
        assert "The key is wrong. <code>unauthorized</code>" in page
        assert f'action="/submissions/{endpoint.pk}/retry/"' in page
        assert "every 2s" not in page  # nothing moves by itself any more
        assert step_now(endpoint).title == "Generating"

    def test_all_answered(self, endpoint):
        answer(endpoint, 4)
        Submission.objects.update(state="answered", answered_at=timezone.now())
        endpoint.refresh_from_db()
        steps = {step.title: step for step in context_of(endpoint, now=timezone.now())["steps"]}
        assert (steps["Generating"].state, steps["Generating"].words) == ("done", "4 answers")
        assert steps["Pairing"].state == "now"


class TestHost:
    def test_no_host_is_running(self, host):
        words = "It goes on by itself when one starts; First in the queue; No estimate until one does"
        assert f"No GPU host is running. {words}" in said(host)

    def test_a_host_that_was_not_seen_for_a_minute_is_gone(self, host):
        worker("idle")
        HostWorker.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
        assert "No GPU host is running" in said(host)

    def test_loading_with_the_last_lines_of_the_log(self, client, olga, host):
        worker("loading", host.host_model, log="Loading weights\n50 %")
        assert "gpu@one has been loading the model for about 1 s" in said(host)
        client.force_login(olga)
        page = client.get(host.get_absolute_url()).content.decode()
        assert "Loading weights\n50 %</pre>" in page

    def test_busy_with_another_model(self, host):
        worker("ready", HostModel.objects.create(source="other/model"))
        assert "gpu@one is busy with other/model" in said(host)

    def test_hosts_that_are_paused(self, host):
        worker("idle", control="drained")
        assert said(host).endswith(
            "Every worker for it is paused. It goes on by itself when staff let one work"
        )
        HostWorker.objects.create(name="gpu@two", since=timezone.now(), seen_at=timezone.now())
        assert "A GPU host will load the model in a moment" in said(host)

    def test_its_place_and_what_is_ahead(self, host, olga):
        worker("idle")
        assert "First in the queue; No estimate yet: no model has been answered on a GPU host" in said(host)
        last = send(olga, "Alder")
        assert "Second in the queue, behind Hornbeam with 4 prompts" in said(last)
        now = timezone.now()
        answer(host, 4, seconds_ago=0)
        Submission.objects.filter(pk=host.pk).update(
            state="answered", begun_at=now - timedelta(seconds=8), answered_at=now
        )
        third = send(olga, "Beech")
        cache.clear()
        # Hornbeam's 4 prompts took 8 s: half a prompt a second. Alder's 4 come first, then its own.
        words = said(third)
        assert "Second in the queue, behind Alder with 4 prompts; It begins in about 8 s (" in words
        assert "ends in about 16 s (" in words
        assert "by the pace of the last model here (30 prompts a minute) on 1 host" in words

    def test_what_is_ahead_is_what_workers_take_before_it(self, host, olga):
        alder, beech, cedar = (send(olga, name) for name in ("Alder", "Beech", "Cedar"))
        Submission.objects.filter(pk=cedar.pk).update(priority=2)
        Submission.objects.filter(pk=beech.pk).update(priority=1)
        Submission.objects.filter(pk=host.pk).update(turn_at=timezone.now())  # had a turn, and goes on later
        assert "First in the queue" in said(cedar)
        assert "Second in the queue, behind Cedar with 4 prompts" in said(beech)
        assert "Third in the queue, behind Cedar and Beech with 8 prompts" in said(alder)
        assert "Number 4 in the queue, behind Cedar, Beech and Alder with 12 prompts" in said(host)
        order = [row.pk for row in waiting_submissions(timezone.now())]
        assert order == [cedar.pk, beech.pk, alder.pk, host.pk]
        assert order == [row.pk for row in Submission.objects.in_queue()]

    def test_what_a_worker_is_at_is_ahead_of_all(self, host, olga):
        alder = send(olga, "Alder")
        Submission.objects.filter(pk=alder.pk).update(priority=1)
        claim(ANSWER, host.pk, limit=1, lease=60, worker="gpu@one")
        Submission.objects.filter(pk=host.pk).update(turn_at=timezone.now())
        assert "Second in the queue, behind Hornbeam with 4 prompts" in said(alder)

    def test_what_waits_for_its_sender_is_not_ahead(self, host, olga):
        last = send(olga, "Alder")
        Submission.objects.filter(pk=host.pk).update(
            state="dry_run", dry_run=True, queued_at=None, tried_at=timezone.now()
        )
        assert "First in the queue" in said(last)

    def test_ready(self, host):
        worker("ready", host.host_model, log="serving")
        assert "has loaded the model" in said(host)
        Submission.objects.update(begun_at=timezone.now() - timedelta(seconds=10))
        claim(ANSWER, host.pk, limit=1, lease=60, worker="gpu@one")
        answer(host, 2)
        assert step_now(host).words.startswith("2 of 4 prompts, ")
        assert step_now(host).log == "serving"
        assert "gpu@one is at 1 prompt; it was heard of 0 s ago" in said(host)

    def test_an_adapter_is_served_with_its_base(self, olga):
        tuned = send(olga, "Tuned", source="/models/hornbeam", adapter="/adapters/polite")
        worker("loading", HostModel.objects.configured("/models/hornbeam", adapter="/adapters/brief"))
        assert "gpu@one has been loading the model" in said(tuned)
        HostModel.objects.filter(pk=tuned.host_model_id).update(facts={"adapter": {"rank": 16}})
        steps = context_of(Submission.objects.get(), now=timezone.now())["steps"]
        assert steps[1].words == "Its folder is looked at by the worker that loads it; a LoRA of rank 16"
        HostWorker.objects.update(host_model=HostModel.objects.configured("/models/alder"))
        assert "gpu@one is busy with alder" in said(tuned)
