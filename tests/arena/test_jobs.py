"""The queue of record under races, expired leases and lost workers, on a real PostgreSQL."""

import contextlib
import threading
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena import jobs, turns
from arena.models import Job

LEASE = 60.0


def claim(limit=10, lease=LEASE):
    return jobs.claim("judge", 1, limit=limit, lease=lease, worker="w")


def expire(held):
    """Let a lease run out without waiting for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE arena_job SET lease_until = clock_timestamp() - interval '1s' WHERE id = %s", [held.id]
        )


@pytest.mark.django_db
class TestClaiming:
    def test_a_subject_is_queued_once(self):
        jobs.enqueue("judge", 1, [7, 8])
        jobs.enqueue("judge", 1, [8, 9])
        assert sorted(Job.objects.values_list("subject", flat=True)) == [7, 8, 9]

    def test_oldest_first_and_only_of_that_owner(self):
        jobs.enqueue("judge", 1, [5, 4, 3])
        jobs.enqueue("judge", 2, [1])
        assert [held.subject for held in claim(limit=2)] == [5, 4]

    def test_a_running_job_is_not_claimed_again(self):
        jobs.enqueue("judge", 1, [1])
        assert len(claim()) == 1
        assert claim() == []

    def test_an_expired_lease_is_claimed_with_a_new_token(self):
        jobs.enqueue("judge", 1, [1])
        [first] = claim()
        expire(first)
        [second] = claim()
        assert second.id == first.id
        assert second.token != first.token
        assert second.attempts == 2

    def test_lost_ones_come_first_and_postponed_ones_last(self):
        jobs.enqueue("judge", 1, [1, 2, 3, 4])
        postponed, lost = claim(limit=2)
        with jobs.fenced([postponed]):
            jobs.postpone([postponed], "timeout", "No answer in time.", delay=-1)
        expire(lost)
        # The order of claiming, one at a time: 2 lost its worker, 3 and 4 were not tried, 1 is due again.
        assert [claim(limit=1)[0].subject for _ in range(4)] == [2, 3, 4, 1]

    def test_each_branch_has_its_index(self):
        """With many rows that run, that wait for later and that ended, a claim reads what it takes."""
        jobs.enqueue("judge", 1, range(4000))
        claim(limit=1500)
        jobs.postpone(claim(limit=1500), "timeout", "No answer in time.", delay=600)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE arena_job")
        with CaptureQueriesContext(connection) as asked:
            assert len(claim(limit=5)) == 5
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked[0]['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        for index in ("job_leases", "job_pending"):
            assert f"Index Scan using {index}" in plan, plan
        assert "Seq Scan" not in plan, plan

    def test_given_back_jobs_do_not_count_the_attempt(self):
        jobs.enqueue("judge", 1, [1])
        jobs.give_back(claim())
        [again] = claim()
        assert again.attempts == 1

    def test_all_of_an_owner_is_given_back_as_if_it_had_not_been_claimed(self):
        jobs.enqueue("judge", 1, [1, 2])
        jobs.enqueue("judge", 2, [3])
        held = claim(limit=1)
        jobs.claim("judge", 2, limit=1, lease=LEASE, worker="w")
        assert jobs.give_back_all("judge", 1) == 1
        with jobs.fenced(held) as ours:
            assert ours == []
        assert [(again.subject, again.attempts, again.deaths) for again in claim()] == [(1, 1, 0), (2, 1, 0)]
        assert Job.objects.get(owner=2).state == Job.State.RUNNING

    def test_a_worker_that_starts_again_takes_back_what_it_held(self):
        jobs.enqueue("judge", 1, [1, 2])
        claim(limit=1)
        jobs.claim("judge", 1, limit=1, lease=LEASE, worker="another")
        assert jobs.give_back_of("w") == 1
        # Both stay counted: it may be this job that ended the worker.
        assert [(held.subject, held.attempts, held.deaths) for held in claim()] == [(1, 2, 1)]


def die(claims):
    for held in claims:
        expire(held)


@pytest.mark.django_db
class TestSuspects:
    def test_a_job_that_kills_its_workers_is_found_and_fails_alone(self):
        jobs.enqueue("judge", 1, range(100))
        sizes = []
        while jobs.has_claimable("judge", 1):
            claims = claim(limit=100)
            sizes.append(len(claims))
            if 42 in [held.subject for held in claims]:
                die(claims)
            else:
                with jobs.fenced(claims) as ours:
                    jobs.finish(ours)
            jobs.fail_abandoned()
        # All at once; ten by ten, of which 40 to 49 are the fifth and die; of those the third by itself dies.
        assert sizes == [100, 10, 10, 10, 10, 10, 1, 1, 1, *[1] * 7, 10, 10, 10, 10, 10]
        killer = Job.objects.exclude(state=Job.State.DONE).get()
        assert (killer.subject, killer.state, killer.attempts) == (42, Job.State.FAILED, jobs.MAX_DEATHS)
        assert killer.error_code == "worker_died"
        assert "nothing else under way" in killer.error

    def test_an_engine_that_dies_says_so_and_spends_no_attempt(self):
        jobs.enqueue("judge", 1, [1])
        for deaths in range(jobs.MAX_DEATHS):
            [held] = claim()
            assert (held.deaths, held.attempts) == (deaths, 1)
            with jobs.fenced([held]):
                assert jobs.suspect([held]) == (deaths == jobs.MAX_DEATHS - 1)
        assert claim() == []
        assert (Job.objects.get().state, Job.objects.get().error_code) == (Job.State.FAILED, "engine_died")

    def test_what_was_put_down_in_mid_work_waits_its_delay(self):
        jobs.enqueue("judge", 1, [1])
        [held] = claim()
        with jobs.fenced([held]):
            jobs.suspect([held], delay=600)
        assert not jobs.has_claimable("judge", 1)
        assert claim() == []

    def test_a_site_that_is_killed_again_and_again_ends_its_killer(self):
        jobs.enqueue("judge", 1, [1])
        for _ in range(jobs.MAX_DEATHS):
            assert len(claim()) == 1
            jobs.give_back_of("w")
        assert (claim(), jobs.has_claimable("judge", 1), jobs.fail_abandoned()) == ([], False, 1)

    def test_tried_again_it_is_no_suspect_any_more(self):
        jobs.enqueue("judge", 1, [1, 2])
        Job.objects.update(state=Job.State.FAILED, deaths=jobs.MAX_DEATHS)
        jobs.retry_failed("judge", 1)
        assert len(claim()) == 2


@pytest.mark.django_db
class TestFencing:
    def test_a_holder_whose_lease_was_taken_is_left_out(self):
        jobs.enqueue("judge", 1, [1])
        [zombie] = claim()
        expire(zombie)
        [heir] = claim()
        with jobs.fenced([zombie]) as ours:
            assert ours == []
        with jobs.fenced([heir]) as ours:
            assert ours == [heir]
            jobs.finish(ours)
        assert Job.objects.get().state == Job.State.DONE

    def test_a_finished_job_is_nobodys(self):
        jobs.enqueue("judge", 1, [1, 2])
        first, second = claim()
        with jobs.fenced([first]) as ours:
            jobs.finish(ours)
        with jobs.fenced([first, second]) as ours:
            assert ours == [second]

    def test_an_error_inside_stores_nothing(self):
        jobs.enqueue("judge", 1, [1])
        claims = claim()
        with contextlib.suppress(ZeroDivisionError), jobs.fenced(claims) as ours:
            jobs.finish(ours)
            raise ZeroDivisionError
        assert Job.objects.get().state == Job.State.RUNNING


@pytest.mark.django_db
class TestRetrying:
    def test_a_retried_job_waits_its_delay(self):
        jobs.enqueue("judge", 1, [1])
        [held] = claim()
        with jobs.fenced([held]):
            jobs.retry(held, "timeout", "No answer in time.")
        job = Job.objects.get()
        assert (job.state, job.error_code) == (Job.State.PENDING, "timeout")
        assert claim() == []
        assert not jobs.has_claimable("judge", 1)

    def test_a_postponed_job_spends_no_attempt(self):
        jobs.enqueue("judge", 1, [1])
        claims = claim()
        with jobs.fenced(claims):
            jobs.postpone(claims, "unreachable", "Nobody answers.", delay=600)
        assert (claim(), Job.objects.get().attempts) == ([], 0)
        assert jobs.retry_failed("judge", 1) == 1
        assert claim()[0].attempts == 1

    def test_a_dropped_job_may_be_queued_again(self):
        jobs.enqueue("judge", 1, [1])
        claims = claim()
        with jobs.fenced(claims):
            jobs.drop(claims)
        jobs.enqueue("judge", 1, [1])
        assert len(claim()) == 1

    def test_attempts_run_out(self):
        jobs.enqueue("judge", 1, [1])
        Job.objects.update(attempts=jobs.MAX_ATTEMPTS - 1)
        [held] = claim()
        with jobs.fenced([held]):
            jobs.retry(held, "timeout", "No answer in time.")
        assert Job.objects.get().state == Job.State.FAILED

    def test_failed_jobs_can_be_given_new_attempts(self):
        jobs.enqueue("judge", 1, [1])
        [held] = claim()
        with jobs.fenced([held]):
            jobs.fail(held, "not_found", "There is no such model.")
        assert jobs.retry_failed("judge", 1) == 1
        assert claim()[0].attempts == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_eight_workers_never_share_a_job(self):
        jobs.enqueue("judge", 1, range(400))
        claimed: list[int] = []

        def work():
            try:
                while batch := claim(limit=7):
                    claimed.extend(held.subject for held in batch)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(claimed) == list(range(400))

    def test_keep_alive_outlasts_the_lease(self):
        jobs.enqueue("judge", 1, [1])
        held = claim(lease=1.5)
        with jobs.keep_alive(held, 1.5):
            time.sleep(2.5)
            assert claim() == []
        time.sleep(1.6)
        assert len(claim()) == 1

    def test_alone_lets_one_in(self):
        entered = []

        def other():
            try:
                with turns.alone("judge 1") as mine:
                    entered.append(mine)
            finally:
                connection.close()

        with turns.alone("judge 1") as mine:
            assert mine
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert entered == [False]
        with turns.alone("judge 1") as mine:
            assert mine

    def test_a_turn_ends_with_the_lease_of_one_that_is_silent(self, settings, monkeypatch):
        settings.LEASE_SECONDS = 1
        monkeypatch.setattr(turns, "_stay_awake", lambda guard, done: None)  # as if it were stopped
        with turns.alone("judge 1"):
            end = time.monotonic() + 60
            entered = False
            while not entered and time.monotonic() < end:
                with turns.alone("judge 1") as entered:
                    time.sleep(0.1)
            assert entered

    def test_a_turn_that_ended_is_free_at_once(self):
        for _ in range(100):
            with turns.alone("judge 1") as mine:
                assert mine

    def test_a_turn_is_kept_for_longer_than_a_lease(self, settings):
        settings.LEASE_SECONDS = 1
        with turns.alone("judge 1"):
            time.sleep(2.5)
            with turns.alone("judge 1") as mine:
                assert not mine

    def test_leases_of_what_is_claimed_later_are_kept_too(self):
        jobs.enqueue("judge", 1, [1])
        held: list[jobs.Claim] = []
        with jobs.keep_alive(held, 0.3):
            held += claim(lease=5.0)
            before = Job.objects.get().lease_until
            end = time.monotonic() + 10
            while Job.objects.get().lease_until == before and time.monotonic() < end:
                time.sleep(0.05)
        # From then on it is kept for 0.3 s at a time, less than the 5 s of its claim.
        assert Job.objects.get().lease_until < before
