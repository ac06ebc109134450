"""Turns of a host with vLLM: real server processes, with a stand-in for vLLM in them."""

import io
import time
from datetime import timedelta

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from arena.engines.vllm.processes import listens
from arena.models import Answer, HostModel, HostWorker, Job, Submission
from arena.services.hosting import Host
from arena.services.submissions import Entry, accept_host_model
from judging.models import Judge, Judgment
from judging.services.judging import plan_judging
from judging.services.serving import choose_model, take_turn
from leaderboard.views import cached
from tests.arena.engines.stand_in_vllm import make_python
from tests.factories import make_answers, make_benchmark, make_judge, make_matches

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return make_python(tmp_path_factory.mktemp("stand-in") / "env")


@pytest.fixture
def host(python, settings, tmp_path):
    settings.VLLM_PYTHON = python
    host = Host("gpu@here", tmp_path / "servers")
    yield host
    host.close(timezone.now())


def submit(source: str, prompts: int = 3, **fields) -> Submission:
    entry = Entry(user=None, benchmark=make_benchmark(prompts), name=f"{source} {Submission.objects.count()}")
    options = {"revision": "", "dtype": "auto", "max_model_len": None} | fields
    submission = accept_host_model(entry, source=source, now=timezone.now(), **options)
    submission.note_checked(submission.host_model, timezone.now())
    return submission


def served_judge(source: str) -> Judge:
    model, _ = HostModel.objects.get_or_create(source=source)
    judge = make_judge(engine=Judge.Engine.VLLM, model=source, host_model=model)
    benchmark = make_benchmark(2)
    make_answers(benchmark, "red", "green")
    make_matches(benchmark)
    plan_judging(judge)
    return judge


def state(submission: Submission) -> str:
    submission.refresh_from_db()
    return submission.state


def server_processes(host: Host) -> list[psutil.Process]:
    return psutil.Process(host._server._process.pid).children(recursive=True) if host._server else []


class TestWork:
    def test_a_submission_is_answered_and_says_by_what(self, host):
        submission = submit("answers")
        take_turn(host)
        assert state(submission) == Submission.State.ANSWERED
        # The stand-in says what it was asked.
        assert [row.turns for row in submission.answers.order_by("prompt")] == [
            ["Question 1?"],
            ["Question 2?"],
            ["Question 3?"],
        ]
        assert set(Answer.objects.values_list("engine", flat=True)) == {"vllm"}
        worker = HostWorker.objects.get()
        assert (worker.name, worker.state, worker.host_model) == ("gpu@here", "ready", submission.host_model)

    def test_a_judge_is_served_in_the_same_turn(self, host):
        submission, judge = submit("answers"), served_judge("answers")
        take_turn(host)
        assert state(submission) == Submission.State.ANSWERED
        # Two matches in both orders.
        assert Judgment.objects.filter(judge=judge).count() == 4
        assert Job.objects.unfinished().count() == 0

    def test_two_models_are_swapped_and_nothing_of_the_first_is_left(self, host):
        first, second = submit("answers"), submit("other")
        take_turn(host)
        assert (state(first), state(second)) == ("answered", "answering")
        processes, port = server_processes(host), host._server.port
        assert len(processes) >= 2  # the server and its engine
        take_turn(host)
        assert state(second) == "answered"
        assert host.model == second.host_model
        assert not any(process.is_running() for process in processes)
        assert not listens([process.pid for process in psutil.process_iter()], port)

    def test_a_loaded_model_stays_while_it_is_wanted(self, host):
        submit("answers")
        take_turn(host)
        server = host._server
        again = submit("answers")
        take_turn(host)
        assert host._server is server
        assert state(again) == "answered"

    def test_without_work_the_memory_is_freed_after_a_while(self, host, settings):
        submit("answers")
        take_turn(host)
        take_turn(host)
        assert host.model is not None
        settings.VLLM_IDLE = 0
        take_turn(host)
        assert (host.model, HostWorker.objects.get().state) == (None, "idle")


