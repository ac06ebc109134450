"""Reasons that are asked for after the verdict."""

import json
from hashlib import sha256

import pytest

from arena.models import Job
from arena.outcomes import Order, Verdict
from judging import tasks
from judging.models import REASONS, Judge, Judgment
from judging.services.judging import judge_pending, plan_judging
from judging.services.reasons import ask_for_reasons, reasons_request
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.judging.test_match_page import make_judgment
from tests.servers import longest, running_server

pytestmark = pytest.mark.django_db


def explain(prompt):
    return "The first one is right." if "what decided it" in prompt else longest(prompt)


@pytest.fixture
def match():
    benchmark = make_benchmark(1)
    make_answers(benchmark, "short", "rather longer")
    [match] = make_matches(benchmark)
    return match


@pytest.fixture
def server():
    with running_server(explain) as server:
        yield server


@pytest.fixture
def judgment(server, match):
    judge = make_judge(
        engine=Judge.Engine.OPENAI,
        base_url=server.base_url,
        model="judge",
        sampling={"temperature": 0.0, "structured_outputs": {"choice": ["[[A]]"]}},
    )
    plan_judging(judge)
    list(judge_pending(judge, worker="tests"))
    server.bodies.clear()
    return Judgment.objects.get(order=Order.AB)


def test_the_verdict_stands_and_the_judge_says_why(server, judgment):
    assert ask_for_reasons([judgment]) == 1
    assert ask_for_reasons([judgment]) == 1  # twice does no harm
    tasks.give_reasons()
    tasks.give_reasons()
    [body] = server.bodies
    *before, said, question = body["messages"]
    assert before == json.loads(judgment.prompt_text)
    assert said == {"role": "assistant", "content": judgment.raw_text}
    assert "verdict stands" in question["content"]
    assert (body["temperature"], body["max_tokens"]) == (0.0, 512)
    assert "structured_outputs" not in body
    old = judgment.verdict, judgment.winner, judgment.raw_text
    judgment.refresh_from_db()
    assert (judgment.verdict, judgment.winner, judgment.raw_text) == old
    assert judgment.reasons == "The first one is right."
    sent = json.dumps([[each["role"], each["content"]] for each in body["messages"]])
    assert judgment.reasons_sha256 == sha256(sent.encode()).hexdigest()
    assert Job.objects.get(kind=REASONS).state == Job.State.DONE


def test_a_raw_text_goes_on_after_its_scores(match):
    judge = make_judge(engine=Judge.Engine.OPENAI, base_url="http://127.0.0.1:9/v1", model="m")
    prompt = json.dumps([{"role": "prompt", "content": "Judge:\n### Response:"}])
    row = make_judgment(judge, match, Order.AB, Verdict.FIRST, raw_text="8 3", prompt_text=prompt)
    assert reasons_request(row).prompt == "Judge:\n### Response:8 3\n"


def test_who_cannot_be_asked(match):
    recorded = make_judge(engine=Judge.Engine.RECORDED)
    apart = make_judge(engine=Judge.Engine.OPENAI, base_url="http://127.0.0.1:9/v1", model="m")
    prompt = json.dumps([{"role": "user, first answer", "content": "x"}])
    rows = [
        make_judgment(recorded, match, Order.AB, Verdict.FIRST),
        make_judgment(make_judge(), match, Order.AB, Verdict.FIRST),
        make_judgment(apart, match, Order.AB, Verdict.FIRST, prompt_text=prompt),
        make_judgment(apart, match, Order.BA, Verdict.FIRST),
    ]
    assert ask_for_reasons(rows) == 0
    assert not Job.objects.exists()


def test_a_server_that_refuses_is_named(server, judgment):
    Judge.objects.update(model="status:400")
    ask_for_reasons([judgment])
    tasks.give_reasons()
    job = Job.objects.get(kind=REASONS)
    assert (job.state, job.error_code) == (Job.State.FAILED, "bad_request")
    Judge.objects.update(model="judge")
    ask_for_reasons([judgment])
    tasks.give_reasons()
    judgment.refresh_from_db()
    assert judgment.reasons


def test_only_staff_asks_and_everybody_reads(client, alice, olga, judgment):
    page, button = f"/matches/{judgment.match_id}/", "Ask for reasons"
    assert button not in client.get(page).text
    for user, status in ((None, 403), (alice, 403)):
        if user:
            client.force_login(user)
        assert client.post(f"/judgments/{judgment.pk}/reasons/").status_code == status
    assert not Job.objects.filter(kind=REASONS).exists()
    client.force_login(olga)
    assert client.get(page).text.count(button) == 2
    assert client.get(f"/judgments/{judgment.pk}/reasons/").status_code == 405
    assert client.post(f"/judgments/{judgment.pk}/reasons/").status_code == 302
    assert "come in a moment" in client.get(page).text
    tasks.give_reasons()
    client.logout()
    shown = client.get(page).text
    assert "Why, asked for afterwards" in shown
    assert "The first one is right." in shown
