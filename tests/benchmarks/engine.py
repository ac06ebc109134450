"""How much the engine costs over the HTTP library that it is made of.

``python -m tests.benchmarks.engine``: a bare aiohttp loop and OpenAIEngine.stream, one after the other,
several times, against a server that answers each request after 50 ms. The bare loop sends ready bytes and
reads bytes, so that JSON, deadlines, attempts and the thread are all on the engine's side.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import aiohttp

from arena.engines import ENGINES, Message, Request
from tests.benchmarks import fast_server

PROMPT = "Which of the two answers is better, and why? " * 40  # 1,800 characters


class Run(NamedTuple):
    """Requests a second, and milliseconds of this process's CPU time a request."""

    rate: float
    cpu: float


def measure(work: Callable[[], int], count: int) -> Run:
    wall, cpu = time.perf_counter(), time.process_time()
    assert work() == count
    return Run(count / (time.perf_counter() - wall), (time.process_time() - cpu) * 1000 / count)


def bare(base_url: str, count: int, concurrency: int) -> int:
    """`count` requests by aiohttp alone; gives how many came back whole."""
    messages = [{"role": "user", "content": PROMPT}]
    content = json.dumps({"model": "fast", "messages": messages, "stream": False}).encode()
    headers = {"content-type": "application/json", "accept-encoding": "identity"}

    async def work() -> int:
        numbers = iter(range(count))
        done = 0

        async def ask(session: aiohttp.ClientSession) -> None:
            nonlocal done
            for _ in numbers:
                async with session.post(base_url + "/chat/completions", data=content) as response:
                    done += bool(await response.read())

        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            await asyncio.gather(*(ask(session) for _ in range(concurrency)))
        return done

    return asyncio.run(work())


def engine(base_url: str, count: int, concurrency: int) -> int:
    """The same by the engine; gives how many completions have a text."""
    client = ENGINES["openai"](base_url=base_url, model="fast", concurrency=concurrency)
    requests = (Request(str(number), (Message("user", PROMPT),)) for number in range(count))
    return sum(completion.text is not None for completion in client.stream(requests))


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine against the HTTP library that it is made of.")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    size = (options.requests, options.concurrency)
    runs: dict[str, list[Run]] = {"bare aiohttp": [], "OpenAIEngine.stream": []}
    with fast_server.running(options.delay) as base_url:
        bare(base_url, 200, options.concurrency)  # warm up
        for _ in range(options.pairs):
            runs["bare aiohttp"].append(measure(lambda: bare(base_url, *size), size[0]))
            runs["OpenAIEngine.stream"].append(measure(lambda: engine(base_url, *size), size[0]))
    print(f"{size[0]:,} requests, {size[1]} at once, {options.delay * 1000:g} ms each; {options.pairs} pairs")
    print(f"{'':<22}{'requests/s, median (least to most)':>40}{'CPU ms/request':>18}")
    for name, found in runs.items():
        rates = [run.rate for run in found]
        spread = f"{median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        print(f"{name:<22}{spread:>40}{median(run.cpu for run in found):>18.2f}")
    ratios = [ours.rate / plain.rate for plain, ours in zip(*runs.values(), strict=True)]
    print(f"ratio of rates: median {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    print(f"at most, by the delay alone: {size[1] / options.delay:,.0f} requests/s")


if __name__ == "__main__":
    main()
