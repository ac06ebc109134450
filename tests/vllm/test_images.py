"""Images through a real vLLM with a tiny vision model: to the model itself, and to a judge that is one."""

import json
import time
from hashlib import sha256

import pytest
from django.utils import timezone

from arena.engines import Attachment, Message, Request
from arena.models import HostModel, Job
from arena.services.hosting import Host
from judging.models import Judge
from judging.services.judging import plan_judging
from judging.services.serving import take_turn
from judging.verdicts import MARKERS
from leaderboard.services.boards import refresh_boards
from leaderboard.views.cached import CACHE
from tests import tiny_models
from tests.factories import make_answers, make_matches, make_vote
from tests.pictures import benchmark_with_images, picture, uri

pytestmark = [pytest.mark.vllm, pytest.mark.django_db]


@pytest.fixture
def model(python, tmp_path):
    return HostModel.objects.create(
        source=str(tiny_models.make_vision_model(python, tmp_path / "tiny-vision")), max_model_len=8192
    )


def engine_of(host: Host, model: HostModel):
    while (server := host.serve(model, timezone.now())) is None:
        time.sleep(0.2)
    return host.engine(server, model)


def ask(engine, *colours):
    pictures = [picture(colour) for colour in colours]
    images = {sha256(data).hexdigest(): Attachment("image/png", data) for data in pictures}
    message = Message("user", "What is it?", tuple(images))
    sampling = {"max_tokens": 8, "temperature": 0}
    (completion,) = engine.stream([Request("k", (message,), sampling, images=images)])
    assert completion.error is None, completion.error
    return completion


def test_a_vision_model_sees_what_is_sent_and_judges_it(client, olga, host, model):
    """Each image adds the same number of tokens, and another picture gives another text."""
    engine = engine_of(host, model)
    none, red, blue, both = ask(engine), ask(engine, "red"), ask(engine, "blue"), ask(engine, "red", "blue")
    assert red.tokens_in == blue.tokens_in
    assert both.tokens_in - red.tokens_in == red.tokens_in - none.tokens_in >= 4  # 4 of the image alone
    assert red.text == ask(engine, "red").text  # greedy
    assert len({none.text, red.text, blue.text}) == 3

    rows = [
        {"id": "one", "prompt": "Which colour is this?", "images": [uri(picture("red"))]},
        {"id": "two", "turns": ["Hello.", "And these?"], "images": [[], [uri(picture("blue"))] * 2]},
    ]
    benchmark = benchmark_with_images(*rows, now=timezone.now())
    make_answers(benchmark, "red", "green")
    [one, two] = make_matches(benchmark)
    make_vote(one)
    client.force_login(olga)
    filled = {
        **{"name": "Seer", "slug": "seer", "version": "1", "engine": "vllm", "model": "tiny-vision"},
        **{"host_model": model.pk, "both_orders": "on", "is_active": "on"},
        "sampling": json.dumps({"max_tokens": 8, "structured_outputs": {"choice": [*MARKERS.values()]}}),
    }
    assert client.post("/admin/judging/judge/add/", filled).status_code == 302
    judge = Judge.objects.get()
    assert plan_judging(judge) == 2
    end = time.monotonic() + 120
    while Job.objects.unfinished().exists():
        assert time.monotonic() < end, [*Job.objects.values_list("state", "error")]
        take_turn(host)
    rulings = list(judge.judgments.order_by("match_id"))
    assert [row.match_id for row in rulings] == [one.pk, one.pk, two.pk, two.pk]
    assert all(row.verdict for row in rulings)
    assert [len(json.loads(row.prompt_text)[1]["images"]) for row in rulings] == [1, 1, 2, 2]
    refresh_boards(now=timezone.now())
    CACHE.clear()
    assert "All 4 rulings have a verdict." in client.get(judge.get_absolute_url()).content.decode()
    assert "/images/" in client.get(two.get_absolute_url()).content.decode()
