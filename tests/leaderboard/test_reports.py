"""What is measured of a judge from stored rows."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from arena.models import Answer, Job, Match
from arena.outcomes import Order, Verdict, Winner
from judging.agreement import RULES
from judging.models import Judge, Judgment
from judging.services.effort import measure_effort
from judging.services.measuring import own_side_of, read_preferences
from leaderboard.models import Board
from leaderboard.services.boards import refresh_boards
from leaderboard.services.reports import measure_report
from tests.factories import make_benchmark, make_competitor, make_judge, make_matches, make_vote
from tests.judging.test_match_page import make_judgment

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def make_arena(prompts: int, *names: str):
    """One competitor a name; the first gives the longest answers."""
    benchmark = make_benchmark(prompts)
    for length, name in enumerate(reversed(names), 1):
        competitor = make_competitor(name)
        for prompt in benchmark.prompts.all():
            Answer.objects.create(competitor=competitor, prompt=prompt, turns=["word " * length])
    return benchmark, make_matches(benchmark)


def rule(judge, match, ab, ba, **fields):
    for order, verdict in ((Order.AB, ab), (Order.BA, ba)):
        make_judgment(judge, match, order, verdict, **fields)


@pytest.fixture
def judged():
    """Eight prompts, two models: the judge, of one's family, always prefers it; people do on every other."""
    benchmark, matches = make_arena(8, "Qwen 7B", "Other 7B")
    judge = make_judge("judge", engine=Judge.Engine.OPENAI, model="Qwen2.5-72B")
    for number, match in enumerate(matches):
        own = Winner.MODEL_A if match.competitor_a.name.startswith("Qwen") else Winner.MODEL_B
        first = (Verdict.FIRST, Verdict.SECOND) if own == Winner.MODEL_A else (Verdict.SECOND, Verdict.FIRST)
        rule(judge, match, *first)
        make_vote(match, own if number % 2 else Winner.TIE)
        make_vote(match, own)
    return judge, benchmark


def test_every_rule_and_category_is_in_a_report(judged):
    found = measure_report(*judged)
    # 16 votes: 12 for the judge's own, 4 ties; each match has the judge's own as its majority or none.
    each = found["rules"]["each-vote"]
    assert (each["n"], each["agreed"], each["judge"]["agreement"]["value"]) == (16, 12, 0.75)
    assert each["judge"]["agreement"]["prompts"] == 8
    assert each["judge"]["agreement"]["lower"] < 0.75 < each["judge"]["agreement"]["upper"]
    assert (each["human_n"], each["human_agreed"]) == (8, 4)
    assert found["rules"]["auto-j"]["n"] == 4
    assert found["position"]["consistency"] == 1
    # Prompts are odd and even in turn, as ties are.
    agreed = {name: (rule["n"], rule["agreed"]) for name, rule in found["categories"].items()}
    assert sorted(agreed.values()) == [(8, 4), (8, 8)]


def test_a_judge_of_a_family_is_measured_on_it(judged):
    found = measure_report(*judged)
    assert found["family"] == "qwen"
    own = found["self_preference"]
    # People: 1 on four matches, 3/4 on four.
    assert (own["n"], own["judge"]["value"], own["people"]["value"]) == (8, 1, 0.875)
    assert own["beyond"]["value"] == pytest.approx(0.125)
    assert own["beyond"]["lower"] is not None


def test_two_models_of_one_family_are_no_match_of_its_own():
    benchmark, matches = make_arena(1, "Qwen 7B", "Qwen 1B", "Other")
    side_of, family = own_side_of(make_judge("qwen-judge", engine=Judge.Engine.RECORDED), benchmark)
    assert family == "qwen"
    sides = {frozenset((m.competitor_a.name, m.competitor_b.name)): side_of((m.pk, None)) for m in matches}
    assert sides[frozenset(("Qwen 7B", "Qwen 1B"))] == 0
    assert {abs(side) for pair, side in sides.items() if "Other" in pair} == {1}
    for match in matches:
        names = (match.competitor_a.name, match.competitor_b.name)
        if "Other" in names:
            assert side_of((match.pk, None)) == (-1 if names[0] == "Other" else 1)


def test_style_is_that_of_the_last_boards(judged):
    judge, benchmark = judged
    assert measure_report(judge, benchmark)["style"] == {"judge": None, "people": None}
    coefficient = {"name": "length", "value": 400.0, "lower": None, "upper": None, "unit": ""}
    Board.objects.create(
        judge=judge,
        benchmark=benchmark,
        method=Board.Method.STYLE,
        clusters=8,
        details={"coefficients": [coefficient]},
        fitted_at=NOW,
    )
    [length] = measure_report(judge, benchmark)["style"]["judge"]
    # 400 points are odds of 10 to 1: ln 10.
    assert (length["name"], length["value"], length["lower"]) == ("length", pytest.approx(2.302585), None)
    assert length["prompts"] == 8


def test_refreshing_keeps_the_report(judged):
    judge, benchmark = judged
    refresh_boards(now=NOW)
    kept = judge.reports.get().figures
    assert kept["self_preference"]["n"] == 8
    assert kept["rules"].keys() == measure_report(judge, benchmark)["rules"].keys()


