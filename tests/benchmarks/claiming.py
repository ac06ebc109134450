"""How many jobs a second several workers claim from one PostgreSQL, and whether any is claimed twice.

``python -m tests.benchmarks.claiming [--jobs 100000] [--processes 4] [--chunk 128]``, in a database of its
own, removed afterwards. Each process claims chunks until nothing is left, and ends none. Beside it what
a chunk costs at least: one connection that updates as many rows by their ids. Goal: 10,000 claims a second
from four processes, none twice.
"""

import argparse
import multiprocessing
import os
import time
from collections import Counter

import tests.conftest  # noqa: F401 -- sets up Django and the suite's own database server

# isort: split

from django.conf import settings
from django.db import connection
from django.test.utils import get_runner

from arena import jobs
from arena.models import Job

KIND, OWNER, LEASE = "bench", 1, 60.0


def work(barrier, results, chunk: int) -> None:
    """One worker: puts the seconds it took and the ids it got into ``results``."""
    jobs.has_claimable(KIND, OWNER)  # the connection is made
    barrier.wait()
    start, claimed = time.perf_counter(), []
    while found := jobs.claim(KIND, OWNER, limit=chunk, lease=LEASE, worker=f"bench {os.getpid()}"):
        claimed += [held.id for held in found]
    results.put((time.perf_counter() - start, claimed))
    connection.close()


def run(processes: int, chunk: int) -> tuple[float, Counter[int]]:
    """The seconds that the slowest worker took, and how often each job was claimed."""
    connection.close()  # a connection cannot be shared with what is forked
    forking = multiprocessing.get_context("fork")
    barrier, results = forking.Barrier(processes), forking.Queue()
    workers = [forking.Process(target=work, args=(barrier, results, chunk)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    said = [results.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join()
    return max(seconds for seconds, _ in said), Counter(number for _, ids in said for number in ids)


def bare(chunk: int, rounds: int = 200) -> float:
    """Rows a second of one connection that updates chunks by their ids."""
    ids = list(Job.objects.filter(kind=KIND).order_by("pk").values_list("pk", flat=True)[: chunk * rounds])
    start = time.perf_counter()
    for at in range(0, len(ids), chunk):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE arena_job SET worker = 'bare' WHERE id = ANY(%s)", [ids[at : at + chunk]])
    return len(ids) / (time.perf_counter() - start)


def measure(number: int, processes: int, chunk: int) -> None:
    Job.objects.all().delete()
    jobs.enqueue(KIND, OWNER, range(number))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE arena_job")
    seconds, claimed = run(processes, chunk)
    twice, rate = sum(times > 1 for times in claimed.values()), len(claimed) / seconds
    print(
        f"{processes:>9}{chunk:>8}{number:>10,}{rate:>12,.0f}{twice:>8}{number - len(claimed):>8}"
        f"{rate / bare(chunk):>10.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--chunk", type=int, default=128)
    options = parser.parse_args()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    connection.settings_dict["TEST"]["NAME"] = "arena_claiming"  # beside the one that tests may be using
    databases = runner.setup_databases()
    try:
        print(
            f"{'processes':>9}{'chunk':>8}{'jobs':>10}{'claims/s':>12}{'twice':>8}{'lost':>8}{'of bare':>10}"
        )
        for processes in dict.fromkeys((1, options.processes)):
            measure(options.jobs, processes, options.chunk)
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    main()
