"""What a judge has room for, what its rulings cost, and what is stored of them."""

import json
from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import TextField

from arena.engines import ENGINES
from arena.models import Answer, HostModel, Job
from judging.models import Judge, Judgment
from judging.services.judging import Served, judge_pending, plan_judging
from judging.services.lengths import UNKNOWN, room_of, tokens_a_byte
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.servers import running_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def matches():
    """Three pairs on each of two prompts; the third model's answer to the first prompt is long."""
    benchmark = make_benchmark(prompts=2)
    *_, third = make_answers(benchmark, "short", "rather longer", "quite long")
    Answer.objects.filter(competitor=third, prompt__key="q1").update(turns=["word " * 4000])
    return make_matches(benchmark)


def judge_all(judge):
    plan_judging(judge)
    return sum(tally.done for tally in judge_pending(judge, worker="tests"))


def at(server, model="judge", **fields):
    return make_judge(engine=Judge.Engine.OPENAI, base_url=server.base_url, model=model, **fields)


class TestTooLong:
    def test_the_servers_own_word_fails_those_matches_alone(self, server, matches):
        assert judge_all(at(server, model="short:2000")) == 4
        # Two of six matches hold the answer of 20,000 bytes, which are 5,000 tokens there.
        failed = Job.objects.filter(state=Job.State.FAILED)
        assert list(failed.values_list("error_code", "attempts")) == [("too_long", 1)] * 2
        assert "maximum context length is 2000" in failed.first().error

    def test_what_cannot_fit_is_not_sent(self, server, matches):
        judge = at(server, context=2000, sampling={"max_tokens": 100})
        assert judge_all(judge) == 4
        assert len(server.bodies) == 8
        assert not any("word word" in json.dumps(body) for body in server.bodies)
        [error, _] = Job.objects.filter(error_code="too_long").values_list("error", flat=True)
        assert "100 for the ruling, where it takes 2,000 together" in error

    def test_room_for_the_ruling_is_kept_free(self, server, matches):
        # The short prompts have less than 2,400 bytes, which are 800 tokens by the first guess.
        assert judge_all(at(server, context=800, sampling={"max_tokens": 800})) == 0
        assert server.bodies == []
        assert judge_all(at(server, context=1600, sampling={"max_tokens": 800})) == 4

    def test_without_a_context_everything_is_sent(self, server, matches):
        assert judge_all(at(server)) == 6

    def test_a_served_model_has_its_own(self, matches):
        model = HostModel.objects.create(source="m", max_model_len=500)
        judge = make_judge(engine=Judge.Engine.VLLM, model="m", host_model=model)
        assert room_of(judge).context == 500

    def test_the_judges_own_rate_replaces_the_guess(self, server):
        benchmark = make_benchmark(prompts=12)
        make_answers(benchmark, "one", "two")
        make_matches(benchmark)
        judge = at(server, model="short:100000")
        assert tokens_a_byte(judge) == UNKNOWN
        judge_all(judge)
        # That server counts a token for each four bytes; 5 % are added, and prompts hold line ends too.
        assert tokens_a_byte(judge) == pytest.approx(1.05 / 4, rel=0.02)


class TestStored:
    def test_the_cost_at_the_prices_of_the_day(self, server, matches):
        judge = at(server, price_in=2.0, price_out=10.0)
        judge_all(judge)
        # 11 tokens in and 7 out: (2 * 11 + 10 * 7) / 1,000,000.
        costs = {round(cost, 9) for cost in judge.judgments.values_list("cost", flat=True)}
        assert costs == {92e-6}
        judge.price_in = 3.0
        judge.save()  # a price is no part of what the judge is
        unpriced = at(server)
        judge_all(unpriced)
        assert set(unpriced.judgments.values_list("cost", flat=True)) == {None}

    def test_prompts_are_kept_small_and_whole(self, server, matches):
        judge_all(at(server))
        row = Judgment.objects.first()
        assert len(row.prompt_zlib) < len(row.prompt_text) / 2
        assert json.loads(row.prompt_text)[0]["role"] == "system"

    def test_the_version_of_what_is_served_here_is_stored(self, matches):
        model = HostModel.objects.create(source="m", revision="abc")
        judge = make_judge(engine=Judge.Engine.VLLM, model="m", host_model=model, sampling={"seed": 1})
        plan_judging(judge)
        with running_server() as server:
            engine = ENGINES["openai"](base_url=server.base_url, model="m", version="vLLM 0.32.0")
            list(judge_pending(judge, worker="w", served=Served(engine, lambda: None)))
        assert judge.judgments.first().settings == {
            "engine": "vllm",
            "version": "vLLM 0.32.0",
            "model": "m",
            "revision": "abc",
            "dtype": "auto",
            "seed": 1,
        }

    def test_registering_takes_prices_and_the_context(self):
        words = ["register_judge", "J", "--url", "http://127.0.0.1:9/v1", "--model", "m"]
        call_command(*words, "--context", "4096", "--price-in", "0.5", "--price-out", "1.5")
        call_command(*words, "--price-in", "0.6")
        judge = Judge.objects.get()
        assert (judge.context, judge.price_in, judge.price_out) == (4096, 0.6, 1.5)


@pytest.mark.django_db(transaction=True)
def test_prompts_stored_before_are_compressed(matches):
    """By the migration itself, back and forth over the column."""
    judge = make_judge()
    judge_all(judge)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM judging_judgmentchange")
        cursor.execute("ALTER TABLE judging_judgment ADD COLUMN prompt_text text NOT NULL DEFAULT 'é text'")
    migration = import_module("judging.migrations.0006_repeatable")
    apps = MigrationLoader(connection).project_state([("judging", "0006_repeatable")]).apps
    model = apps.get_model("judging", "Judgment")
    model.add_to_class("prompt_text", TextField())
    with connection.schema_editor() as editor:
        migration.compress(apps, editor)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE judging_judgment DROP COLUMN prompt_text")
        cursor.execute("SELECT count(*) FROM judging_judgmentchange")
        assert cursor.fetchone() == (0,)
    assert {row.prompt_text for row in Judgment.objects.all()} == {"é text"}
