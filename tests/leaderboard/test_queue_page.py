"""/queue/ and /queue/operate/: what everybody reads, what staff do."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from arena import jobs
from arena.models import HostModel, HostWorker, Job, Queue, Run, Submission
from arena.models.jobs import ANSWER
from arena.services.submissions import Entry, accept_host_model
from judging.services.judging import plan_judging
from leaderboard.views import cached
from tests.factories import make_answers, make_benchmark, make_endpoint, make_judge, make_matches

pytestmark = pytest.mark.django_db


def see(client, address="/queue/") -> str:
    cached.CACHE.clear()
    return client.get(address).content.decode()


def make_worker(name="io@one", **fields) -> HostWorker:
    now = timezone.now()
    defaults = {"since": now, "seen_at": now, "queues": ["io"], "serves": False}
    return HostWorker.objects.create(name=name, **defaults | fields)


def make_run(worker: str, submission: Submission, *, ended=0, seconds=60) -> Run:
    now = timezone.now()
    since = now - timedelta(seconds=seconds)
    return Run.objects.create(
        worker=worker, kind=ANSWER, owner=submission.pk, since=since, seen_at=now, ended=ended
    )


def host_submission(source="/srv/secret/tiny-1", **fields) -> Submission:
    entry = Entry(None, make_benchmark(4), f"On a host {Submission.objects.count()}")
    options = {"revision": "", "dtype": "auto", "max_model_len": None}
    submission = accept_host_model(entry, source=source, now=timezone.now(), **options)
    submission.note_checked(submission.host_model, timezone.now())
    return submission


class TestWhatEverybodySees:
    def test_an_empty_queue_says_so(self, client):
        page = see(client)
        assert "No worker is running" in page
        assert "Nothing waits" in page

    def test_a_worker_with_what_it_is_at(self, client):
        make_worker(
            "gpu@one",
            serves=True,
            queues=["gpu"],
            gpus=[{"index": n, "name": "NVIDIA H100", "total": 81920, "free": 40960} for n in (0, 1)],
            memory_mib=163840,
            vllm_version="vLLM 0.32.0",
            state="ready",
        )
        submission = make_endpoint(make_benchmark(10), "http://secret.lan/v1")
        Job.objects.filter(pk__in=Job.objects.order_by("pk").values("pk")[:4]).update(state="done")
        make_run("gpu@one", submission, ended=60, seconds=20)
        page = see(client)
        # 60 in 20 s are 3 a second; 6 of 10 are left.
        assert "4 of 10, 3 a second, done in about 2 s" in page
        assert "2 × NVIDIA H100 · 80 of 160 GiB free · vLLM 0.32.0 · takes gpu" in page
        assert submission.competitor.name in page
        assert submission.benchmark.name in page
        assert "secret" not in page
        assert "Nothing waits: everything that was sent is under way" in page

    def test_a_host_without_gpu_says_so(self, client):
        make_worker("gpu@one", serves=True, queues=["gpu"], memory_mib=24 * 1024)
        assert "no GPU, 24 GiB · takes gpu" in see(client)

    def test_a_path_on_the_host_is_not_shown(self, client):
        model = HostModel.objects.create(source="/srv/secret/tiny-1")
        make_worker("gpu@one", serves=True, state="loading", host_model=model)
        page = see(client)
        assert "Loading tiny-1 for about 1 s" in page
        assert "secret" not in page

    def test_a_failure_and_a_log_are_for_staff(self, client, olga):
        make_worker("gpu@one", serves=True, state="failed", message="No folder /srv/x.", log="/srv/x is gone")
        assert "/srv/x" not in see(client)
        client.force_login(olga)
        assert "No folder /srv/x." in see(client, "/queue/operate/")

    def test_who_says_nothing_is_lost_and_who_stopped_is_gone(self, client):
        ago = timezone.now() - timedelta(minutes=3)
        make_worker("io@lost", seen_at=ago)
        make_worker("io@stopped", state="stopped")
        make_worker("io@yesterday", seen_at=ago - timedelta(days=1))
        page = see(client)
        assert "Last seen about 3 min ago" in page
        assert "io@stopped" not in page
        assert "io@yesterday" not in page

    def test_a_closed_benchmark_is_named_to_staff_alone(self, client, olga):
        make_worker()
        submission = make_endpoint(make_benchmark(2, slug="hush"), "http://h/v1")
        make_run("io@one", submission)
        submission.benchmark.is_open = False
        submission.benchmark.save()
        assert "Hush" not in see(client)
        assert "a closed benchmark" in see(client)
        client.force_login(olga)
        assert "Hush" in see(client, "/queue/operate/")

    def test_a_withdrawn_model_does_not_wait(self, client):
        submission = make_endpoint(make_benchmark(2), "http://h/v1")
        submission.competitor.withdraw(now=timezone.now())
        assert submission.competitor.name not in see(client)

    def test_judges_with_what_they_have_to_rule_on(self, client):
        benchmark = make_benchmark(2)
        make_answers(benchmark, "red", "green")
        make_matches(benchmark)
        judge = make_judge("Solomon")
        plan_judging(judge)
        page = see(client)
        assert "Solomon" in page
        assert "2 matches" in page
        make_worker()
        now = timezone.now()
        since = now - timedelta(seconds=10)
        Run.objects.create(worker="io@one", kind="judge", owner=judge.pk, since=since, seen_at=now, ended=20)
        page = see(client)
        assert "20 matches judged, 2 a second" in page
        assert "in about 1 s" in page


class TestEstimates:
    def test_no_worker_no_estimate(self, client):
        make_endpoint(make_benchmark(2), "http://h/v1")
        assert "no worker for it is running" in see(client)

    def test_a_free_worker_takes_the_first_and_the_rest_is_unknown(self, client):
        make_worker("gpu@one", serves=True, queues=["gpu"])
        for _ in range(2):
            host_submission()
        page = see(client)
        assert "in a moment" in page
        assert "no estimate yet" in page

    def test_measured_rates_say_when(self, client):
        make_worker("gpu@one", serves=True, queues=["gpu"])
        busy = host_submission()
        make_run("gpu@one", busy, ended=6, seconds=60)  # 0.1 a second
        for _ in range(2):
            host_submission()
        page = see(client)
        # 4 prompts at 0.1 a second are 40 s, which the second waits once more.
        assert "in about 40 s" in page
        assert "in about 80 s" not in page  # 80 s are said as minutes
        assert "in about 1 min" in page

    def test_endpoints_make_room_after_their_turn(self, client):
        make_worker()
        for number in range(4):  # two are asked at a time, and each has 1,000 s of work
            submission = make_endpoint(make_benchmark(10), "http://h/v1")
            if number < 2:
                make_run("io@one", submission, ended=1, seconds=100)
        page = see(client)
        # Two turns of 20 s are under way in two places: the third starts within 20 s, the fourth after 30 s.
        assert "in about 20 s" in page
        assert "in about 30 s" in page

    def test_a_dry_run_waits_for_its_sender(self, client):
        make_worker()
        submission = make_endpoint(make_benchmark(4), "http://one.lan/v1", dry_run=True)
        submission.note_tried(timezone.now())
        page = see(client)
        assert "once its sender has read its dry run" in page
        assert "in a moment" not in page

    def test_what_fits_nowhere_says_so(self, client):
        make_worker("gpu@one", serves=True, queues=["gpu"], memory_mib=8000)
        submission = host_submission()
        submission.host_model.facts = {"memory_mib": 20000}
        submission.host_model.save()
        assert "no worker has the memory for it" in see(client)

    def test_a_pause_stops_all_estimates(self, client):
        make_worker()
        make_endpoint(make_benchmark(2), "http://h/v1")
        Queue.objects.create(pk=1, paused_at=timezone.now(), note="A new driver is installed.")
        page = see(client)
        assert "The queue is paused." in page
        assert "A new driver is installed." in page
        assert "when the queue goes on" in page


class TestPlaces:
    def test_by_priority_then_by_who_waited_longest(self, client):
        first, second, third = (make_endpoint(make_benchmark(1), "http://h/v1") for _ in range(3))
        Submission.objects.filter(pk=first.pk).update(turn_at=timezone.now())  # had a turn
        Submission.objects.filter(pk=third.pk).update(priority=1)
        page = see(client)
        places = [page.index(row.competitor.name) for row in (third, second, first)]
        assert places == sorted(places)
        order = Submission.objects.answering(timezone.now()).take_turns()
        assert [row.pk for row in order] == [third.pk, second.pk, first.pk]

    def test_twenty_five_a_page(self, client):
        benchmark = make_benchmark(1)
        for _ in range(28):
            make_endpoint(benchmark, "http://h/v1")
        assert "Page 1 of 2" in see(client)
        make_worker()
        last = see(client, "/queue/?page=2")
        assert "in a moment" not in last  # that is said of the first in the queue
        assert last.count("<tr>") == 1 + 3
        assert 'data-label="Place:">28<' in last
        for odd in ("0", "-1", "x", "9" * 30, "²"):
            assert "Page" in see(client, f"/queue/?page={odd}")

    def test_the_part_that_moves_is_served_alone(self, client):
        part = see(client, "/queue/?part=live")
        assert part.lstrip().startswith('<div id="queue"')
        assert "<html" not in part


class TestOperating:
    @pytest.fixture
    def act(self, client, olga):
        client.force_login(olga)

        def post(act: str, note: str = "") -> str:
            response = client.post("/queue/operate/", {"act": act, "note": note}, follow=True)
            assert response.status_code == 200
            return response.content.decode()

        return post

    def test_staff_alone(self, client, bob):
        worker = make_worker()
        assert client.get("/queue/operate/").status_code == 302
        client.force_login(bob)
        assert client.get("/queue/operate/").status_code == 403
        assert client.post("/queue/operate/", {"act": f"pause:{worker.pk}"}).status_code == 403
        worker.refresh_from_db()
        assert worker.control == ""

    def test_pause_and_go_on(self, act, olga):
        assert "The queue is paused: workers finish" in act("pause_all", "A new driver.")
        assert Queue.read().note == "A new driver."
        assert "The queue was paused already." in act("pause_all")
        assert "The queue goes on." in act("resume_all")
        assert Queue.read().paused_at is None
        entries = LogEntry.objects.order_by("pk")
        assert [entry.user for entry in entries] == [olga, olga]
        assert entries[0].get_change_message().endswith("in hand. A new driver.")

    def test_one_worker(self, act):
        worker = make_worker()
        for verb, control in (("pause", "paused"), ("drain", "drained"), ("resume", "")):
            page = act(f"{verb}:{worker.pk}")
            worker.refresh_from_db()
            assert worker.control == control
            assert "io@one" in page
        assert LogEntry.objects.count() == 3

    def test_priorities_have_ends(self, act):
        submission = make_endpoint(make_benchmark(1), "http://h/v1")
        assert "has priority +1 now" in act(f"up:{submission.pk}")
        assert "has priority +0 now" in act(f"down:{submission.pk}")
        Submission.objects.update(priority=-9)
        assert "cannot go further" in act(f"down:{submission.pk}")
        assert LogEntry.objects.count() == 2

    def test_running_work_is_given_back_and_its_holder_refused(self, act):
        submission = make_endpoint(make_benchmark(3), "http://h/v1")
        claims = jobs.claim(ANSWER, submission.pk, limit=2, lease=600, worker="io@one")
        assert "2 prompts given back" in act(f"requeue:{submission.pk}")
        assert set(Job.objects.values_list("state", flat=True)) == {"pending"}
        with jobs.fenced(claims) as ours:
            assert ours == []

    def test_a_failed_one_is_tried_again(self, act):
        submission = make_endpoint(make_benchmark(1), "http://h/v1")
        submission.fail("timeout", "It was slow.")
        page = act("pause_all")
        assert "Failed lately" in page
        assert "is tried again" in act(f"requeue:{submission.pk}")
        submission.refresh_from_db()
        assert submission.state == Submission.State.ANSWERING
        Submission.objects.update(state="paired")
        assert "has nothing in the queue" in act(f"requeue:{submission.pk}")

    def test_all_that_takes_the_focus_has_an_id_so_that_it_stays_there(self, client, olga):
        workers = [make_worker(name, control="paused") for name in ("io@one", "io@two")]
        busy, waits, failed = (make_endpoint(make_benchmark(4), "http://h/v1") for _ in range(3))
        failed.fail("timeout", "It was slow.")
        for worker in workers:  # both at one submission
            make_run(worker.name, busy)
        client.force_login(olga)
        page = see(client, "/queue/operate/?part=live")
        tags = re.findall(r"<(?:a|button|pre) [^>]*>", page)
        ids = [re.findall(r' id="([\w-]+)"', tag) for tag in tags]
        assert len(tags) == len(workers) * 6 + 4 + 2, "of a worker two levers, its run and that one's three"
        assert all(ids)
        assert len({each for [each] in ids}) == len(tags)
        assert f'id="waits-{waits.pk}"' in page

    @pytest.mark.parametrize("act", ["", "pause", "pause:999", "explode:1", "up:x", "requeue:999"])
    def test_what_does_not_exist(self, client, olga, act):
        client.force_login(olga)
        assert client.post("/queue/operate/", {"act": act}).status_code == 404
        assert not LogEntry.objects.exists()
