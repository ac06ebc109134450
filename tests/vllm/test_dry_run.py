"""A model on a host with a real vLLM: three answers first, then a word, then the rest; loaded once."""

import json
import os

import pytest

from tests.sites import running_site

pytestmark = pytest.mark.vllm

QUICK = {"enforce_eager": True, "dtype": "float32"}
PROMPTS = 7

SETUP = """
from django.utils import timezone
from arena.models import Benchmark, Prompt
from arena.services.submissions import Entry, accept_host_model
benchmark = Benchmark.objects.create(slug="b", name="B")
for number in range({prompts}):
    turns = [f"Question {{number}}?", "Why?"][: 1 + (number == 2)]
    Prompt.objects.create(benchmark=benchmark, key=str(number), turns=turns)
sampling = {{"max_tokens": 8, "temperature": 0.5, "top_k": 5, "repetition_penalty": 1.1}}
entry = Entry(None, benchmark, "On the host", sampling=sampling, dry_run=True)
what = {{"revision": "", "dtype": "auto", "max_model_len": None}}
accept_host_model(entry, source="{source}", now=timezone.now(), **what)
print("{{}}")
"""

GO_ON = """
from django.utils import timezone
from arena.models import Submission
from arena.services.dry_runs import go_on
print("{}" if go_on(Submission.objects.get(), timezone.now()) else "")
"""

COUNT = """
import json
from arena.models import Answer, HostWorker, Job, Submission
row = Submission.objects.get()
print(json.dumps({
    "state": row.state,
    "message": row.message,
    "tried": row.tried_at is not None,
    "answered": sorted(Answer.objects.values_list("prompt__key", flat=True)),
    "ids": sorted(Answer.objects.values_list("pk", flat=True)),
    "tokens": all(Answer.objects.values_list("tokens_out", flat=True)),
    "open": Job.objects.unfinished().count(),
    "since": [str(at) for at in HostWorker.objects.exclude(host_model=None).values_list("since", flat=True)],
}))
"""


def test_a_model_on_a_host_shows_three_answers_before_the_rest(python, models, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "no-demo").touch()
    options = ",".join(f"{name}={json.dumps(value)}" for name, value in QUICK.items())
    with running_site(home, VLLM_PYTHON=os.path.abspath(python), VLLM_OPTIONS=options) as site:
        site.evaluate(SETUP.format(prompts=PROMPTS, source=models[0]))
        shown = site.wait_until(COUNT, lambda found: found["tried"] or found["state"] == "failed", 300)
        # The one of two turns, the first and the last.
        assert (shown["state"], shown["answered"]) == ("dry_run", ["0", "2", str(PROMPTS - 1)])
        assert shown["open"] == 0
        site.evaluate(GO_ON)
        found = site.wait_until(COUNT, lambda found: found["state"] not in ("dry_run", "answering"), 120)
        assert (found["state"], found["message"]) in (("answered", ""), ("paired", ""))
        assert found["answered"] == [str(number) for number in range(PROMPTS)]
        assert set(shown["ids"]) < set(found["ids"])
        assert found["tokens"]
        assert found["since"] == shown["since"]  # it has served this model all the time
