"""Rubrics from the admin to rulings."""

import json

import pytest
from django.core.management import CommandError, call_command

from arena.outcomes import Order, Verdict
from judging.models import Judge, Judgment, Rubric
from judging.services.judging import judge_pending, plan_judging
from tests.factories import make_answers, make_benchmark, make_matches
from tests.servers import graded, running_server

pytestmark = pytest.mark.django_db

CRITERIA = "Relevance: to the point\ncode style: tidy\n"


def add(client, **changes):
    fields = {"name": "code", "criteria": CRITERIA, "lowest": "1", "highest": "4"}
    return client.post("/admin/judging/rubric/add/", fields | changes)


@pytest.fixture
def staff(client, olga):
    client.force_login(olga)
    return client


def test_from_the_form_to_rulings(staff):
    assert add(staff).status_code == 302
    rubric = Rubric.objects.get()
    assert rubric.criteria == [["relevance", "to the point"], ["code style", "tidy"]]
    assert rubric.protocol() in staff.get("/admin/judging/rubric/").content.decode()

    benchmark = make_benchmark(prompts=1)
    make_answers(benchmark, "four", "twelve chars")
    [match] = make_matches(benchmark)
    with running_server(graded) as server:
        call_command(
            *("register_judge", "grader", "--url", server.base_url, "--model", "judge"),
            *("--protocol", rubric.protocol()),
        )
        judge = Judge.objects.get()
        assert not judge.both_orders
        plan_judging(judge)
        assert sum(tally.judgments for tally in judge_pending(judge, worker="tests")) == 1
    ruling = Judgment.objects.get(match=match)
    # Four characters earn 1 + 4 // 5 = 1 in each of two criteria, twelve earn 1 + 12 // 5 = 3.
    assert json.loads(ruling.raw_text) == [
        f"By length.\nrelevance: [[{n}]]\ncode style: [[{n}]]" for n in (1, 3)
    ]
    assert (ruling.order, ruling.verdict, ruling.protocol) == (Order.AB, Verdict.SECOND, rubric.protocol())

    # What the judge was told to grade by stays.
    address = f"/admin/judging/rubric/{rubric.pk}/"
    assert 'name="highest"' not in staff.get(f"{address}change/").content.decode()
    assert staff.post(f"{address}delete/", {"post": "yes"}).status_code == 403


def test_a_rubric_that_no_judge_names_may_change(staff):
    add(staff)
    rubric = Rubric.objects.get()
    page = staff.get(f"/admin/judging/rubric/{rubric.pk}/change/").content.decode()
    assert "relevance: to the point\ncode style: tidy" in page
    before = rubric.protocol()
    fields = {"name": "code", "criteria": CRITERIA, "lowest": "1", "highest": "5"}
    staff.post(f"/admin/judging/rubric/{rubric.pk}/change/", fields)
    rubric.refresh_from_db()
    assert (rubric.highest, rubric.sha256) == (5, rubric.digest())
    assert rubric.protocol() != before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"criteria": ""}, "required"),
        ({"criteria": "relevance"}, "Line 1 has no name, colon and description: relevance"),
        ({"criteria": "a: b\n\nb[]: c"}, "Line 3: a name is up to 40 letters"),
        ({"criteria": "a: b\nA: c"}, "Two criteria have the same name."),
        ({"criteria": "style: a\ncode style: b"}, "code style ends like style"),
        ({"criteria": "\n".join(f"c{n}: d" for n in range(13))}, "Give 1 to 12 criteria."),
        ({"lowest": "4"}, "The best grade must be above the worst."),
        ({"highest": "101"}, "less than or equal to 100"),
        ({"name": "two words"}, "slug"),
    ],
)
def test_bad_rubrics_are_refused(staff, changes, sentence):
    answer = add(staff, **changes)
    assert (answer.status_code, Rubric.objects.count()) == (200, 0)
    assert sentence in answer.content.decode()


def test_the_same_rubric_twice_is_refused(staff):
    add(staff)
    assert "That rubric is there already." in add(staff).content.decode()
    assert add(staff, highest="5").status_code == 302


def test_a_rubric_that_is_not_there_is_refused():
    place = ("--url", "http://127.0.0.1:9/v1", "--model", "m")
    with pytest.raises(CommandError, match="by name@hash"):
        call_command("register_judge", "grader", *place, "--protocol", "rubric:none@0123456789ab")
    assert not Judge.objects.exists()


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [("", "choice"), ("math-reference", "choice"), ("grading", "regex"), ("rubric", "regex")],
)
def test_a_judge_may_be_constrained_to_what_its_form_reads(protocol, kind):
    place = ("--url", "http://127.0.0.1:9/v1", "--model", "m")
    call_command("register_judge", "j", *place, "--protocol", protocol, "--constrain")
    judge = Judge.objects.get()
    assert list(judge.sampling["structured_outputs"]) == [kind]
    assert judge.both_orders is (kind == "choice")
