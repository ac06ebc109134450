"""A submitted endpoint, asked by a worker over real HTTP: what is stored, and how each failure ends."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from arena import jobs, tasks
from arena.models import Answer, Job, Submission
from arena.models.jobs import ANSWER
from arena.models.submissions import answering_progress
from arena.services import answering
from arena.services.submissions import cancel_submission, retry_submission
from tests.factories import make_benchmark, make_endpoint
from tests.servers import running_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.ENDPOINT_ALLOW = "127.0.0.1"


def ask(submission: Submission, **options) -> Submission:
    answering.answer_by_endpoint(submission, worker="tests", **options)
    answering.close_answered(timezone.now())
    submission.refresh_from_db()
    return submission


def said(prompt: str) -> str:
    """What the server of these tests answers: how long the conversation is, and its last word."""
    return f"{prompt.count(chr(10)) + 1} lines, then {prompt.split()[-1]}"


class TestAnswers:
    def test_every_prompt_gets_its_answer_and_where_it_came_from(self):
        benchmark = make_benchmark(3)
        with running_server(said) as server:
            submission = ask(make_endpoint(benchmark, server.base_url))
        assert submission.state == Submission.State.ANSWERED
        rows = Answer.objects.filter(submission=submission).order_by("prompt")
        # The prompts are "Question 1?" to "Question 3?": one line, and the last word is the number.
        assert [row.turns for row in rows] == [[f"1 lines, then {n}?"] for n in (1, 2, 3)]
        first = rows[0]
        assert (first.engine, first.model_returned, first.fingerprint) == ("openai", "served-model", "fp_1")
        assert (first.tokens_in, first.tokens_out, first.finish_reason) == (11, 7, "stop")
        assert Job.objects.unfinished().count() == 0

    def test_turns_follow_each_other_in_one_conversation(self):
        benchmark = make_benchmark(2, turns=["One", "Two", "Three"])
        with running_server(said) as server:
            ask(make_endpoint(benchmark, server.base_url))
        # The server joins all messages by a line break: one, then an answer and a message more each turn.
        expected = ["1 lines, then One", "3 lines, then Two", "5 lines, then Three"]
        assert [row.turns for row in Answer.objects.all()] == [expected] * 2
        assert Answer.objects.first().tokens_out == 3 * 7

    def test_sampling_and_the_system_prompt_reach_the_server(self):
        sampling = {
            "temperature": 0.5,
            "min_p": 0.1,
            "max_tokens": 9,
            "seed": 4,
            "system_prompt": "Be brief.",
        }
        with running_server(said) as server:
            ask(
                make_endpoint(
                    make_benchmark(1), server.base_url, key="sk-secret-0123456789", sampling=sampling
                )
            )
            [body], [headers] = server.bodies, server.headers
        assert {name: body[name] for name in ("temperature", "min_p", "max_tokens", "seed")} == {
            "temperature": 0.5,
            "min_p": 0.1,
            "max_tokens": 9,
            "seed": 4,
        }
        assert "system_prompt" not in body
        assert body["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Question 1?"},
        ]
        assert headers["authorization"] == "Bearer sk-secret-0123456789"

    def test_an_empty_text_is_an_answer(self):
        with running_server(lambda _: "") as server:
            submission = ask(make_endpoint(make_benchmark(1), server.base_url))
        assert submission.answers.get().is_empty

    def test_more_prompts_than_fit_at_once(self, settings):
        settings.ENDPOINT_CONCURRENCY = 4
        with running_server(said) as server:
            submission = ask(make_endpoint(make_benchmark(30), server.base_url))
            assert server.peak <= 4
        assert submission.answers.count() == 30
        assert submission.state == Submission.State.ANSWERED

    def test_after_its_time_a_run_asks_nothing_new(self):
        with running_server(said) as server:
            submission = ask(make_endpoint(make_benchmark(5), server.base_url), seconds=0)
            assert not server.bodies
            assert submission.state == Submission.State.ANSWERING
            assert ask(submission).answers.count() == 5

    def test_the_task_asks_and_moves_on(self):
        with running_server(said) as server:
            submission = make_endpoint(make_benchmark(2), server.base_url)
            tasks.answer_pending()
        submission.refresh_from_db()
        assert (submission.state, submission.answers.count()) == (Submission.State.ANSWERED, 2)


class TestFailures:
    @pytest.mark.parametrize(
        ("model", "cause", "words"),
        [
            ("status:401", "unauthorized", "check the key"),
            ("status:404", "not_found", "check both"),
            ("status:400", "bad_request", "refuses the request"),
            ("status:302", "bad_response", "final address"),
        ],
    )
    def test_what_cannot_work_fails_at_once_with_its_reason(self, model, cause, words):
        with running_server() as server:
            submission = ask(make_endpoint(make_benchmark(20), server.base_url, model=model))
            asked = len(server.bodies)
        assert (submission.state, submission.cause) == (Submission.State.FAILED, cause)
        assert words in submission.message
        # The run ends after eight failures in a row; up to twice 16 requests were on their way by then.
        assert asked <= 8 + 32
        assert Job.objects.filter(attempts=0, state="pending").count() == 20

    def test_a_server_that_is_away_is_asked_again_later_and_then_given_up(self, monkeypatch):
        submission = make_endpoint(make_benchmark(2), "http://127.0.0.1:9/v1")  # nobody listens there
        now = timezone.now()
        for run in range(answering.RUNS - 1):
            assert ask(submission).state == Submission.State.ANSWERING
            assert (submission.cause, submission.attempts) == ("unreachable", run + 1)
            # 15 s, doubled each time, at most 600 s
            wait = (submission.next_attempt_at - now).total_seconds()
            assert min(15 * 2**run, 600) <= wait
            assert not Submission.objects.answering(now).exists()
        assert ask(submission).state == Submission.State.FAILED
        assert "takes no connection" in submission.message

    def test_a_prompt_that_ends_its_server_is_found_and_the_others_are_answered(self):
        benchmark = make_benchmark(12)
        benchmark.prompts.filter(key="q5").update(turns=["poison"])
        with running_server(said) as server:
            submission = make_endpoint(benchmark, server.base_url, model="poisoned")
            for _ in range(jobs.MAX_DEATHS):
                Job.objects.filter(state="pending").update(next_attempt_at=None)
                Submission.objects.update(next_attempt_at=None)
                ask(submission)
        assert submission.answers.count() == 11
        killer = Job.objects.get(state=Job.State.FAILED)
        assert (killer.error_code, killer.deaths) == ("engine_died", jobs.MAX_DEATHS)
        assert (submission.state, submission.cause) == (Submission.State.FAILED, "engine_died")

    def test_a_retry_after_is_honoured(self):
        with running_server() as server:
            submission = ask(make_endpoint(make_benchmark(1), server.base_url, model="limited:3000"))
        assert submission.cause == "rate_limited"
        assert submission.next_attempt_at > timezone.now() + timedelta(seconds=2900)

    def test_a_server_that_comes_back_finishes_and_nothing_is_asked_twice(self, settings):
        """The first answer of each prompt fails four times, which is all that the engine tries by itself."""
        with running_server(said) as server:
            submission = ask(make_endpoint(make_benchmark(3), server.base_url, model="fails:4"))
            assert (submission.state, submission.cause) == (Submission.State.ANSWERING, "server_error")
            Submission.objects.update(next_attempt_at=None)
            submission = ask(submission)
        assert (submission.state, submission.message) == (Submission.State.ANSWERED, "")
        assert submission.answers.count() == 3

    def test_one_bad_prompt_fails_with_its_number_and_the_others_are_kept(self):
        with running_server(said) as server:
            submission = make_endpoint(make_benchmark(3), server.base_url, model="refuses:2")
            ask(submission)
        assert (submission.state, submission.cause) == (Submission.State.FAILED, "bad_request")
        assert submission.message.startswith("1 of 3 prompts has no answer: ")
        assert submission.answers.count() == 2

    def test_a_private_address_is_never_asked(self, settings):
        settings.ENDPOINT_ALLOW = ""
        with running_server() as server:
            submission = ask(make_endpoint(make_benchmark(1), server.base_url))
            assert not server.bodies
        assert (submission.state, submission.cause) == (Submission.State.FAILED, "forbidden_address")

    def test_a_key_that_cannot_be_read_any_more(self, settings):
        submission = make_endpoint(make_benchmark(1), "http://127.0.0.1:9/v1", key="sk-secret-0123456789")
        settings.SEALING_KEYS = ["another"]
        assert ask(submission).cause == "key_unreadable"

    def test_a_benchmark_that_closes_ends_it(self):
        submission = make_endpoint(make_benchmark(1), "http://127.0.0.1:9/v1")
        submission.benchmark.is_open = False
        submission.benchmark.save()
        answering.close_answered(timezone.now())
        submission.refresh_from_db()
        assert (submission.state, submission.cause) == (Submission.State.FAILED, "closed")

    def test_a_submission_deleted_in_mid_run_stores_nothing(self):
        with running_server(said) as server:
            submission = make_endpoint(make_benchmark(2), server.base_url)
            stale = Submission.objects.select_related("competitor").get()
            submission.competitor.delete()
            engine = answering.ENGINES["openai"](base_url=server.base_url, model="model")
            list(answering.answer_pending(stale, engine, worker="tests", room=4))
        assert not Answer.objects.exists()
        assert not Job.objects.exists()

    def test_one_that_is_stopped_asks_nothing_new_and_keeps_its_answers(self, settings):
        settings.ENDPOINT_CONCURRENCY = 2
        with running_server(said) as server:
            submission = make_endpoint(make_benchmark(200), server.base_url)
            engine = answering.endpoint_engine(submission)
            run = answering.answer_pending(submission, engine, worker="tests", room=8)
            next(run)
            cancel_submission(Submission.objects.get())
            list(run)
            asked = len(server.bodies)
        stored = submission.answers.count()
        # A chunk of 64 was stored before, one more at most sees that it was stopped; some were under way.
        assert 64 <= stored <= asked <= 64 + 64 + 2 * 2 + 8
        assert Job.objects.filter(state="pending").count() == 200 - stored

    def test_a_prompt_deleted_in_the_meantime_is_dropped(self):
        benchmark = make_benchmark(2)
        with running_server(said) as server:
            submission = make_endpoint(benchmark, server.base_url)
            benchmark.prompts.first().delete()
            assert ask(submission).state == Submission.State.ANSWERED
        assert submission.answers.count() == Job.objects.count() == 1


class TestRetry:
    def test_only_what_has_no_answer_is_asked_again_with_the_new_key(self):
        with running_server(said) as server:
            submission = ask(
                make_endpoint(make_benchmark(2), server.base_url, model="status:401", key="k" * 20)
            )
            assert retry_submission(submission, now=timezone.now(), key="sk-better-0123456789")
            submission.endpoint.refresh_from_db()
            submission.endpoint.model = "model"
            submission.endpoint.save()
            ask(submission)
            assert server.headers[-1]["authorization"] == "Bearer sk-better-0123456789"
        assert (submission.state, submission.cause, submission.attempts) == (Submission.State.ANSWERED, "", 0)
        assert submission.endpoint.key_ending == "6789"

    def test_only_a_failed_one_can_be_tried_again(self):
        submission = make_endpoint(make_benchmark(1), "http://127.0.0.1:9/v1")
        assert not retry_submission(submission, now=timezone.now())

    def test_a_claim_that_another_worker_took_over_stores_nothing(self):
        """A worker that was stopped beyond its lease: its answers are refused by the jobs' tokens."""
        with running_server(said) as server:
            submission = make_endpoint(make_benchmark(2), server.base_url)
            engine = answering.endpoint_engine(submission)

            def steal(requests):
                for completion in engine.stream(requests):
                    with connection.cursor() as cursor:
                        cursor.execute("UPDATE arena_job SET token = gen_random_uuid()")
                    yield completion

            class Stolen:
                stream = staticmethod(steal)

            list(answering.answer_pending(submission, Stolen(), worker="slow", room=4))
        assert not Answer.objects.exists()
        assert Job.objects.filter(kind=ANSWER, state="running").count() == 2


def test_progress_counts_prompts():
    with running_server(said) as server:
        submission = make_endpoint(make_benchmark(4), server.base_url, model="refuses:2")
        assert answering_progress(submission, now=timezone.now()) == (4, 0, 0, 0, 0)
        ask(submission)
    # three answers, one refusal, all in the last minute
    assert answering_progress(submission, now=timezone.now()) == (4, 3, 1, 4, 0)
