"""What workers say of themselves, and how they hear what operators want of them."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from arena import brake, jobs
from arena.engines.vllm.gpus import Gpu, group_gpus, read_gpus
from arena.models import HostModel, HostWorker, Job, Queue, Run, Submission
from arena.models.jobs import ANSWER
from arena.services import answering, workers
from arena.services.workers import Reporter, control_of, may_claim
from tests.factories import make_benchmark, make_endpoint
from tests.servers import running_server

TWO_GPUS = """\
0, GPU-11111111-aaaa, NVIDIA H100 80GB HBM3, 81559, 81008
1, GPU-22222222-bbbb, NVIDIA H100 80GB HBM3, 81559, 1200
"""


@pytest.fixture(autouse=True)
def brake_released():
    yield
    brake.release()


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Puts a stand-in for NVIDIA's tool on the path, which prints a text."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def put(text: str, status: int = 0) -> None:
        (tmp_path / "said").write_text(text)
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\ncat {tmp_path}/said\nexit {status}\n')
        tool.chmod(0o755)

    return put


class TestGpus:
    def test_each_with_its_memory(self, nvidia_smi, tmp_path):
        nvidia_smi(TWO_GPUS)
        assert [(gpu.number, gpu.name, gpu.total, gpu.free) for gpu in read_gpus()] == [
            (0, "NVIDIA H100 80GB HBM3", 81559, 81008),
            (1, "NVIDIA H100 80GB HBM3", 81559, 1200),
        ]
        asked = (tmp_path / "asked").read_text()
        assert asked == "--query-gpu=index,uuid,name,memory.total,memory.free --format=csv,noheader,nounits\n"

    @pytest.mark.parametrize(
        ("visible", "indices"), [("1", [1]), ("0,1", [0, 1]), ("GPU-2222", [1]), ("", []), ("7", [])]
    )
    def test_only_those_that_this_process_may_use(self, nvidia_smi, monkeypatch, visible, indices):
        nvidia_smi(TWO_GPUS)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [gpu.number for gpu in read_gpus()] == indices

    @pytest.mark.parametrize(
        ("text", "status"), [("No devices were found\n", 0), ("driver mismatch\n", 9), (TWO_GPUS, 9), ("", 0)]
    )
    def test_none_when_the_driver_has_none(self, nvidia_smi, text, status):
        nvidia_smi(text, status)
        assert read_gpus() == []

    def test_memory_that_the_tool_does_not_know(self, nvidia_smi):
        nvidia_smi("0, GPU-1, NVIDIA GB10, [N/A], [N/A]\n")
        assert [(gpu.total, gpu.free) for gpu in read_gpus()] == [(0, 0)]


class TestGroups:
    FOUR = [Gpu(number, f"GPU-{number}", "NVIDIA H100", 81559, 81008) for number in range(4)]

    @pytest.mark.parametrize(
        ("given", "size", "groups"),
        [
            ("", 1, ["0", "1", "2", "3"]),
            ("", 2, ["0,1", "2,3"]),
            ("", 3, ["0,1,2"]),
            ("", 8, [""]),
            ("0,1;3", 1, ["0,1", "3"]),
            (" 2 , 3 ; ", 1, ["2,3"]),
        ],
    )
    def test_one_worker_a_group(self, given, size, groups):
        assert group_gpus(given, self.FOUR, size) == groups

    def test_without_gpus_there_is_one(self):
        assert group_gpus("", [], 1) == [""]

    def test_a_gpu_in_two_groups_is_refused(self):
        with pytest.raises(ValueError, match="twice"):
            group_gpus("0,1;1,2", self.FOUR, 1)


@pytest.mark.django_db
class TestReports:
    def test_a_gpu_host(self, nvidia_smi, settings, tmp_path):
        nvidia_smi(TWO_GPUS)
        settings.VLLM_PYTHON = str(tmp_path / "python")  # says what vLLM's own would say
        (tmp_path / "python").write_text("#!/bin/sh\necho 0.32.0\n")
        (tmp_path / "python").chmod(0o755)
        Reporter("gpu@one", ["gpu"]).begin()
        worker = HostWorker.objects.get()
        assert (worker.name, worker.queues, worker.serves, worker.state) == ("gpu@one", ["gpu"], True, "idle")
        assert [gpu["free"] for gpu in worker.gpus] == [81008, 1200]
        assert worker.memory_mib == 2 * 81559
        assert worker.vllm_version == "vLLM 0.32.0"
        assert worker.architectures == []  # it did not say
        assert worker.started_at == worker.seen_at

    def test_a_host_without_gpus_counts_its_own_memory(self, nvidia_smi, settings):
        nvidia_smi("", 9)
        settings.VLLM_PYTHON = "/nowhere/python"
        Reporter("gpu@one", ["gpu"]).begin()
        worker = HostWorker.objects.get()
        assert worker.gpus == []
        assert worker.memory_mib > 256
        assert worker.vllm_version == ""

    def test_a_worker_of_endpoints_is_there_and_serves_no_models(self):
        now = timezone.now()
        Reporter("io@one", ["io", "default"]).begin()
        worker = HostWorker.objects.present(now).get()
        assert (worker.queues, worker.memory_mib) == (["default", "io"], None)
        assert not HostWorker.objects.seen(now).exists()

    def test_signs_of_life_leave_the_model_alone(self):
        reporter = Reporter("gpu@one", ["gpu"])
        reporter.begin()
        old, model = timezone.now() - timedelta(hours=2), HostModel.objects.create(source="a/b")
        HostWorker.objects.update(seen_at=old, since=old, state="ready", host_model=model)
        reporter.beat()
        worker = HostWorker.objects.get()
        assert worker.seen_at > timezone.now() - timedelta(minutes=1)
        assert (worker.since, worker.state, worker.host_model) == (old, "ready", model)

    def test_a_row_that_was_deleted_comes_back(self):
        Reporter("io@one", ["io"]).beat()
        assert HostWorker.objects.get().queues == ["io"]

    def test_the_end_gives_everything_back_at_once(self):
        benchmark = make_benchmark(3)
        submission = make_endpoint(benchmark, "http://127.0.0.1:9/v1")
        reporter = Reporter("io@one", ["io"])
        reporter.begin()
        Run.begin("io@one", ANSWER, submission.pk)
        assert len(jobs.claim(ANSWER, submission.pk, limit=2, lease=600, worker="io@one")) == 2
        [other] = jobs.claim(ANSWER, submission.pk, limit=1, lease=600, worker="io@two")
        reporter.end()
        assert set(Job.objects.filter(state="running").values_list("pk", flat=True)) == {other.id}
        assert not Run.objects.get().is_open
        assert not HostWorker.objects.present(timezone.now()).exists()


@pytest.mark.django_db
class TestControl:
    @pytest.fixture
    def reporter(self):
        reporter = Reporter("io@one", ["io"])
        reporter.begin()
        return reporter

    @pytest.mark.parametrize("control", ["paused", "drained"])
    def test_one_worker_claims_nothing(self, reporter, control):
        assert may_claim("io@one")
        HostWorker.objects.update(control=control)
        assert control_of("io@one") == control
        assert not may_claim("io@one")
        assert may_claim("io@two")
        reporter.beat()
        assert brake.is_on()
        HostWorker.objects.update(control="")
        reporter.beat()
        assert not brake.is_on()

    def test_a_pause_of_the_queue_holds_all(self, reporter):
        Queue.objects.create(pk=1, paused_at=timezone.now())
        assert control_of("io@one") == control_of("unknown") == "paused"
        reporter.beat()
        assert brake.is_on()

    def test_a_restart_forgets_nothing(self, reporter):
        HostWorker.objects.update(control="drained")
        Reporter("io@one", ["io"]).begin()
        assert HostWorker.objects.get().control == "drained"


@pytest.mark.django_db
class TestBrake:
    @pytest.fixture(autouse=True)
    def loopback_allowed(self, settings):
        settings.ENDPOINT_ALLOW = "127.0.0.1"
        settings.ENDPOINT_CONCURRENCY = 2

    def test_what_is_in_hand_is_finished_and_nothing_new_is_claimed(self):
        """Two are claimed, and asked, before the brake is on."""
        with running_server() as server:
            submission = make_endpoint(make_benchmark(9), server.base_url)
            feed = answering._Feed(submission, worker="tests", room=2, end=None)
            next(feed)
            brake.hold(True)
            with pytest.raises(StopIteration):
                next(feed)
            answering.answer_by_endpoint(submission, worker="tests")
            assert len(server.bodies) == 0
            jobs.give_back(feed.claims)
            brake.release()
            answering.answer_by_endpoint(submission, worker="tests")
            assert submission.answers.count() == 9

    def test_an_overdue_end_gives_back_what_does_not_answer(self):
        with running_server() as server:
            submission = make_endpoint(make_benchmark(5), server.base_url, model="slow:300")

            def stop_once_asked():
                end = time.monotonic() + 60
                while len(server.bodies) < 2 and time.monotonic() < end:
                    time.sleep(0.01)
                brake.stop(0)

            stopping = threading.Thread(target=stop_once_asked)
            stopping.start()
            answering.answer_by_endpoint(submission, worker="tests")
            stopping.join()
            assert len(server.bodies) == 2
        rows = Job.objects.filter(owner=submission.pk)
        assert set(rows.values_list("state", "attempts", "lease_until")) == {("pending", 0, None)}
        submission.refresh_from_db()
        assert (submission.state, submission.cause) == (Submission.State.ANSWERING, "")

    def test_a_run_says_how_many_ended_and_goes_on_within_a_minute(self):
        with running_server() as server:
            submission = make_endpoint(make_benchmark(5), server.base_url)
            answering.answer_by_endpoint(submission, worker="tests")
        first = Run.objects.get()
        assert (first.worker, first.kind, first.owner) == ("tests", ANSWER, submission.pk)
        assert (first.ended, first.is_open) == (5, False)
        again = Run.begin("tests", ANSWER, submission.pk)
        again.note(1)
        row = Run.objects.get()
        assert (row.since, row.ended, row.is_open) == (first.since, 6, True)
        Run.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
        Run.begin("tests", ANSWER, submission.pk)
        assert Run.objects.get().ended == 0


def test_the_names_of_workers():
    assert workers.me("gpu").startswith("gpu@")
    workers.introduce("gpu2@one")
    try:
        assert workers.me("gpu") == "gpu2@one"
    finally:
        workers._names.clear()


def test_the_brake_ends_at_its_time_and_is_not_put_off():
    assert (brake.is_on(), brake.is_stopping(), brake.is_overdue()) == (False, False, False)
    brake.stop(3600)
    brake.stop(0)
    assert (brake.is_on(), brake.is_stopping(), brake.is_overdue()) == (True, True, False)
    brake.release()
    brake.stop(0)
    time.sleep(0.01)
    assert brake.is_overdue()
