"""kill -9 of the worker while an endpoint answers, on the whole site as `make run` starts it."""

import json

import pytest

from tests.servers import running_server
from tests.sites import running_site

PROMPTS = 120

SETUP = """
from django.utils import timezone
from arena.models import Benchmark, Prompt
from arena.services.submissions import Entry, accept_endpoint
benchmark = Benchmark.objects.create(slug="b", name="B")
for number in range({prompts}):
    Prompt.objects.create(benchmark=benchmark, key=str(number), turns=[f"Question {{number}}?"])
accept_endpoint(Entry(None, benchmark, "New"), base_url="{url}", model="slow:0.5", key="", now=timezone.now())
print("{{}}")
"""

COUNT = """
import json
from arena.models import Answer, Job, Submission
print(json.dumps({
    "state": Submission.objects.get().state,
    "answers": Answer.objects.count(),
    "prompts": Answer.objects.values("prompt").distinct().count(),
    "open": Job.objects.unfinished().count(),
    "failed": Job.objects.filter(state="failed").count(),
}))
"""


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def site(server, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "no-demo").touch()
    with running_site(home, ENDPOINT_ALLOW="127.0.0.1", ENDPOINT_CONCURRENCY="8") as site:
        yield site


def test_each_prompt_is_answered_once(site, server):
    site.evaluate(SETUP.format(prompts=PROMPTS, url=server.base_url))
    site.wait_until(COUNT, lambda found: found["answers"] > 8, 60)
    site.kill("celery", "worker@")
    asked_before = len(server.bodies)

    site.start()
    found = site.wait_until(COUNT, lambda found: found["state"] not in ("answering", "answered"), 120)
    assert found == {"state": "paired", "answers": PROMPTS, "prompts": PROMPTS, "open": 0, "failed": 0}
    asked = [json.dumps(body["messages"]) for body in server.bodies]
    assert len(set(asked)) == PROMPTS
    # Nothing twice but by the kill: of what was asked before it, the more than 8 that were stored are kept.
    assert len(set(asked[:asked_before])) == asked_before
    assert len(set(asked[asked_before:])) == len(asked) - asked_before
    assert len(asked) < PROMPTS + asked_before - 8
