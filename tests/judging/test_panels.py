"""Panels: rules, voices, planning, and what staff may do with them."""

import json
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.models import RestrictedError
from django.utils import timezone

from arena import jobs
from arena.models import Job
from arena.outcomes import INCONSISTENT, Order, Verdict, Winner
from judging.models import KIND, Judge, Judgment, Panel
from judging.panels import Voice, read_points, rule
from judging.services.judges import register_panel
from judging.services.judging import judge_pending, plan_judging
from judging.services.panels import measure_unity
from judging.verdicts import read_last_verdict
from leaderboard.services.boards import refresh_boards
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote
from tests.judging.test_match_page import make_judgment

A, B, TIE = Verdict.FIRST, Verdict.SECOND, Verdict.TIE


def say(name, *voices):
    """What the panel's text says: its verdict and points."""
    text = rule(name, [Voice(f"judge {n}", *voice) for n, voice in enumerate(voices)])
    return read_last_verdict(text), read_points(text)


@pytest.mark.parametrize(
    ("verdicts", "expected", "points"),
    [
        ([A, A, B], A, 2 / 3),
        ([B, B, TIE], B, 1 / 6),
        ([A, A, B, TIE], A, 2.5 / 4),  # two of four lead: more than any other is enough
        ([A, B], TIE, 0.5),
        ([A, A, TIE, TIE, B], TIE, 3 / 5),  # two verdicts lead
        ([A, None, A], A, 1.0),
        ([A, None, B], TIE, 0.5),
        ([TIE, TIE, A], TIE, 2 / 3),
    ],
)
def test_majority(verdicts, expected, points):
    verdict, said = say("majority", *[(each,) for each in verdicts])
    assert (verdict, said) == (expected, pytest.approx(points, abs=1e-4))


@pytest.mark.parametrize(
    ("voices", "expected", "points"),
    [
        ([(A, 0.9), (B, 0.3)], A, 0.6),
        ([(A, 0.8), (B,)], B, 0.4),  # a verdict by itself counts its points
        ([(A, 0.6), (B, 0.5)], TIE, 0.55),  # just within the band
        ([(A, 0.62), (B, 0.5)], A, 0.56),
        ([(A,), (B,), (None,)], TIE, 0.5),
    ],
)
def test_mean(voices, expected, points):
    assert say("mean", *voices) == (expected, pytest.approx(points))


@pytest.mark.parametrize("name", ["majority", "mean"])
def test_one_voice_is_no_panel(name):
    assert say(name, (A,), (None,), (None,)) == (None, None)
    forged = rule(name, [Voice("[[A]]", B), Voice("other", None)])
    assert read_last_verdict(forged) is None


db = pytest.mark.django_db


@pytest.fixture
def match():
    benchmark = make_benchmark(1)
    make_answers(benchmark, "short", "rather longer")
    return make_matches(benchmark)[0]


def one_order(name, **fields):
    return make_judge(name, engine=Judge.Engine.RECORDED, both_orders=False, is_active=False, **fields)


def panel_of(*members, rule="majority", name="panel"):
    return register_panel(name, rule, members)[0]


def judge_all(judge, benchmark=None):
    planned = plan_judging(judge, benchmark=benchmark)
    for _ in judge_pending(judge, worker="tests", benchmark=benchmark):
        pass
    return planned


@db
def test_a_panel_waits_until_every_member_has_ruled_in_its_orders(match):
    first, second = make_judge("first"), one_order("second")
    panel = panel_of(first, second)
    assert panel.both_orders
    assert plan_judging(panel) == 0
    make_judgment(first, match, Order.AB, A)
    make_judgment(second, match, Order.BA, B)  # in match terms: model_a
    assert plan_judging(panel) == 0  # the first has still to be asked in the other order
    make_judgment(first, match, Order.BA, B)
    assert judge_all(panel) == 1
    ab, ba = panel.judgments.order_by("order")
    # The second said "the second answer" with B first, which is "the first" with A first.
    assert (ab.verdict, ab.winner, ab.preference) == (A, Winner.MODEL_A, 1.0)
    assert (ba.verdict, ba.winner, ba.preference) == (B, Winner.MODEL_A, 0.0)
    assert ab.raw_text == (
        "first: the first answer.\nsecond: the first answer.\n"
        "Points of the first answer: 1.0000, by majority of 2.\nVerdict: [[A]]"
    )
    assert (ab.protocol, ab.settings["members"], ab.cost) == ("majority", {"first": 1, "second": 1}, None)
    assert plan_judging(panel) == 0


