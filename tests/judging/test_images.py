"""Questions with images, from the prompt's file to the ruling."""

import json
from hashlib import sha256

import pytest
from django.utils import timezone

from arena.models import Image, Job
from judging.models import Judge, Judgment
from judging.protocols import PROTOCOLS, Question, UnfitProtocol, choose
from judging.recipes import RECIPES, InstalledProtocol
from judging.services.judging import judge_pending, plan_judging
from judging.services.lengths import IMAGE_TOKENS
from judging.services.reasons import ask_for_reasons, give_reasons
from tests.factories import make_answers, make_judge, make_matches
from tests.pictures import benchmark_with_images, picture, uri
from tests.servers import longest, running_server

RED, BLUE = "1" * 64, "2" * 64
TURNS = Question(("What?", "And?", "So?"), images=((RED,), (), (BLUE, RED)))


def judge_all(judge):
    plan_judging(judge)
    return [tally for tally in judge_pending(judge, worker="tests")]


@pytest.mark.parametrize("name", ["two-turns", "grading", "rubric"])
def test_marks_name_the_images_of_their_turn(name):
    shown = PROTOCOLS[name].render(TURNS, ("a",) * 3, ("b",) * 3)
    for system, user in shown if name != "two-turns" else [shown]:
        assert "Images come with the request." in system.content
        assert "<<<question, turn 1, with image 1 | " in user.content
        assert "<<<question, turn 2 | " in user.content
        assert "<<<question, turn 3, with images 2 to 3 | " in user.content
        assert (system.images, user.images) == ((), (RED, BLUE, RED))


def test_without_images_a_prompt_is_what_it_was():
    """The code of the first mark is SHA-256 of '[["What?"], []]', begun."""
    code = sha256(b'[["What?"], []]').hexdigest()[:16]
    system, user = PROTOCOLS["pairwise"].render(Question(("What?",)), ("a",), ("b",))
    assert user.content.startswith(f"<<<question | {code}>>>\nWhat?\n")
    assert "mages" not in system.content
    assert user.images == ()


def test_the_reference_form_shows_them_too():
    question = Question(("What?",), ("So.",), images=((RED,),))
    for name in ("pairwise", "pairwise-reference", "math-reference"):
        assert PROTOCOLS[name].render(question, ("a",), ("b",))[1].images == (RED,)


def test_recipes_refuse_images_by_name():
    forms = {name: InstalledProtocol(name, recipe, {}, recipe.asks) for name, recipe in RECIPES.items()}
    for name in forms:
        with pytest.raises(UnfitProtocol, match=f"{name} shows no images, and this question has 1; register"):
            choose(name, Question(("What?",), images=((RED,),)), forms)


@pytest.fixture
def matches(db):
    rows = [
        {"id": "one", "prompt": "Which?", "images": [uri(picture("red"))]},
        {"id": "two", "turns": ["A?", "B?"], "images": [[], [uri(picture("blue")), uri(picture("red"))]]},
    ]
    benchmark = benchmark_with_images(*rows, now=timezone.now())
    make_answers(benchmark, "short", "rather longer")
    return make_matches(benchmark)


def server_judge(server, **fields):
    return make_judge(engine=Judge.Engine.OPENAI, base_url=server.base_url, model="judge", **fields)


def test_a_judge_sees_them_and_the_ruling_names_them(client, matches):
    with running_server() as server:
        judge = server_judge(server)
        judge_all(judge)
        rows = list(judge.judgments.order_by("match_id", "order"))
        assert [bool(row.verdict) for row in rows] == [True] * 4
        ask_for_reasons(rows[:1])
        give_reasons(judge, worker="tests")
    sent = [[part["type"] for part in body["messages"][1]["content"]] for body in server.bodies]
    assert sorted(map(len, sent)) == [2, 2, 2, 3, 3]  # a text and its images; the reasons' among them
    red, blue = (sha256(bytes(row.data)).hexdigest() for row in Image.objects.order_by("data"))
    assert {frozenset(json.loads(row.prompt_text)[1]["images"]) for row in rows} <= {
        frozenset({red}),
        frozenset({blue}),
        frozenset({red, blue}),
    }
    assert "base64" not in rows[0].prompt_text
    assert rows[0].prompt_sha256 == sha256(rows[0].prompt_text.encode()).hexdigest()
    named = json.loads(rows[0].prompt_text)[1]["images"][0]
    page = client.get(f"/matches/{rows[0].match_id}/").content.decode()
    assert f'image 1: <a href="/images/{named}">' in page


def test_an_image_counts_when_a_prompt_is_measured(matches):
    """Either has room for some 300 tokens of text; one image more is over it, and nothing is sent."""
    with running_server() as server:
        judge = server_judge(server, context=IMAGE_TOKENS + 1500)
        judge_all(judge)
    failed = Job.objects.get(owner=judge.pk, state=Job.State.FAILED)
    assert (failed.error_code, failed.subject) == ("too_long", matches[1].pk)
    assert Judgment.objects.filter(judge=judge, match=matches[0]).count() == 2


def test_a_baseline_needs_no_eyes(matches):
    judge = make_judge()
    judge_all(judge)
    assert judge.judgments.count() == 4


def test_what_the_judge_sees_are_the_stored_bytes(matches):
    seen = []
    with running_server(lambda prompt: seen.append(prompt) or longest(prompt)) as server:
        judge_all(server_judge(server))
    for row in Image.objects.all():
        assert any(f"[image/png {row.pk}]" in prompt for prompt in seen)