class TestEffort:
    def test_speed_leaves_pauses_out(self):
        benchmark, matches = make_arena(12, "one", "two")
        judge = make_judge("fast", engine=Judge.Engine.OPENAI)
        at = NOW
        for number, match in enumerate(matches):
            at += timedelta(hours=1) if number == 6 else timedelta(seconds=1)
            make_judgment(judge, match, Order.AB, Verdict.TIE, seconds=3.0)
            make_judgment(judge, match, Order.BA, Verdict.TIE, seconds=5.0)
            Judgment.objects.filter(match=match, order=Order.AB).update(created_at=at)
            Judgment.objects.filter(match=match, order=Order.BA).update(
                created_at=at + timedelta(seconds=0.5)
            )
        found = measure_effort(judge, benchmark)
        # Two rulings a second, half a second apart, but for one hour: half a pair in each half second.
        assert found.pairs_per_second == pytest.approx(1, rel=0.05)
        assert found.seconds == 4
        assert (found.tokens_in, found.cost) == (None, None)

    def test_tokens_and_cost_of_a_thousand_matches(self):
        benchmark, [match] = make_arena(1, "one", "two")
        judge = make_judge("dear", engine=Judge.Engine.OPENAI)
        rule(judge, match, Verdict.TIE, Verdict.TIE, tokens_in=500, tokens_out=10)
        found = measure_effort(judge, benchmark)
        # Two orders of 500 and 10.
        assert (found.tokens_in, found.tokens_out, found.cost) == (1_000_000, 20_000, None)
        judge.price_in, judge.price_out = 2.5, 10.0
        assert measure_effort(judge, benchmark).cost == pytest.approx(2.5 + 0.2)
        judge.price_out = None
        assert measure_effort(judge, benchmark).cost is None
        assert found.pairs_per_second is None  # of one match nobody can say how fast

    def test_what_could_not_be_asked_is_counted_by_its_cause(self):
        benchmark, matches = make_arena(3, "one", "two")
        other, [elsewhere] = make_arena(1, "three", "four")
        judge = make_judge("narrow", engine=Judge.Engine.OPENAI)
        failed = {"owner": judge.pk, "state": Job.State.FAILED}
        for match, code in zip(
            [*matches, elsewhere], ["too_long", "too_long", "timeout", "too_long"], strict=True
        ):
            Job.objects.create(kind="judge", subject=match.pk, error_code=code, **failed)
        found = measure_effort(judge, benchmark)
        assert (found.failed, found.too_long) == ({"too_long": 2, "timeout": 1}, 2)
        assert measure_effort(judge, other).failed == {"too_long": 1}
        Job.objects.create(
            kind=f"judge-{benchmark.pk}", subject=matches[2].pk, error_code="too_long", **failed
        )
        assert measure_effort(judge, benchmark).too_long == 3


def test_soft_preferences_are_read_where_rulings_have_them(judged, monkeypatch):
    judge, benchmark = judged
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE judging_judgment ADD COLUMN IF NOT EXISTS preference double precision")
        monkeypatch.setattr(Judgment, "preference", None, raising=False)
        assert read_preferences(judge, benchmark) == []
        cursor.execute("UPDATE judging_judgment SET preference = 0.75 WHERE \"order\" = 'AB'")
    rows = read_preferences(judge, benchmark)
    assert {(row.order, row.preference) for row in rows} == {("AB", 0.75)}
    assert {row.item for row in rows} == {(pk, None) for pk in Match.objects.values_list("pk", flat=True)}
    calibration = measure_report(judge, benchmark)["calibration"]
    assert (calibration["n"], [each["low"] for each in calibration["bins"]]) == (16, [0.7])


class TestCommand:
    def run(self, *words: str) -> str:
        out = StringIO()
        call_command("judge_report", *words, stdout=out)
        return out.getvalue()

    def test_every_figure_is_a_row(self, judged):
        rows = json.loads(self.run("judge", "--format", "json"))
        found = {(row["part"], row["category"], row["figure"]): row for row in rows}
        assert len(found) == len(rows)
        each = found["agreement", "", "each-vote agreement"]
        assert (each["n"], each["value"], each["people_n"], each["people"]) == (16, 0.75, 8, 0.5)
        assert each["lower"] < 0.75 < each["upper"]
        assert each["people_lower"] < 0.5 < each["people_upper"]
        for rule in RULES:
            assert ("agreement", "", f"{rule} agreement") in found
        assert found["position", "", "consistency"]["value"] == 1
        assert found["category", "odd", "each-vote agreement"]["note"] == "too few prompts"
        assert found["self-preference", "", "beyond people"]["value"] == pytest.approx(0.125)
        assert found["reading", "", "failed: too_long"]["value"] == 0
        assert found["effort", "", "cost of 1,000 matches"]["value"] is None
        assert {(row["judge"], row["benchmark"]) for row in rows} == {("judge", judged[1].slug)}

    def test_one_order_is_said(self, judged):
        judge, benchmark = judged
        judge.judgments.filter(order=Order.BA).delete()
        rows = json.loads(self.run("judge", "--benchmark", benchmark.slug, "--format", "json"))
        notes = {row["note"] for row in rows if row["part"] == "position"}
        assert notes == {"one order only"}

    def test_a_table_and_csv_for_reading(self, judged):
        lines = self.run("judge").splitlines()
        assert lines[0].split()[:4] == ["judge", "benchmark", "part", "category"]
        assert len(list(csv.DictReader(StringIO(self.run("judge", "--format", "csv"))))) == len(lines) - 1

    def test_what_is_not_there_is_named(self, judged):
        make_benchmark(1, slug="other")
        with pytest.raises(CommandError, match=r"There is no judge 'nobody'. There are: judge."):
            self.run("nobody")
        with pytest.raises(CommandError, match=r"judge did not rule on other. It ruled on: bench"):
            self.run("judge", "--benchmark", "other")
