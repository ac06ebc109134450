"""The dry run: three prompts first, shown, then the rest, unless nobody wants it or none has an answer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from arena.models import Answer, Competitor, HostModel, Job, Prompt, Submission
from arena.models.jobs import ANSWER
from arena.services import answering, dry_runs
from arena.services.submissions import Entry, accept_endpoint, accept_host_model, retry_submission
from arena.tasks import render_answers
from tests.factories import make_benchmark
from tests.servers import running_server

pytestmark = pytest.mark.django_db
State = Submission.State


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.ENDPOINT_ALLOW = "127.0.0.1"


def send(benchmark, base_url: str, user=None, *, model="model") -> Submission:
    entry = Entry(user=user, benchmark=benchmark, name="Hornbeam", dry_run=True)
    return accept_endpoint(entry, base_url=base_url, model=model, key="", now=timezone.now())


def work(submission: Submission) -> Submission:
    """A worker's turn, as its task takes it."""
    if submission in Submission.objects.answering(timezone.now()):
        answering.answer_by_endpoint(submission, worker="tests")
    answering.close_answered(timezone.now())
    submission.refresh_from_db()
    return submission


def open_jobs() -> int:
    return Job.objects.unfinished().count()


def test_three_prompts_are_answered_first_and_not_asked_again():
    benchmark = make_benchmark(9)
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(benchmark, server.base_url))
        assert (submission.state, submission.tried_at is None) == (State.DRY_RUN, False)
        # Of nine prompts the first, the one in the middle and the last.
        tried = list(Answer.objects.order_by("prompt").values_list("pk", "prompt__key"))
        assert [key for _, key in tried] == ["q1", "q5", "q9"]
        assert work(submission).answers.count() == 3  # it waits for a word

        assert dry_runs.go_on(submission, timezone.now())
        assert (submission.state, submission.stage, open_jobs()) == (State.ANSWERING, "Queued", 6)
        assert not dry_runs.go_on(submission, timezone.now())
        assert work(submission).state == State.ANSWERED
        assert len(server.bodies) == 9
    assert set(tried) < set(Answer.objects.values_list("pk", "prompt__key"))
    assert submission.queued_at <= submission.begun_at <= submission.answered_at


def test_several_turns_and_images_are_tried():
    benchmark = make_benchmark(9)
    numbered = {prompt.key: prompt.pk for prompt in benchmark.prompts.all()}
    Prompt.objects.filter(pk=numbered["q3"]).update(turns=["One", "Two"])
    Prompt.objects.filter(pk=numbered["q4"]).update(images=[[{"sha256": "0" * 64}]])
    send(benchmark, "http://127.0.0.1:9/v1")
    assert set(Job.objects.values_list("subject", flat=True)) == {numbered[key] for key in ("q1", "q3", "q4")}


@pytest.mark.parametrize("prompts", [1, 2, 3])
def test_a_small_benchmark_is_all_dry_run(prompts):
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(make_benchmark(prompts), server.base_url))
        assert (submission.state, submission.answers.count()) == (State.DRY_RUN, prompts)
        dry_runs.go_on(submission, timezone.now())
        assert work(submission).state == State.ANSWERED
        assert len(server.bodies) == prompts


def test_it_goes_on_by_itself_after_its_time(settings):
    settings.DRY_RUN_SECONDS = 100
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(make_benchmark(5), server.base_url))
        Submission.objects.update(tried_at=timezone.now() - timedelta(seconds=90))
        assert work(submission).state == State.DRY_RUN
        Submission.objects.update(tried_at=timezone.now() - timedelta(seconds=100))
        assert work(submission).state == State.ANSWERING
        assert open_jobs() == 2


def test_the_worker_does_not_undo_a_word_that_came_while_it_asked():
    with running_server(lambda prompt: prompt) as server:
        submission = send(make_benchmark(5), server.base_url)
        old = Submission.objects.select_related("competitor").get()
        submission.postpone("rate_limited", "Wait.", until=timezone.now())
        old.refresh_from_db()
        dry_runs.go_on(submission, timezone.now())
        work(old)  # its copy says dry run
        assert (old.state, old.answers.count(), old.cause) == (State.ANSWERED, 5, "")


def test_nothing_but_errors_fails_it_with_the_cause():
    with running_server() as server:
        submission = work(send(make_benchmark(5), server.base_url, model="status:400"))
    assert (submission.state, submission.cause) == (State.FAILED, "bad_request")
    assert "refuses the request" in submission.message
    assert submission.ended_at is not None
    assert submission.queued_at is None


def test_an_endpoint_that_is_away_fails_after_few_runs():
    submission = send(make_benchmark(5), "http://127.0.0.1:9/v1")  # nobody listens there
    for _ in range(answering.DRY_RUNS - 1):
        assert work(submission).state == State.DRY_RUN
        Submission.objects.update(next_attempt_at=None)
    assert (work(submission).state, submission.cause) == (State.FAILED, "unreachable")


