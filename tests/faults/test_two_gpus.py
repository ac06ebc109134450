"""Two GPUs, by a stand-in for NVIDIA's tool: a worker for each, two models at once, and one end for both."""

import os
import subprocess
import sys

from tests.arena.engines.stand_in_vllm import make_python
from tests.sites import ROOT, running_site

SETUP = """
from django.utils import timezone
from arena.models import Benchmark, Prompt
from arena.services.submissions import Entry, accept_host_model
benchmark = Benchmark.objects.create(slug="b", name="B")
for number in range(40):
    Prompt.objects.create(benchmark=benchmark, key=str(number), turns=[f"Question {number}"])
for model in ("hang", "stuck-after-one"):
    options = dict(source=model, revision="", dtype="auto", max_model_len=None)
    submission = accept_host_model(Entry(None, benchmark, model), now=timezone.now(), **options)
    submission.note_checked(submission.host_model, timezone.now())
print("{}")
"""

COUNT = """
import json
from arena.models import HostWorker, Job
print(json.dumps({
    "workers": {
        row.name.partition("@")[0]:
            [row.state, row.host_model and row.host_model.source, [gpu["index"] for gpu in row.gpus]]
        for row in HostWorker.objects.filter(serves=True).select_related("host_model")
    },
    "running": sorted(set(Job.objects.filter(state="running").values_list("owner", flat=True))),
}))
"""


def put_nvidia_smi(folder) -> str:
    tool = folder / "nvidia-smi"
    rows = "".join(f"echo {n}, GPU-{n}, NVIDIA H100, 81559, 81008; " for n in (0, 1))
    tool.write_text(f"#!/bin/sh\ncase $1 in *gpu=*) {rows} ;; esac\n")
    tool.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_each_gpu_serves_a_model_and_both_end_together(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "no-demo").touch()
    options = {"VLLM_PYTHON": make_python(tmp_path / "env"), "PATH": put_nvidia_smi(tmp_path)}
    with running_site(home, VLLM_CONCURRENCY="4", LEASE_SECONDS="600", **options) as site:
        site.evaluate(SETUP)
        found = site.wait_until(COUNT, lambda found: len(found["running"]) == 2, 180)
        assert {name: row[2] for name, row in found["workers"].items()} == {"gpu1": [0], "gpu2": [1]}
        assert {row[0] for row in found["workers"].values()} == {"ready"}
        assert {row[1] for row in found["workers"].values()} == {"hang", "stuck-after-one"}
        servers = site.children("api_server")
        visible = {process.environ().get("CUDA_VISIBLE_DEVICES") for process in servers}
        assert visible == {"0", "1"}
    assert not any(process.is_running() for process in servers)


def test_the_command_says_what_it_needs():
    environment = os.environ | {"VLLM_PYTHON": "", "GPUS": ""}
    command = [sys.executable, "manage.py", "gpu_workers"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (1, "")
    assert "Set VLLM_PYTHON" in run.stderr
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"VLLM_PYTHON": sys.executable, "GPUS": "0,1;1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "GPUS names a GPU twice" in run.stderr