class TestFailures:
    def test_a_model_that_dies_is_tried_again_and_others_go_on(self, host):
        broken, sound = submit("dies-early"), submit("answers")
        take_turn(host)
        assert state(broken) == "answering"
        assert (broken.cause, broken.attempts) == ("died", 1)
        assert "hf_abcdefghij" not in broken.message
        worker = HostWorker.objects.get()
        assert (worker.state, worker.message) == ("failed", broken.message)
        assert broken.next_attempt_at > timezone.now()
        take_turn(host)
        assert state(sound) == "answered"

    def test_a_folder_that_is_not_there_fails_at_once(self, host):
        submission = submit("/no/such/folder")
        take_turn(host)
        assert (state(submission), submission.cause) == ("failed", "no_such_model")

    def test_a_host_without_an_interpreter_is_not_the_models_fault(self, host, settings):
        settings.VLLM_PYTHON = "/no/such/python"
        submission = submit("answers")
        take_turn(host)
        assert (state(submission), submission.cause) == ("answering", "missing_interpreter")
        assert "VLLM_PYTHON" in submission.message

    def test_a_judge_that_cannot_be_loaded_waits_with_its_reason(self, host):
        judge = served_judge("dies-early")
        take_turn(host)
        jobs = Job.objects.filter(owner=judge.pk)
        assert set(jobs.values_list("state", "error_code")) == {("pending", "died")}
        assert jobs.first().next_attempt_at > timezone.now() + timedelta(seconds=500)

    def test_a_server_that_dies_in_mid_batch_loses_no_answer(self, host):
        """It ends with the third request; what is left is asked again, and the failure is counted."""
        submission = submit("dies", prompts=5)
        take_turn(host)
        assert state(submission) == "answering"
        assert (submission.cause, submission.attempts) == ("died", 1)
        jobs = Job.objects.filter(owner=submission.pk)
        assert set(jobs.values_list("state", flat=True)) == {"pending"}
        assert host.model is None


class TestChoice:
    @pytest.fixture
    def models(self):
        return [HostModel.objects.create(source=name) for name in ("one", "two")]

    def test_the_loaded_one_first_then_who_waits_longest(self, host, models):
        one, two = models
        assert choose_model(host, [two, one]) == two
        host.model = one
        assert choose_model(host, [two, one]) == one
        assert choose_model(host, [two]) == two
        assert choose_model(host, []) is None

    def test_a_loaded_one_makes_room_after_a_while(self, host, models):
        one, two = models
        host.model, host._started_at = one, time.monotonic() - 601
        assert choose_model(host, [one, two]) == two
        assert choose_model(host, [one]) == one


def test_the_judges_page_says_when_no_host_is_running(client):
    judge = served_judge("answers")
    sentence = "its model is served by a GPU host, and none is running"
    assert sentence in client.get(judge.get_absolute_url()).content.decode()
    now = timezone.now()
    HostWorker.objects.create(name="gpu@here", since=now, seen_at=now)
    cached.CACHE.clear()
    assert sentence not in client.get(judge.get_absolute_url()).content.decode()


class TestRegistering:
    def test_a_judge_that_is_served_here_hides_where_its_model_lies(self):
        call_command(
            "register_judge", "tiny", serve="/srv/models/tiny-1", constrain=True, stdout=io.StringIO()
        )
        judge = Judge.objects.get()
        assert (judge.engine, judge.model, judge.host_model.source) == (
            "vllm",
            "tiny-1",
            "/srv/models/tiny-1",
        )
        assert judge.sampling["structured_outputs"] == {"choice": ["[[A]]", "[[B]]", "[[tie]]"]}
        call_command(
            "register_judge", "tiny", serve="/srv/models/tiny-1", constrain=True, stdout=io.StringIO()
        )
        assert Judge.objects.count() == 1  # the same settings are the same judge

    @pytest.mark.parametrize(
        "options",
        [{"serve": "a/b", "url": "http://h/v1", "model": "m"}, {"model": "m"}, {"url": "http://h/v1"}],
    )
    def test_one_place_is_named(self, options):
        with pytest.raises(CommandError, match="--serve"):
            call_command("register_judge", "tiny", **options)

    def test_the_shell_does_not_judge_for_it(self):
        judge = served_judge("answers")
        with pytest.raises(CommandError, match="VLLM_PYTHON"):
            call_command("judge", judge=str(judge))