def test_one_error_among_answers_is_shown_and_asked_again_when_it_goes_on(client, alice):
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(make_benchmark(5), server.base_url, alice, model="refuses:3"))
        assert (submission.state, submission.answers.count()) == (State.DRY_RUN, 2)
        client.force_login(alice)
        page = client.get(submission.get_absolute_url()).content.decode()
        assert "No answer: " in page
        dry_runs.go_on(submission, timezone.now())
        work(submission)
        # Asked once in the dry run and once more after it.
        assert sum("Question 3?" in str(body) for body in server.bodies) == 2
    assert (submission.state, submission.answers.count()) == (State.FAILED, 4)


def test_a_failed_one_that_is_tried_again_begins_with_its_dry_run():
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(make_benchmark(5), server.base_url, model="status:401"))
        assert submission.state == State.FAILED
        assert retry_submission(submission, now=timezone.now())
        submission.endpoint.model = "model"
        submission.endpoint.save()
        assert work(submission).state == State.DRY_RUN
        assert submission.answers.count() == 3


def test_a_benchmark_that_closes_ends_it():
    with running_server(lambda prompt: prompt) as server:
        submission = work(send(make_benchmark(5), server.base_url))
        submission.benchmark.is_open = False
        submission.benchmark.save()
        assert (work(submission).state, submission.cause) == (State.FAILED, "closed")


def test_a_withdrawn_model_is_cancelled():
    submission = send(make_benchmark(5), "http://127.0.0.1:9/v1")
    Competitor.objects.get().withdraw(now=timezone.now())
    assert (work(submission).state, submission.cause) == (State.CANCELLED, "withdrawn")
    assert not retry_submission(submission, now=timezone.now())
    Competitor.objects.get().restore()
    assert retry_submission(submission, now=timezone.now())


def test_a_model_for_a_host_is_checked_first():
    benchmark = make_benchmark(5)
    entry = Entry(user=None, benchmark=benchmark, name="Hornbeam", dry_run=True)
    what = {"source": "/models/hornbeam", "revision": "", "dtype": "auto", "max_model_len": None}
    submission = accept_host_model(entry, now=timezone.now(), **what)
    assert (submission.state, open_jobs()) == (State.RECEIVED, 3)
    submission.note_checked(HostModel.objects.get(), timezone.now())
    assert (submission.state, submission.queued_at) == (State.DRY_RUN, None)


class TestDoors:
    @pytest.fixture
    def shown(self, alice):
        """Alice's, whose answers are there."""
        with running_server(lambda prompt: f"**{prompt}**") as server:
            return work(send(make_benchmark(5), server.base_url, alice))

    def test_its_answers_are_shown_to_its_sender(self, client, alice, shown):
        client.force_login(alice)
        page = client.get(shown.get_absolute_url()).content.decode()
        assert page.count("<p>**Question") == 3
        assert "7 tokens" in page
        assert "It goes on by itself at" in page
        assert f'action="/submissions/{shown.pk}/go-on/"' in page
        # While nothing happens the page keeps what its reader has before him.
        address = f"{shown.get_absolute_url()}?part=steps&amp;seen={shown.tried_at.timestamp():.0f}-0"
        assert address in page
        assert client.get(address.replace("&amp;", "&")).status_code == 204
        assert client.get(shown.get_absolute_url() + "?part=steps&seen=1").status_code == 200
        render_answers()
        response = client.get(address.replace("&amp;", "&"))  # what was shown as plain text is set in type
        assert response.content.decode().count("<strong>Question") == 3

    def test_its_sender_lets_it_go_on(self, client, alice, shown):
        client.force_login(alice)
        assert client.post(f"/submissions/{shown.pk}/go-on/").status_code == 302
        shown.refresh_from_db()
        assert (shown.state, open_jobs()) == (State.ANSWERING, 2)
        page = client.post(f"/submissions/{shown.pk}/go-on/", follow=True).content.decode()
        assert "Its dry run is over already" in page

    def test_a_stranger_does_not(self, client, bob, shown):
        client.force_login(bob)
        assert client.post(f"/submissions/{shown.pk}/go-on/").status_code == 404

    def test_not_before_an_answer_is_there_but_staff_may(self, client, alice, olga):
        submission = send(make_benchmark(5), "http://127.0.0.1:9/v1", alice)
        client.force_login(alice)
        page = client.post(f"/submissions/{submission.pk}/go-on/", follow=True).content.decode()
        assert "once one answer" in page
        assert "go-on/" not in page
        client.force_login(olga)
        assert "go-on/" in client.get(submission.get_absolute_url()).content.decode()
        client.post(f"/submissions/{submission.pk}/go-on/")
        assert Job.objects.filter(kind=ANSWER).count() == 5

    def test_without_dry_runs_it_is_queued_at_once(self, client, alice, settings):
        settings.DRY_RUN_SECONDS = 0
        make_benchmark(5, slug="colours")
        client.force_login(alice)
        form = {"benchmark": "colours", "name": "Hornbeam", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
        client.post("/submit/?kind=endpoint", form)
        assert (Submission.objects.get().state, open_jobs()) == (State.ANSWERING, 5)
