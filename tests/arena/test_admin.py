"""What staff can see and do in the admin."""

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.utils import timezone

from arena import admin, jobs
from arena.models import Ballot, Benchmark, Competitor, Job, Vote, Voter
from judging.models import KIND
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote, make_voter

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, olga):
    client.force_login(olga)
    return client


def act(client, model: str, action: str, *rows) -> str:
    """Choose rows in a list, carry out an action, and return what the list then says."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(f"/admin/{model}/", chosen, follow=True).content.decode()


def failed_job(subject: int, **fields) -> Job:
    defaults = {"kind": KIND, "owner": 1, "state": Job.State.FAILED, "attempts": 8, "error_code": "timeout"}
    return Job.objects.create(subject=subject, **(defaults | fields))


class TestVoters:
    def test_they_are_quarantined_and_released(self, staff):
        one, two = make_voter(), make_voter()
        assert "Quarantined: 2." in act(staff, "arena/voter", "quarantine", one, two)
        assert "Quarantined: 0." in act(staff, "arena/voter", "quarantine", one)
        assert "Released: 1." in act(staff, "arena/voter", "release", two)
        assert list(Voter.objects.filter(quarantined_at__isnull=False)) == [one]
        said = LogEntry.objects.filter(object_id=two.pk).values_list("change_message", flat=True)
        assert sorted(said) == ["Quarantined.", "Released."]


class TestJobs:
    def test_failed_and_postponed_ones_are_tried_again(self, staff):
        failed = failed_job(1, error="The server said <no>.")
        postponed = failed_job(2, state=Job.State.PENDING, next_attempt_at=timezone.now())
        done = failed_job(3, state=Job.State.DONE)
        assert "Waiting for a worker again: 2." in act(
            staff, "arena/job", "try_again", failed, postponed, done
        )
        states = {job.subject: (job.state, job.attempts, job.next_attempt_at) for job in Job.objects.all()}
        assert states == {1: ("pending", 0, None), 2: ("pending", 0, None), 3: ("done", 8, None)}

    def test_the_list_says_what_went_wrong_and_how_old_a_job_is(self, staff):
        failed_job(1, error="The server said <no>.")
        Job.objects.create(kind="other", owner=1, subject=9)
        page = staff.get("/admin/arena/job/").content.decode()
        assert "The server said &lt;no&gt;." in page
        assert "0\xa0minutes" in page  # both were just made
        assert "?kind=other" in page
        assert "?error_code=timeout" in page
        assert "1 job\n" in staff.get("/admin/arena/job/?kind=other").content.decode()
        assert "1 job\n" in staff.get("/admin/arena/job/?error_code=timeout&state=failed").content.decode()

    def test_kinds_are_found_one_by_one(self):
        assert jobs.kinds() == []
        for kind in ("judge", "judge", "answer", "judge-4"):
            Job.objects.create(kind=kind, owner=1, subject=Job.objects.count())
        assert jobs.kinds() == ["answer", "judge", "judge-4"]

    def test_a_judges_row_leads_to_its_jobs(self, staff):
        judge = make_judge()
        failed_job(1, owner=judge.pk)
        failed_job(2, owner=judge.pk, state=Job.State.PENDING)
        failed_job(3, owner=judge.pk, kind="other")
        page = staff.get("/admin/judging/judge/").content.decode()
        for state in ("failed", "pending"):
            address = f"/admin/arena/job/?kind=judge&amp;owner={judge.pk}&amp;state={state}"
            assert f'<a href="{address}">1</a>' in page
            assert "1 job\n" in staff.get(address.replace("&amp;", "&")).content.decode()


class TestModels:
    def test_they_are_withdrawn_and_restored(self, staff, olga):
        one, two = make_answers(make_benchmark(1), "red", "green")
        assert "Withdrawn: 2." in act(staff, "arena/competitor", "withdraw", one, two)
        assert "Withdrawn: 0." in act(staff, "arena/competitor", "withdraw", one)
        assert "Restored: 1." in act(staff, "arena/competitor", "restore", two)
        assert list(Competitor.objects.withdrawn()) == [one]
        history = LogEntry.objects.filter(object_id=two.pk, user=olga).order_by("pk")
        assert [entry.get_change_message() for entry in history] == ["Withdrawn.", "Restored."]
        for value, count in (("yes", 1), ("no", 1), ("nonsense", 2)):
            page = staff.get(f"/admin/arena/competitor/?withdrawn={value}").content.decode()
            assert f"{count} competitor" in page

    def test_somebody_who_may_only_look_cannot(self, client, bob):
        from django.contrib.auth.models import Permission

        bob.is_staff = True
        bob.save()
        bob.user_permissions.add(Permission.objects.get(codename="view_competitor"))
        [model] = make_answers(make_benchmark(1), "red")
        client.force_login(bob)
        act(client, "arena/competitor", "withdraw", model)
        assert not Competitor.objects.withdrawn().exists()


class TestBenchmarks:
    def test_they_are_closed_and_opened(self, staff):
        open_one, closed = make_benchmark(1), make_benchmark(1, is_open=False)
        assert "Closed: 1." in act(staff, "arena/benchmark", "close", open_one, closed)
        assert not Benchmark.objects.open().exists()
        assert "Opened: 2." in act(staff, "arena/benchmark", "reopen", open_one, closed)
        assert Benchmark.objects.open().count() == 2

    def test_the_list_counts(self, staff):
        benchmark = make_benchmark(2)
        make_answers(benchmark, "red", "green", "blue")
        Competitor.objects.first().withdraw(now=timezone.now())
        for match in make_matches(benchmark):
            make_vote(match)
        make_benchmark(0)
        page = staff.get("/admin/arena/benchmark/").content.decode()
        # 2 prompts; 3 models, one of them withdrawn; 3 pairs on each of 2 prompts with a vote each.
        for column, number in (("prompts", 2), ("models", 2), ("votes", 6)):
            assert f'<td class="field-{column}">{number}</td>' in page
            assert f'<td class="field-{column}">0</td>' in page


def test_an_open_ballot_keeps_its_match_to_itself(staff):
    make_answers(benchmark := make_benchmark(1), "red", "green")
    [match] = make_matches(benchmark)
    ballot = Ballot.objects.create(
        voter=make_voter(), match=match, order="AB", issued_at=timezone.now(), token=uuid.uuid4()
    )
    for address in ("/admin/arena/ballot/", f"/admin/arena/ballot/{ballot.pk}/change/"):
        page = staff.get(address).content.decode()
        assert "hidden until the vote" in page
        assert match.get_absolute_url() not in page
        assert str(ballot.token) not in page
    Ballot.objects.update(answered_at=timezone.now())
    assert match.get_absolute_url() in staff.get("/admin/arena/ballot/").content.decode()


def test_a_list_does_not_ask_row_by_row(staff, django_assert_max_num_queries):
    make_answers(benchmark := make_benchmark(10), "red", "green")
    for match in make_matches(benchmark):
        make_vote(match)
        Ballot.objects.create(voter=make_voter(), match=match, order="AB", issued_at=timezone.now())
    for model in ("vote", "ballot", "voter", "competitor", "job"):
        # The session, its user, the filters and the page: ten rows add nothing.
        with django_assert_max_num_queries(9):
            assert staff.get(f"/admin/arena/{model}/").status_code == 200


def test_a_large_table_is_counted_by_the_databases_estimate(monkeypatch):
    make_answers(benchmark := make_benchmark(10), "red", "green")
    for match in make_matches(benchmark):
        make_vote(match)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE arena_vote")
    Vote.objects.first().delete()
    rows = Vote.objects.order_by("-pk")
    assert admin.LargePaginator(rows, 100).count == 9
    monkeypatch.setattr(admin.lists, "COUNTED", 5)
    assert admin.LargePaginator(rows, 100).count == 10  # as the database saw it last
    assert admin.LargePaginator(rows.filter(winner="model_a"), 100).count == 9
