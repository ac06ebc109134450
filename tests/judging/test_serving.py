"""Turns of a host with vLLM: real server processes, with a stand-in for vLLM in them."""

import io
import subprocess
import sys
import time
from datetime import timedelta

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from arena import jobs
from arena.engines.vllm.processes import listens
from arena.models import Answer, HostModel, HostWorker, Job, Match, Prompt, Submission
from arena.services.hosting import Host
from arena.services.submissions import Entry, accept_host_model
from judging.models import Judge, Judgment
from judging.services.judging import plan_judging
from judging.services.serving import Wanted, choose_model, take_turn, wanted_models
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
        waiting = Job.objects.filter(owner=judge.pk)
        assert set(waiting.values_list("state", "error_code")) == {("pending", "died")}
        assert waiting.first().next_attempt_at > timezone.now() + timedelta(seconds=500)

    def test_a_server_that_dies_in_mid_batch_loses_no_answer(self, host):
        """It ends with the third request; what is left is asked again, and the failure is counted."""
        submission = submit("dies", prompts=5)
        take_turn(host)
        assert state(submission) == "answering"
        assert (submission.cause, submission.attempts) == ("died", 1)
        left = Job.objects.filter(owner=submission.pk)
        assert set(left.values_list("state", flat=True)) == {"pending"}
        assert host.model is None


class TestPoison:
    """An engine that dies on one input: in a window with all others, in a group, and by itself."""

    @pytest.fixture(autouse=True)
    def wide_window(self, settings):
        settings.VLLM_CONCURRENCY = 8

    def turns(self, host, most=40):
        """Turns until nothing is left to do; whatever was put off is due at once."""
        for _ in range(most):
            Submission.objects.update(next_attempt_at=None)
            Job.objects.filter(state="pending").update(next_attempt_at=None)
            take_turn(host)
            if not Job.objects.unfinished().exists():
                return
        pytest.fail(f"{Job.objects.unfinished().count()} jobs are left")

    def test_the_prompt_is_found_and_the_others_are_answered(self, host):
        submission = submit("poisoned", prompts=20)
        Prompt.objects.filter(key="q7").update(turns=["poison"])
        self.turns(host)
        assert submission.answers.count() == 19
        killer = Job.objects.get(state=Job.State.FAILED)
        assert (killer.error_code, killer.deaths) == ("engine_died", jobs.MAX_DEATHS)
        assert killer.subject == Prompt.objects.get(key="q7").pk
        assert "nothing else under way" in killer.error
        assert (state(submission), submission.cause) == ("failed", "engine_died")
        assert "1 of 20 prompts has no answer" in submission.message
        assert not Job.objects.filter(state=Job.State.DONE, deaths__gte=jobs.MAX_DEATHS).exists()

    def test_the_match_is_found_and_the_others_are_judged(self, host):
        judge = served_judge("poisoned")
        benchmark = make_benchmark(6)
        make_answers(benchmark, "blue", "black")
        make_matches(benchmark)
        match = Match.objects.last()
        Answer.objects.filter(pk=match.answer_a_id).update(turns=["poison"])
        plan_judging(judge)
        self.turns(host)
        # Eight matches in both orders, but for the one.
        assert Judgment.objects.filter(judge=judge).count() == 14
        killer = Job.objects.get(state=Job.State.FAILED)
        assert (killer.subject, killer.error_code) == (match.pk, "engine_died")

    def test_a_server_that_was_killed_between_two_turns_is_started_again_at_once(self, host):
        submission = submit("answers")
        take_turn(host)
        again = submit("answers")
        for process in server_processes(host):
            process.kill()
        host._server._process.wait(60)
        take_turn(host)
        assert (state(submission), state(again), again.attempts) == ("answered", "answered", 0)


