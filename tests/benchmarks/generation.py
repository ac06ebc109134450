"""What storing answers costs: from the database to the database, against a bare client on the same server.

``python -m tests.benchmarks.generation``: 2,000 prompts are claimed, asked and stored by the code that the
worker runs, and the same requests are sent by a bare aiohttp loop, in turns. The server answers each request
after 50 ms; with ``--model PATH`` it is a real vLLM (by VLLM_PYTHON) that serves this model. The database is
an embedded PostgreSQL in a folder of its own, with its usual safety against power cuts.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import aiohttp
import django
from tqdm import tqdm

from tests.benchmarks import fast_server

PROMPT = "Which of two answers is better, and why? "


def bare(
    where: tuple[str, str, str],
    prompts: Sequence[Sequence[dict]],
    concurrency: int,
    sampling: dict,
    note: Callable[[dict], None] = lambda usage: None,
) -> float:
    """Seconds that a bare client takes; every reply is read and parsed; ``note`` gets its usage."""

    base_url, key, model = where

    async def work() -> int:
        pending, done = iter(prompts), 0

        async def ask(session: aiohttp.ClientSession) -> None:
            nonlocal done
            for messages in pending:
                body = {"model": model, "messages": messages, **sampling}
                async with session.post(base_url + "/chat/completions", json=body) as response:
                    reply = json.loads(await response.read())
                    note(reply["usage"])
                    done += reply["choices"][0]["message"]["content"] is not None

        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
            await asyncio.gather(*(ask(session) for _ in range(concurrency)))
        return done

    begun = time.perf_counter()
    assert asyncio.run(work()) == len(prompts)
    return time.perf_counter() - begun


def stored(where: tuple[str, str, str], number: int, options: argparse.Namespace, sampling: dict) -> float:
    """Seconds from the first claim to the last stored answer."""
    base_url, key, model = where
    from django.utils import timezone

    from arena.engines import ENGINES
    from arena.models import Benchmark
    from arena.services.answering import answer_pending, close_answered
    from arena.services.submissions import Entry, accept_endpoint

    entry = Entry(None, Benchmark.objects.get(), f"Run {number}", sampling=sampling)
    submission = accept_endpoint(entry, base_url=base_url, model=model, key=key, now=timezone.now())
    begun = time.perf_counter()
    engine = ENGINES["openai"](
        base_url=base_url, model=model, api_key=key, concurrency=options.concurrency, deadline=600.0
    )
    run = answer_pending(submission, engine, worker="benchmark", room=2 * options.concurrency)
    answered = sum(tally.answered for tally in run)
    close_answered(timezone.now())
    seconds = time.perf_counter() - begun
    submission.refresh_from_db()
    assert (answered, submission.state) == (options.requests, "answered")
    return seconds


@contextmanager
def database() -> Iterator[Path]:
    """An embedded PostgreSQL with the site's tables, for the block."""
    home = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    os.environ |= {"ARENA_HOME": str(home), "DJANGO_SETTINGS_MODULE": "arena.settings"}
    os.environ.pop("DATABASE_URL", None)
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from arena.embedded import postgres
    from arena.embedded.places import find_places

    try:
        call_command("migrate", verbosity=0)
        yield home
    finally:
        connections.close_all()
        postgres.release(home)
        postgres.wait_until_stopped(home)
        shutil.rmtree(find_places(home).base, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def server(options: argparse.Namespace, home: Path) -> Iterator[tuple[str, str, str]]:
    """Base URL, key and model name of what answers."""
    if not options.model:
        with fast_server.running(options.delay) as base_url:
            yield base_url, "", "fast"
        return
    from arena.engines.vllm import Launch, Server

    vllm_options = {"max_model_len": options.max_model_len, "enforce_eager": True}
    launch = Launch(model=options.model, options=vllm_options | getattr(options, "vllm", {}))
    vllm = Server(launch, python=os.environ["VLLM_PYTHON"], folder=home / "vllm")
    try:
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores)})  # inherited by vLLM, which has this core for itself
        vllm.start()
        os.sched_setaffinity(0, cores - {max(cores)} or cores)
        while not vllm.is_ready():
            time.sleep(0.5)
        yield vllm.base_url, vllm.api_key, vllm.model_name
    finally:
        vllm.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="What storing answers costs.")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds of one answer")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--model", default="", help="path of a model for a real vLLM")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--max-model-len", type=int, default=512)
    options = parser.parse_args()
    with database() as home:
        from arena.models import Benchmark, Prompt

        texts = [f"{PROMPT} Number {number}." for number in range(options.requests)]
        benchmark = Benchmark.objects.create(slug="speed", name="Speed")
        Prompt.objects.bulk_create(
            [Prompt(benchmark=benchmark, key=str(n), turns=[text]) for n, text in enumerate(texts)]
        )
        prompts = [[{"role": "user", "content": text}] for text in texts]
        sampling = {"max_tokens": options.max_tokens, "temperature": 0}
        ours, plain = [], []
        with server(options, home) as where:
            bare(where, prompts[:200], options.concurrency, sampling)  # warm up
            for number in tqdm(range(options.pairs), unit="pair"):
                if number % 2:  # each goes first as often
                    plain.append(bare(where, prompts, options.concurrency, sampling))
                ours.append(stored(where, number, options, sampling))
                if not number % 2:
                    plain.append(bare(where, prompts, options.concurrency, sampling))
    report(options, plain, ours)


def report(options: argparse.Namespace, plain: list[float], ours: list[float]) -> None:
    what = options.model or f"a server that answers in {options.delay * 1000:g} ms"
    print(
        f"{options.requests:,} requests, {options.concurrency} at once, to {what}; {len(ours)} pairs of runs"
    )
    print(f"{'':<28}{'answers/s, median (least to most)':>40}")
    for name, seconds in (("bare aiohttp client", plain), ("database to database", ours)):
        rates = [options.requests / each for each in seconds]
        print(f"{name:<28}{f'{median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})':>40}")
    ratios = [bare_seconds / our_seconds for bare_seconds, our_seconds in zip(plain, ours, strict=True)]
    print(f"ratio: median {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); the goal is 0.95")


if __name__ == "__main__":
    main()
