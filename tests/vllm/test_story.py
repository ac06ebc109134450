"""The whole site with a real vLLM: an endpoint and a host's model answer, and judges served here rule."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from arena.engines.vllm import Launch, Server
from tests.sites import running_site

pytestmark = pytest.mark.vllm

QUICK = {"enforce_eager": True, "dtype": "float32"}
PROMPTS = 3

# Two models with recorded answers, then one behind an endpoint and one for the host.
SETUP = """
import json
from django.utils import timezone
from arena.models import Answer, Benchmark, Competitor, Prompt, Submission
from arena.services.submissions import Entry, accept_endpoint, accept_host_model
benchmark = Benchmark.objects.create(slug="b", name="B")
for number in range({prompts}):
    Prompt.objects.create(benchmark=benchmark, key=str(number), turns=[f"Question {{number}}?", "Why?"])
for name in ("red", "green"):
    model = Competitor.objects.create(slug=name, name=name)
    for prompt in benchmark.prompts.all():
        Answer.objects.create(competitor=model, prompt=prompt, turns=[name, "so"], engine="recorded")
sampling = {{"max_tokens": 8, "temperature": 0, "min_p": 0.1, "system_prompt": "Be brief."}}
where = json.loads('''{endpoint}''')
now = timezone.now()
accept_endpoint(Entry(None, benchmark, "By endpoint", sampling=sampling), now=now, **where)
what = {{"revision": "", "dtype": "auto", "max_model_len": None}}
entry = Entry(None, benchmark, "On the host", sampling=sampling)
accept_host_model(entry, source="{source}", now=now, **what)
print("{{}}")
"""

COUNT = """
import json
from arena.models import Answer, Job, Match, Submission
from judging.models import Judgment
from leaderboard.models import JudgeReport, Standing
def said(name):
    rows = Judgment.objects.filter(judge__name=name)
    return [rows.count(), rows.filter(verdict="").count()]
rated = Standing.objects.filter(board__judge__name="choice", board__category="", board__method="bt")
print(json.dumps({
    "states": sorted(Submission.objects.values_list("state", flat=True)),
    "answers": sorted(Answer.objects.exclude(engine="recorded").values_list("engine", "model_returned")),
    "matches": Match.objects.count(),
    "open": Job.objects.unfinished().count(),
    "failed": Job.objects.filter(state="failed").count(),
    "free": said("free"),
    "choice": said("choice"),
    "report": [
        [row.figures["position"]["judgments"], row.figures["position"]["scored"]]
        for row in JudgeReport.objects.filter(judge__name="free")
    ],
    "standings": sorted(rated.values_list("competitor__name", flat=True)),
}))
"""


@pytest.fixture
def endpoint(python, models, tmp_path):
    """A vLLM that somebody else runs."""
    server = Server(Launch(str(models[2]), options=QUICK), python=python, folder=tmp_path / "endpoint")
    server.start()
    yield server
    server.stop()


def vllm_processes(home: Path) -> list[int]:
    """What runs below the folder in which a site starts its servers, keepers and engines included."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(home / "vllm")):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def wait_for(condition, limit):
    end = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
    return found


def test_models_answer_and_rule_and_nothing_is_left_behind(python, models, endpoint, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "no-demo").touch()
    options = ",".join(f"{name}={json.dumps(value)}" for name, value in QUICK.items())
    with running_site(
        home, VLLM_PYTHON=os.path.abspath(python), VLLM_OPTIONS=options, ENDPOINT_ALLOW="127.0.0.1"
    ) as site:
        wait_for(endpoint.is_ready, 240)
        where = {"base_url": endpoint.base_url, "model": endpoint.model_name, "key": endpoint.api_key}
        site.evaluate(SETUP.format(prompts=PROMPTS, endpoint=json.dumps(where), source=models[0]))
        for name, extra in (("free", []), ("choice", ["--constrain"])):
            site.manage("register_judge", name, "--serve", str(models[1]), "--max-tokens", "8", *extra)

        # Recorded answers have no submission here, so matches are between the two newcomers and each of them
        # with the two others: 5 pairs on each prompt.
        matches = 5 * PROMPTS
        found = site.wait_until(
            COUNT,
            lambda found: (
                found["choice"][0] == 2 * matches
                and not found["open"]
                and len(found["standings"]) == 4
                and found["report"] == [[2 * matches, 0]]
            ),
            300,
        )
        assert found["states"] == ["paired", "paired"]
        assert found["answers"] == [["openai", "tiny-3"]] * PROMPTS + [["vllm", "tiny-1"]] * PROMPTS
        assert (found["matches"], found["failed"]) == (matches, 0)
        # A random model says no verdict by itself; one that may say nothing else always does.
        assert found["free"] == [2 * matches, 2 * matches]
        assert found["choice"] == [2 * matches, 0]
        assert found["standings"] == ["By endpoint", "On the host", "green", "red"]

        # Two models were served one after the other: what runs belongs to the last one alone.
        records = list((home / "vllm").glob("[0-9]*.json"))
        assert len(records) == 1
        assert vllm_processes(home)

        site.kill("celery", "gpu@")
        site.start()
        wait_for(lambda: not vllm_processes(home), 30)
        wait_for(lambda: not list((home / "vllm").glob("[0-9]*.json")), 60)
