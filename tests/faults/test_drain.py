"""SIGTERM of workers in mid-work, on the whole site as `make run` starts it: they give back, and end.

Leases last ten minutes here, so what is free at the end was given back.
"""

import json
import signal
import time

import pytest

from tests.arena.engines.stand_in_vllm import make_python
from tests.servers import running_server
from tests.sites import running_site

PROMPTS = 60
WITHIN = 60  # seconds that a worker may take to end

SETUP = """
from django.utils import timezone
from arena.models import Benchmark, Prompt
from arena.services.submissions import Entry, accept_endpoint, accept_host_model
benchmark = Benchmark.objects.create(slug="b", name="B")
for number in range({prompts}):
    Prompt.objects.create(benchmark=benchmark, key=str(number), turns=[f"Question {{number}}"])
entry, now = Entry(None, benchmark, "New"), timezone.now()
if "{kind}" == "endpoint":
    accept_endpoint(entry, base_url="{url}", model="{model}", key="", now=now)
else:
    options = dict(source="{model}", revision="", dtype="auto", max_model_len=None)
    submission = accept_host_model(entry, now=now, **options)
    submission.note_checked(submission.host_model, now)
print("{{}}")
"""

COUNT = """
import json
from arena.models import Answer, HostWorker, Job, Run, Submission
submission = Submission.objects.get()
print(json.dumps({
    "state": submission.state, "cause": submission.cause,
    "answers": Answer.objects.count(),
    "prompts": Answer.objects.values("prompt").distinct().count(),
    "running": Job.objects.filter(state="running").count(),
    "done": Job.objects.filter(state="done").count(),
    "spent": Job.objects.filter(state="pending", attempts__gt=0).count(),
    "open_runs": Run.objects.filter(is_open=True).count(),
    "workers": dict(HostWorker.objects.values_list("name", "state")),
}))
"""


def terminate(site, name: str) -> dict:
    """SIGTERM to a worker's first process; what the database holds once the whole site is down."""
    [worker] = [
        process for process in site.children("celery", f"{name}@") if process.ppid() == site.process.pid
    ]
    below = worker.children(recursive=True)
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert site.process.wait(WITHIN) == 1  # a site without a worker ends, and says so
    assert time.monotonic() - begun < WITHIN
    assert f"The {name} process ended (exit status 0)" in site.log
    assert not any(process.is_running() for process in below)
    return site.evaluate(COUNT)


def one_of(workers: dict, role: str) -> str:
    return next(state for name, state in workers.items() if name.startswith(f"{role}@"))


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "no-demo").touch()
    return home


def endpoint_site(home, server):
    options = {"ENDPOINT_ALLOW": "127.0.0.1", "ENDPOINT_CONCURRENCY": "4", "LEASE_SECONDS": "600"}
    return running_site(home, **options)


def test_what_is_under_way_is_finished_and_the_rest_given_back(home):
    with running_server() as server, endpoint_site(home, server) as site:
        setup = {"kind": "endpoint", "url": server.base_url, "model": "slow:0.7"}
        site.evaluate(SETUP.format(prompts=PROMPTS, **setup))
        site.wait_until(COUNT, lambda found: found["answers"] > 4, 90)
        found = terminate(site, "worker")
        asked = [json.dumps(body["messages"]) for body in server.bodies]
    assert len(set(asked)) == len(asked) == found["answers"] == found["prompts"] == found["done"]
    assert 4 < found["answers"] < PROMPTS
    assert (found["state"], found["running"], found["spent"], found["open_runs"]) == ("answering", 0, 0, 0)
    assert one_of(found["workers"], "worker") == "stopped"


def test_what_does_not_end_is_given_back(home):
    with running_server() as server, endpoint_site(home, server) as site:
        setup = {"kind": "endpoint", "url": server.base_url, "model": "slow:300"}
        site.evaluate(SETUP.format(prompts=PROMPTS, **setup))
        site.wait_until(COUNT, lambda found: found["running"] >= 4, 90)
        found = terminate(site, "worker")
    assert (found["state"], found["cause"]) == ("answering", "")
    assert (found["answers"], found["running"], found["spent"], found["open_runs"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("model", ["never-ready", "hang"])
def test_a_gpu_worker_stops_its_server(home, tmp_path, model):
    """While the model loads, and while it does not answer."""
    options = {"VLLM_PYTHON": make_python(tmp_path / "env"), "LEASE_SECONDS": "600"}
    with running_site(home, VLLM_CONCURRENCY="4", **options) as site:
        setup = {"kind": "host", "url": "", "model": model}
        site.evaluate(SETUP.format(prompts=PROMPTS, **setup))
        reached = {
            "never-ready": lambda found: "loading" in found["workers"].values(),
            "hang": lambda found: found["running"] >= 4,
        }
        site.wait_until(COUNT, reached[model], 120)
        servers = site.children("api_server")
        assert servers
        found = terminate(site, "gpu")
    assert not any(server.is_running() for server in servers)
    assert (found["state"], found["cause"]) == ("answering", "")
    assert (found["running"], found["spent"], found["open_runs"]) == (0, 0, 0)
    assert found["answers"] == found["prompts"] == found["done"] < PROMPTS
    assert one_of(found["workers"], "gpu") == "stopped"
    assert not list((home / "vllm").glob("*.json"))  # no server is on record


def test_a_signal_to_the_whole_group_does_no_harm(home):
    """As systemd's default sends it: the children leave it to their parent."""
    with running_server() as server, endpoint_site(home, server) as site:
        setup = {"kind": "endpoint", "url": server.base_url, "model": "slow:0.7"}
        site.evaluate(SETUP.format(prompts=PROMPTS, **setup))
        site.wait_until(COUNT, lambda found: found["answers"] > 4, 90)
        for process in site.children("celery", "worker@"):
            if process.ppid() != site.process.pid:
                process.send_signal(signal.SIGTERM)
        found = terminate(site, "worker")
    assert (found["running"], found["spent"], found["answers"]) == (0, 0, found["done"])