class TestChoice:
    @pytest.fixture
    def wanted(self):
        return [
            Wanted(HostModel.objects.create(source=name), priority=0, jobs=10, is_elsewhere=False)
            for name in ("one", "two")
        ]

    def test_the_loaded_one_first_then_who_waits_longest(self, host, wanted):
        one, two = wanted
        assert choose_model(host, [two, one]) == two.model
        host.model = one.model
        assert choose_model(host, [two, one]) == one.model
        assert choose_model(host, [two]) == two.model
        assert choose_model(host, []) is None

    def test_a_loaded_one_makes_room_after_a_while(self, host, wanted):
        one, two = wanted
        host.model, host._started_at = one.model, time.monotonic() - 601
        assert choose_model(host, [one, two]) == two.model
        assert choose_model(host, [one]) == one.model

    def test_a_loaded_one_makes_room_for_what_is_more_urgent(self, host, wanted):
        one, two = wanted
        host.model = one.model
        assert choose_model(host, [two._replace(priority=1), one]) == two.model
        assert choose_model(host, [two._replace(priority=1), one._replace(priority=1)]) == one.model

    def test_what_is_loaded_elsewhere_is_shared_when_there_is_much_of_it(self, host, wanted, settings):
        one, two = wanted
        there = one._replace(is_elsewhere=True)
        assert choose_model(host, [there, two]) == two.model
        assert choose_model(host, [there]) is None
        much = there._replace(jobs=2 * settings.VLLM_CONCURRENCY + 1)
        assert choose_model(host, [much]) == one.model
        assert choose_model(host, [much, two]) == two.model

    def test_none_waits_for_ever(self, host):
        """Who was loaded longest ago comes first: with three, each comes before any comes twice."""
        rows = [submit(name) for name in ("one", "two", "three")]
        turns = []
        for number in range(6):
            model = wanted_models(host, rows, [])[0].model
            turns.append(model.source)
            model.turn_at = timezone.now() + timedelta(seconds=number)
            model.save()
            for row in rows:
                row.host_model.refresh_from_db()
        assert turns == ["one", "two", "three"] * 2

    def test_what_fits_and_what_is_urgent(self, host):
        small, large, wide = (submit(name) for name in ("small", "large", "wide"))
        large.host_model.facts = {"memory_mib": 30_000}
        small.host_model.facts = {"memory_mib": 20_000}
        wide.priority = 1
        now = timezone.now()
        HostWorker.objects.create(name=host.name, since=now, seen_at=now, memory_mib=24_000)
        fits = wanted_models(host, [small, large, wide], [])
        assert [(each.model.source, each.priority, each.jobs) for each in fits] == [
            ("wide", 1, 3),
            ("small", 0, 3),
        ]

    @pytest.mark.parametrize(("control", "elsewhere"), [("", True), ("drained", False)])
    def test_a_worker_that_works_keeps_what_it_has_loaded(self, host, control, elsewhere):
        row, now = submit("one"), timezone.now()
        HostWorker.objects.create(
            name="gpu@there", since=now, seen_at=now, host_model=row.host_model, control=control
        )
        [wanted] = wanted_models(host, [row], [])
        assert wanted.is_elsewhere == elsewhere


class TestPlaces:
    @pytest.fixture
    def gpus(self, tmp_path, monkeypatch):
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir()
        tool.write_text("#!/bin/sh\ncase $1 in *gpu=*) echo 0, GPU-1, NVIDIA H100, 81559, 81008 ;; esac\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def test_two_workers_on_one_gpu_take_turns(self, host, gpus, settings):
        settings.VLLM_IDLE = 0
        first, second = Host("gpu@one", host.folder), Host("gpu@two", host.folder)
        submission = submit("answers")
        assert first.take_place(timezone.now())
        take_turn(second)
        assert (second.model, state(submission)) == (None, Submission.State.ANSWERING)
        assert not list(host.folder.glob("*.json"))
        assert "Another worker" in HostWorker.objects.get(name="gpu@two").message
        first.close(timezone.now())
        take_turn(second)
        assert state(submission) == Submission.State.ANSWERED
        take_turn(second)  # nothing to do: its GPU is free again
        assert first.take_place(timezone.now())
        first.close(timezone.now())

    def test_a_place_is_free_when_its_owner_is_gone(self, host, gpus, tmp_path):
        code = "import sys, pathlib; from arena.engines.vllm.places import Places; "
        code += "print(Places(pathlib.Path(sys.argv[1])).take(['GPU-1'])); sys.stdout.flush(); input()"
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(host.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert other.stdout.readline() == b"True\n"
        assert not host.take_place(timezone.now())
        other.kill()
        other.wait()
        assert host.take_place(timezone.now())
        host.close(timezone.now())


class TestControl:
    def test_a_paused_worker_keeps_its_model_and_a_drained_one_does_not(self, host):
        take_turn_for = submit("answers")
        take_turn(host)
        assert state(take_turn_for) == Submission.State.ANSWERED
        waits = submit("answers", prompts=2)
        HostWorker.objects.update(control="paused")
        take_turn(host)
        assert (state(waits), host.model) == (Submission.State.ANSWERING, waits.host_model)
        HostWorker.objects.update(control="drained")
        take_turn(host)
        assert (state(waits), host.model) == (Submission.State.ANSWERING, None)
        HostWorker.objects.update(control="")
        take_turn(host)
        assert state(waits) == Submission.State.ANSWERED


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
