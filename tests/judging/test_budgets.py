"""Caps on what a judge does, and what a run will take before it starts."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from arena.models import Job
from judging.models import Judge
from judging.services.estimating import estimate, measure_rate
from judging.services.judging import judge_pending, plan_judging
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.servers import running_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def matches():
    """Three pairs on each of twelve prompts: 36 matches, 72 rulings."""
    benchmark = make_benchmark(prompts=12)
    make_answers(benchmark, "short", "rather longer", "the longest answer of all")
    return make_matches(benchmark)


def judge_all(judge):
    plan_judging(judge)
    return sum(tally.done for tally in judge_pending(judge, worker="tests"))


def at(server, model="judge", **fields):
    return make_judge(engine=Judge.Engine.OPENAI, base_url=server.base_url, model=model, **fields)


class TestCaps:
    def test_no_more_matches_are_planned_than_the_budget_has(self, matches):
        judge = make_judge(budget_matches=10)
        assert plan_judging(judge) == 10
        assert plan_judging(judge) == 0
        judge.budget_matches = 12
        assert plan_judging(judge) == 2

    def test_failed_matches_do_not_count(self, matches):
        judge = make_judge(budget_matches=10)
        plan_judging(judge)
        Job.objects.filter(pk__in=Job.objects.values("pk")[:3]).update(state=Job.State.FAILED)
        assert plan_judging(judge) == 3

    def test_a_budget_lowered_after_planning_holds(self, matches):
        judge = make_judge()
        plan_judging(judge)
        judge.budget_matches = 5
        assert judge_all(judge) == 5
        left = Job.objects.exclude(state=Job.State.DONE)
        assert set(left.values_list("state", "error_code", "attempts")) == {("pending", "budget_spent", 0)}
        # So that nobody finds work at each tick, nor loads a model for it.
        assert not left.filter(next_attempt_at=None).exists()

    def test_raised_it_goes_on(self, matches):
        judge = make_judge(budget_matches=5)
        assert judge_all(judge) == 5
        judge.budget_matches = 7
        assert judge_all(judge) == 2

    def test_money(self, matches, server, settings):
        settings.JUDGE_CONCURRENCY = 4
        # A ruling has 11 tokens in and 7 out: 11 * 1 + 7 * 2 = 25 millionths. There is money for 20.
        judge = at(server, price_in=1.0, price_out=2.0, budget_cost=500e-6)
        judge_all(judge)
        # Nothing was known of the first eight, which are all that can be under way.
        assert 18 <= judge.judgments.count() <= 20
        assert sum(judge.judgments.values_list("cost", flat=True)) <= 500e-6 + 1e-12
        assert Job.objects.filter(error_code="budget_spent").exists()
        before = judge.judgments.count()
        Job.objects.update(next_attempt_at=None)
        judge_all(judge)
        assert judge.judgments.count() <= before + 1

    def test_money_needs_prices(self):
        judge = make_judge()
        judge.budget_cost = 1.0
        with pytest.raises(ValidationError, match="both prices"):
            judge.full_clean()

    def test_the_admin_shows_what_is_used(self, client, olga, matches):
        judge_all(make_judge(budget_matches=5))
        make_judge(budget_cost=2.5)
        client.force_login(olga)
        page = client.get("/admin/judging/judge/").text
        assert "5 of 5 matches" in page
        assert "0.0000 of 2.5000 in money" in page


class TestEstimate:
    def test_before_anything_was_judged_by_lengths(self, matches, server):
        judge = at(server, sampling={"max_tokens": 50}, price_in=1.0, price_out=2.0)
        found = estimate(judge, None)
        assert (found.planned, found.waiting, found.requests) == (36, 0, 72)
        assert not found.measured
        assert found.tokens_out == 72 * 50
        # Each prompt has 1,350 to 1,500 bytes, a third of a token each.
        assert 72 * 450 < found.tokens_in < 72 * 500
        assert found.cost == pytest.approx((found.tokens_in + 2 * found.tokens_out) / 1e6)
        assert found.seconds is None
        assert not Job.objects.exists()

    def test_afterwards_by_its_own_rulings(self, matches, server):
        judge = at(server, budget_matches=30, price_in=1.0, price_out=2.0)
        judge_all(judge)
        judge.budget_matches = 34
        found = estimate(judge, None)
        assert (found.planned, found.requests, found.measured) == (4, 8, True)
        assert (found.tokens_in, found.tokens_out) == (8 * 11, 8 * 7)
        assert found.cost == pytest.approx(8 * 25e-6)
        assert found.seconds == pytest.approx(8 / measure_rate(judge))

    def test_the_rate_is_that_of_the_latest_run(self, matches):
        judge = make_judge()
        judge_all(judge)
        with_pause = "created_at = timestamptz '2026-01-01 12:00Z' + (id % 1000) * interval '0.5 s'"
        first = judge.judgments.order_by("pk").first().pk
        move(judge, with_pause)
        assert measure_rate(judge) == pytest.approx(2.0)
        # What was judged the day before does not count.
        move(
            judge, f"created_at = created_at - CASE WHEN id < {first + 40} THEN interval '1 day' ELSE '0' END"
        )
        assert measure_rate(judge) == pytest.approx(2.0)

    def test_the_command_says_it_and_does_nothing(self, matches, server, capsys):
        judge = at(server, budget_matches=8, sampling={"max_tokens": 50})
        call_command("judge", "--judge", judge.name, "--dry-run")
        said = capsys.readouterr().out
        assert "matches   8 (8 to plan, 0 planned before)" in said
        assert "requests  16" in said
        assert "800 out" in said
        assert "unknown: no prices" in said
        assert "budget    0 of 8 matches" in said
        assert not Job.objects.exists()
        assert server.bodies == []


def move(judge, change):
    """Other times, by the database alone."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE judging_judgment SET {change} WHERE judge_id = {judge.pk}")