@db
def test_a_soft_preference_is_turned_round_too(match):
    first, second = one_order("first"), one_order("second")
    make_judgment(first, match, Order.BA, A, preference=0.9)  # 0.1 for model_a
    make_judgment(second, match, Order.AB, A, preference=0.6)
    panel = panel_of(first, second, rule="mean")
    assert not panel.both_orders  # no member is
    judge_all(panel)
    ruling = panel.judgments.get()
    assert (ruling.order, ruling.verdict, ruling.preference) == (Order.AB, B, 0.35)


@db
def test_who_failed_or_was_not_read_abstains(match):
    members = [make_judge(f"judge-{n}") for n in range(3)]
    panel = panel_of(*members)
    for judge in members[:2]:
        make_judgment(judge, match, Order.AB, A)
    make_judgment(members[0], match, Order.BA, None)
    make_judgment(members[1], match, Order.BA, B)
    jobs.enqueue(KIND, members[2].pk, [match.pk])
    assert plan_judging(panel) == 0  # the third is still at work
    Job.objects.filter(owner=members[2].pk).update(state=Job.State.FAILED)
    assert judge_all(panel) == 1
    ab, ba = panel.judgments.order_by("order")
    assert (ab.verdict, ba.verdict) == (A, "")  # one voice in the other order: unscored
    assert "judge-2: no verdict." in ab.raw_text
    assert measure_unity(panel, match.prompt.benchmark) == (2, 1, 0, 2, 1)


@db
def test_recorded_members_on_a_closed_benchmark_by_the_command():
    benchmark = make_benchmark(3, slug="closed", is_open=False)
    make_answers(benchmark, "short", "rather longer")
    matches = make_matches(benchmark)
    benchmark.prompts.first().answers.update(turns=None)  # a panel needs no texts
    members = [one_order(f"rec-{n}") for n in range(3)]
    panel = panel_of(*members)
    for match in matches[:2]:
        make_judgment(members[0], match, Order.FOLDED, None, winner=Winner.MODEL_B)
        make_judgment(members[1], match, Order.BA, A)
        make_judgment(members[2], match, Order.FOLDED, None, winner=INCONSISTENT)
    assert plan_judging(panel) == 0  # closed
    out = StringIO()
    call_command("judge", judge="panel", benchmark="closed", dry_run=True, stdout=out)
    assert "2 to plan" in out.getvalue()
    assert "0 in, 0 out (its members have ruled already)" in out.getvalue()
    call_command("judge", judge="panel", benchmark="closed", stdout=out)
    assert "panel: 2 matches judged (2 judgments), 0 failed, 0 left." in out.getvalue()
    assert set(panel.judgments.values_list("winner", flat=True)) == {Winner.MODEL_B}


@db
def test_members_are_read_once_for_many_matches(django_assert_max_num_queries):
    benchmark = make_benchmark(40)
    make_answers(benchmark, "short", "rather longer")
    make_matches(benchmark)
    members = [make_judge("one"), make_judge("two", model="random", sampling={"seed": 1})]
    panel = panel_of(*members)
    for judge in members:
        judge_all(judge)
    assert plan_judging(panel) == 40
    with django_assert_max_num_queries(25):  # 80 rulings
        assert sum(tally.judgments for tally in judge_pending(panel, worker="tests")) == 80


@db
def test_what_a_panel_is_stays_once_it_has_ruled(match):
    members = [one_order(f"rec-{n}") for n in range(3)]
    panel = Panel.objects.get(pk=panel_of(*members[:2]).pk)
    panel.seat(members)
    for judge in members:
        make_judgment(judge, match, Order.AB, A)
    judge_all(Judge.objects.get(pk=panel.pk))
    with pytest.raises(ValidationError, match="members can no longer change"):
        panel.seat(members[:2])
    panel.protocol = "mean"
    with pytest.raises(ValidationError, match="protocol can no longer change"):
        panel.save()
    with pytest.raises(RestrictedError):
        members[0].delete()
    again, is_new = register_panel("panel", "majority", members)
    assert (again.pk, is_new) == (panel.pk, False)
    other, is_new = register_panel("panel", "majority", members[:2])
    assert (str(other), is_new, Judge.objects.get(pk=panel.pk).is_active) == ("panel v2", True, False)
    Judge.objects.get(pk=panel.pk).delete()  # a panel may go, its members stay
    assert Judgment.objects.filter(judge__in=members).count() == 3


