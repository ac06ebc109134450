"""Quotas: what counts, what does not, what the form says, and two requests at the same moment."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from arena.models import Answer, Competitor, Submission
from arena.models.quotas import Spent
from arena.services.quotas import QuotaSpent, allowances
from arena.services.submissions import Entry, accept_endpoint, cancel_submission, retry_submission
from tests.factories import make_benchmark, make_endpoint

pytestmark = pytest.mark.django_db
State = Submission.State
ENDPOINT = {"benchmark": "colours", "name": "Hornbeam", "base_url": "https://a.example.org/v1", "model": "m"}


@pytest.fixture(autouse=True)
def benchmark(settings):
    settings.QUOTA_SUBMISSIONS_PER_DAY, settings.QUOTA_RUNNING, settings.QUOTA_TOKENS_PER_DAY = 3, 2, 1000
    return make_benchmark(4, slug="colours")


def send(benchmark, user, **fields) -> Submission:
    """One that ended well, unless ``fields`` say something else."""
    submission = make_endpoint(benchmark, "https://a.example.org/v1", user)
    Submission.objects.filter(pk=submission.pk).update(**({"state": State.PAIRED} | fields))
    submission.refresh_from_db()
    return submission


def answer(submission: Submission, tokens: int, hours_ago: float = 0) -> None:
    prompt = submission.benchmark.prompts.exclude(answers__submission=submission).first()
    at = timezone.now() - timedelta(hours=hours_ago)
    fields = {"competitor": submission.competitor, "submission": submission, "prompt": prompt}
    Answer.objects.create(turns=["x"], tokens_out=tokens, engine="openai", created_at=at, **fields)


def left(user) -> dict[str, int]:
    return {name: each.left for name, each in allowances(user, timezone.now()).items()}


class TestSubmissions:
    def test_so_many_in_24_hours_and_then_from_when_on(self, benchmark, alice, bob):
        now = timezone.now()
        for hours in (30, 23, 20, 10):
            send(benchmark, alice, received_at=now - timedelta(hours=hours))
        with pytest.raises(
            QuotaSpent, match="You sent 3 models in the last 24 hours; 3 is the most"
        ) as spent:
            make_endpoint(benchmark, "https://a.example.org/v1", alice)
        # The oldest of the three leaves in an hour.
        assert abs(spent.value.frees_at - now - timedelta(hours=1)) < timedelta(seconds=1)
        assert left(bob)["submissions"] == 3
        make_endpoint(benchmark, "https://a.example.org/v1", bob)

    @pytest.mark.parametrize(
        ("fields", "counts"),
        [
            ({"state": State.PAIRED}, True),
            ({"state": State.CANCELLED}, True),
            ({"state": State.CANCELLED, "queued_at": None}, False),  # in its dry run
            ({"state": State.FAILED, "cause": "unauthorized"}, True),
            ({"state": State.FAILED, "cause": "unauthorized", "queued_at": None}, False),
            ({"state": State.FAILED, "cause": "worker_died"}, False),
            ({"state": State.FAILED, "cause": "closed"}, False),
            ({"state": State.FAILED, "cause": "died", "kind": "host"}, False),
        ],
    )
    def test_what_counts(self, benchmark, alice, fields, counts):
        answer(send(benchmark, alice, **fields), 1)
        assert left(alice)["submissions"] == (2 if counts else 3)

    def test_a_failure_without_one_answer_does_not(self, benchmark, alice):
        send(benchmark, alice, state=State.FAILED, cause="unauthorized")
        assert left(alice)["submissions"] == 3

    def test_what_gave_way_to_another_still_counts(self, benchmark, alice):
        first = send(benchmark, alice, state=State.CANCELLED)
        answer(first, 400)
        name = first.competitor.name
        assert left(alice) == {"submissions": 2, "running": 2, "tokens": 600}
        where = {"base_url": "https://a.example.org/v1", "model": "m", "key": ""}
        accept_endpoint(Entry(alice, benchmark, name), now=timezone.now(), **where)
        assert not Submission.objects.filter(pk=first.pk).exists()
        assert Spent.objects.count() == 1
        assert left(alice) == {"submissions": 1, "running": 1, "tokens": 600}

    def test_trying_again_what_did_not_count_is_bound_too(self, benchmark, alice):
        failed = send(benchmark, alice, state=State.FAILED, cause="closed")
        for _ in range(3):
            send(benchmark, alice)
        with pytest.raises(QuotaSpent):
            retry_submission(failed, now=timezone.now())
        failed.refresh_from_db()
        assert failed.state == State.FAILED
        assert retry_submission(failed, now=timezone.now(), counts=False)  # by staff

    def test_zero_is_no_limit(self, benchmark, alice, settings):
        settings.QUOTA_SUBMISSIONS_PER_DAY = 0
        for _ in range(5):
            send(benchmark, alice)
        assert set(left(alice)) == {"running", "tokens"}

    def test_staff_and_the_shell_have_none(self, benchmark, olga):
        for user in (olga, None):
            for _ in range(5):
                make_endpoint(benchmark, "https://a.example.org/v1", user)
            assert left(user) == {}


class TestRunning:
    def test_so_many_at_once_until_one_ends(self, benchmark, alice):
        first, _ = (make_endpoint(benchmark, "https://a.example.org/v1", alice) for _ in range(2))
        with pytest.raises(QuotaSpent, match="2 models of yours are waiting or generating") as spent:
            make_endpoint(benchmark, "https://a.example.org/v1", alice)
        assert spent.value.frees_at is None
        assert Competitor.objects.count() == 2  # nothing of it was stored
        cancel_submission(first)
        make_endpoint(benchmark, "https://a.example.org/v1", alice)
        with pytest.raises(QuotaSpent):
            retry_submission(first, now=timezone.now())


class TestTokens:
    def test_what_was_generated_in_24_hours(self, benchmark, alice):
        now = timezone.now()
        old, new = send(benchmark, alice), send(benchmark, alice)
        answer(old, 800, hours_ago=25)
        answer(old, 300, hours_ago=20)
        assert left(alice)["tokens"] == 700
        answer(new, 700, hours_ago=1)
        with pytest.raises(QuotaSpent, match="generated 1,000 tokens") as spent:
            make_endpoint(benchmark, "https://a.example.org/v1", alice)
        # In four hours the 300 of 20 hours ago are older than a day.
        assert abs(spent.value.frees_at - now - timedelta(hours=4)) < timedelta(seconds=1)

    def test_one_that_generates_counts_what_it_has(self, benchmark, alice):
        answer(make_endpoint(benchmark, "https://a.example.org/v1", alice), 1000)
        assert left(alice)["tokens"] == 0


class TestDoors:
    def test_the_form_says_what_is_left_and_refuses_with_a_time(self, client, alice, benchmark):
        client.force_login(alice)
        page = client.get("/submit/?kind=endpoint").content.decode()
        words = "3 of 3 submissions in 24 hours, 2 of 2 at once, 1,000 of 1,000 generated tokens in 24 hours."
        assert words in page
        assert "at once" not in client.get("/submit/").content.decode()  # recorded answers generate nothing
        for _ in range(3):
            send(benchmark, alice)
        response = client.post("/submit/?kind=endpoint", ENDPOINT)
        page = response.content.decode()
        assert response.status_code == 429
        assert 86_000 < int(response["Retry-After"]) <= 86_400
        assert "Nothing was stored.</b> You sent 3 models in the last 24 hours" in page
        assert 'value="Hornbeam"' in page  # what was typed is still there
        assert "0 of 3 submissions in 24 hours (more from" in page
        assert not Competitor.objects.filter(name="Hornbeam").exists()

    def test_trying_again_says_why_not(self, client, alice, benchmark):
        failed = send(benchmark, alice, state=State.FAILED, cause="closed")
        for _ in range(2):
            make_endpoint(benchmark, "https://a.example.org/v1", alice)
        client.force_login(alice)
        page = client.post(f"/submissions/{failed.pk}/retry/", follow=True).content.decode()
        assert "2 models of yours are waiting or generating" in page

    def test_staff_sees_none(self, client, olga):
        client.force_login(olga)
        assert 'id="quota"' not in client.get("/submit/?kind=endpoint").content.decode()


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_are_counted_one_after_the_other(alice, benchmark):
    ready, outcomes = threading.Barrier(6), []

    def enter():
        try:
            ready.wait()
            make_endpoint(benchmark, "https://a.example.org/v1", alice)
            outcomes.append("stored")
        except QuotaSpent:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 4 + ["stored"] * 2
    assert Submission.objects.count() == 2
