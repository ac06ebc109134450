"""What the judging pipeline costs: from the database to the database, against a bare client.

``python -m tests.benchmarks.judging``: 2,000 pairs are planned; each run claims, renders, asks, reads and
stores all of them in both orders by the code that the worker runs, and the same prompts are sent by a bare
aiohttp loop, in turns. The server answers each request after 50 ms. With VLLM_PYTHON, a real vLLM serves a
tiny model besides, first for the same comparison, then with the prompts in the order of the queue and in
random order: how much of them it finds in its prefix cache. The database is an embedded PostgreSQL in a
folder of its own, with its usual safety against power cuts.
"""

import argparse
import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests import tiny_models
from tests.benchmarks.generation import bare, database, report, server

MODELS = 8  # 28 pairs on each prompt
WORDS = (
    "the",
    "answer",
    "is",
    "better",
    "because",
    "it",
    "says",
    "what",
    "was",
    "asked",
    "and",
    "shows",
    "how",
)


def make_pairs(pairs: int, words: int) -> None:
    """Matches of 8 models, all with all, on as many prompts as are needed; texts of about so many words."""
    from arena.models import Answer, Benchmark, Competitor, Match, Prompt
    from arena.services.pairing import pair_answers

    rng = random.Random(1)

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(words // 2, words * 3 // 2)))

    benchmark = Benchmark.objects.create(slug="speed", name="Speed")
    models = [Competitor.objects.create(slug=f"m{n}", name=f"M{n}") for n in range(MODELS)]
    for number in range(-(-pairs // (MODELS * (MODELS - 1) // 2))):
        prompt = Prompt.objects.create(benchmark=benchmark, key=str(number), turns=[f"{number}? {text()}"])
        rows = [Answer(competitor=model, prompt=prompt, turns=[text()]) for model in models]
        pair_answers(itertools.combinations(Answer.objects.bulk_create(rows), 2))
    surplus = Match.objects.order_by("-pk")[: Match.objects.count() - pairs]
    Match.objects.filter(pk__in=list(surplus.values_list("pk", flat=True))).delete()


def judge_at(where: tuple[str, str, str], sampling: dict) -> Any:
    """A judge at this server whose jobs are planned."""
    from judging.models import Judge
    from judging.services.judging import plan_judging

    base_url, _, model = where
    fields = {"base_url": base_url, "model": model, "key_variable": "BENCHMARK_KEY", "sampling": sampling}
    number = Judge.objects.count()
    judge = Judge.objects.create(name=f"j{number}", slug=f"j{number}", engine="openai", **fields)
    plan_judging(judge)
    return judge


def judged(where: tuple[str, str, str], options: argparse.Namespace, sampling: dict) -> float:
    """Seconds from the first claim to the last stored judgment."""
    from judging.services.judging import judge_pending

    os.environ["BENCHMARK_KEY"] = where[1]
    judge = judge_at(where, sampling)
    begun = time.perf_counter()
    done = sum(tally.done for tally in judge_pending(judge, worker="benchmark"))
    seconds = time.perf_counter() - begun
    assert (done, judge.judgments.count()) == (options.pairs, options.requests)
    return seconds


def queue_prompts(where: tuple[str, str, str], sampling: dict) -> list[tuple[dict, ...]]:
    """The messages of every request, in the order in which the pipeline asks."""
    from judging.protocols import PROTOCOLS
    from judging.services.feeding import Feed

    feed = Feed(judge_at(where, sampling), PROTOCOLS, worker="b", benchmark=None, room=256, end=None)
    return [tuple(json.loads(ask.prompt_text)) for ask in feed]


def compare(where: tuple[str, str, str], options: argparse.Namespace, sampling: dict) -> None:
    texts = queue_prompts(where, sampling)
    ours, plain = [], []
    bare(where, texts[:200], options.concurrency, sampling)  # warm up
    for number in tqdm(range(options.rounds), unit="pair of runs"):
        if number % 2:  # each goes first as often
            plain.append(bare(where, texts, options.concurrency, sampling))
        ours.append(judged(where, options, sampling))
        if not number % 2:
            plain.append(bare(where, texts, options.concurrency, sampling))
    report(options, plain, ours)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the judging pipeline costs.")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds of one answer")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs")
    parser.add_argument("--blocks", type=int, default=1024, help="of vLLM's cache, 128 tokens each")
    parser.add_argument("--words", type=int, default=60, help="of an answer")
    options = parser.parse_args()
    options.requests, options.model, options.max_model_len = 2 * options.pairs, "", 4096
    os.environ["JUDGE_CONCURRENCY"] = str(options.concurrency)
    with database() as home:
        make_pairs(options.pairs, options.words)
        with server(options, home) as where:
            compare(where, options, {"temperature": 0})
        if not os.environ.get("VLLM_PYTHON"):
            print("with vLLM: left out, because VLLM_PYTHON names no interpreter that has it")
            return
        with_vllm(options, home)


def with_vllm(options: argparse.Namespace, home: Path) -> None:
    """The same with a tiny model that may say one token, and what its prefix cache finds in each order."""
    options.model = str(tiny_models.make_model(os.environ["VLLM_PYTHON"], home / "tiny", positions=16384))
    sampling = {"max_tokens": 1, "temperature": 0}
    with server(options, home) as where:
        compare(where, options, sampling)
    prefix_cache(options, home, sampling)


def prefix_cache(options: argparse.Namespace, home: Path, sampling: dict) -> None:
    """What a cache that is too small for all prompts finds, in the queue's order and in a random one."""
    texts = queue_prompts(("http://127.0.0.1:9/v1", "", "nobody"), sampling)
    shuffled = random.Random(2).sample(texts, len(texts))
    cache = {"num_gpu_blocks_override": options.blocks, "block_size": 128}
    options.vllm = cache | {"enable_prompt_tokens_details": True}
    for name, ordered in (("the queue's order", texts), ("random order", shuffled)):
        usages: list[dict] = []
        with server(options, home) as where:  # a new one, whose cache is empty
            seconds = bare(where, ordered, options.concurrency, sampling, usages.append)
        asked = sum(usage["prompt_tokens"] for usage in usages)
        hit = sum((usage["prompt_tokens_details"] or {}).get("cached_tokens", 0) for usage in usages)
        rate = f"{len(ordered) / seconds:,.0f} prompts a second"
        print(f"{name}: {hit / asked:.1%} of {asked:,.0f} prompt tokens found in the prefix cache, {rate}")


if __name__ == "__main__":
    main()