@db
class TestAdmin:
    ADD = "/admin/judging/panel/add/"

    def post(self, client, *members, **changes):
        fields = {"name": "jury", "version": "1", "slug": "jury", "protocol": "mean", "is_active": "on"}
        fields["judges"] = [each.pk for each in members]
        return client.post(self.ADD, fields | changes)

    def test_a_panel_is_made_by_its_members_and_rule(self, client, olga):
        client.force_login(olga)
        members = [make_judge("one"), one_order("two")]
        assert self.post(client, *members).status_code == 302
        jury = Panel.objects.get(name="jury")
        assert (jury.seated, jury.protocol, jury.both_orders) == (members, "mean", True)
        assert "one, two" in client.get("/admin/judging/panel/").content.decode()
        page = client.get(f"/admin/judging/panel/{jury.pk}/change/").content.decode()
        assert page.count(" checked") >= 2
        assert "Save" not in client.get(f"/admin/judging/judge/{jury.pk}/change/").content.decode()

    def test_what_cannot_be_is_told(self, client, olga):
        client.force_login(olga)
        one, two = make_judge("one"), make_judge("two")
        assert "at least two members" in self.post(client, one).content.decode()
        inner = panel_of(one, two)
        assert "A member is a judge" in self.post(client, one, inner).content.decode()
        assert "Select a valid choice" in self.post(client, one, two, protocol="loudest").content.decode()
        assert "People are a source" in self.post(client, one, two, name="People").content.decode()
        assert Panel.objects.filter(engine=Judge.Engine.PANEL).count() == 1

    def test_a_panel_that_has_ruled_is_only_paused(self, client, olga, match):
        client.force_login(olga)
        members = [one_order("one"), one_order("two")]
        for judge in members:
            make_judgment(judge, match, Order.AB, A)
        panel = panel_of(*members)
        judge_all(panel)
        address = f"/admin/judging/panel/{panel.pk}/change/"
        assert 'name="judges"' not in client.get(address).content.decode()
        assert client.post(address, {"description": "Two.", "protocol": "mean"}).status_code == 302
        panel = Judge.objects.get(pk=panel.pk)
        assert (panel.is_active, panel.description, panel.protocol) == (False, "Two.", "majority")
        assert panel.seated == members


@db
def test_the_command_registers_a_panel():
    make_judge("one"), make_judge("two")
    out = StringIO()
    call_command("register_judge", "jury", "--members", "one", "two", "--rule", "mean", stdout=out)
    assert Judge.objects.get(name="jury").protocol == "mean"
    with pytest.raises(CommandError, match="at least two"):
        call_command("register_judge", "solo", "--members", "one")
    with pytest.raises(CommandError, match="no panels as members: jury"):
        call_command("register_judge", "deep", "--members", "one", "jury")
    with pytest.raises(CommandError, match="no judge 'three'"):
        call_command("register_judge", "more", "--members", "one", "three")


@db
def test_pages_and_report_of_a_panel(client, match):
    members = [one_order("one"), one_order("two"), one_order("three")]
    for judge, verdict in zip(members, (A, A, B), strict=True):
        make_judgment(judge, match, Order.AB, verdict)
    make_vote(match, Winner.MODEL_A)
    panel = panel_of(*members)
    judge_all(panel)
    refresh_boards(now=timezone.now())
    page = client.get("/judges/panel/").content.decode()
    assert "panel of 3" in page
    assert "said the same in <b>0&nbsp;%</b> of its 1 rulings, and were split in 1." in page.replace(
        "\u00a0", "&nbsp;"
    )
    assert "/judges/three/" in page
    assert "It asks nobody" in page
    assert "<span>panel</span>" in client.get("/judges/").content.decode()
    named = "one (version 1), two (version 1), three (version 1)"
    assert named in client.get(match.get_absolute_url()).content.decode()
    out = StringIO()
    call_command("judge_report", "panel", "--format", "json", stdout=out)
    rows = {row["figure"]: row for row in json.loads(out.getvalue()) if row["part"] == "panel"}
    assert (rows["split"]["value"], rows["unanimous"]["value"], rows["split"]["n"]) == (1.0, 0.0, 1)
    assert (rows["agrees with one"]["value"], rows["agrees with three"]["value"]) == (1.0, 0.0)
    assert rows["split"]["note"] == "panel by majority"
