"""How long /queue/ takes with very many jobs: prints a table, and the slowest queries' plans.

``python -m tests.benchmarks.queue_page [--jobs 100000] [--explain]``, in a database of its own, removed
afterwards. Milliseconds, median/least: for a visitor when the page is made anew, and its second page; for
staff; for a visitor within two seconds of another, who gets the same from memory. Goal: under 50.
"""

import argparse
import time
from collections.abc import Callable

import tests.conftest  # noqa: F401 -- sets up Django and the suite's own database server

# isort: split

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, get_runner, override_settings

from leaderboard.views import cached
from leaderboard.views.queue import context
from tests.factories import make_benchmark, make_judge

# Of the first 80 submissions every fifth is under way; a share of each one's jobs has ended.
FILL = """
INSERT INTO arena_competitor (slug, name, organisation, description, sampling, is_demo, created_at)
    SELECT 'queued-' || n, 'Model ' || n, '', '', '{{}}', false, now() FROM generate_series(1, %(owners)s) n;
INSERT INTO arena_submission (competitor_id, benchmark_id, kind, state, cause, message, filename, attempts,
        priority, received_at, dry_run)
    SELECT id, %(benchmark)s, 'endpoint', 'answering', '', '', '', 0, id %% 3, now(), false
    FROM arena_competitor;
INSERT INTO arena_job (kind, owner, subject, state, attempts, worker, error_code, error, created_at)
    SELECT 'answer', id, n, CASE WHEN n %% 10 = 0 THEN 'done' WHEN n %% 50 = 1 THEN 'running' ELSE 'pending'
        END, 1, '', '', '', now()
    FROM arena_submission, generate_series(1, %(jobs)s / %(owners)s) n;
INSERT INTO arena_job (kind, owner, subject, state, attempts, worker, error_code, error, created_at)
    SELECT 'judge', judge.id, n, 'pending', 1, '', '', '', now()
    FROM judging_judge judge, generate_series(1, %(rulings)s) n;
INSERT INTO arena_hostworker
        (name, state, control, serves, queues, gpus, vllm_version, architectures, log, message, since,
        seen_at)
    SELECT 'io@' || n, 'idle', '', false, ARRAY['io'], '[]', '', '{}', '', '', now(), now()
    FROM generate_series(1, 8) n;
INSERT INTO arena_run (worker, kind, owner, since, seen_at, ended, is_open)
    SELECT 'io@' || id %% 8 + 1, 'answer', id, now() - interval '1 minute', now(), 60,
        id %% 5 = 0 AND id <= 80
    FROM arena_submission;
"""
TABLES = "arena_benchmark, arena_competitor, arena_job, arena_run, arena_hostworker, judging_judge, auth_user"
CASES = (  # submissions, of all jobs the share that are prompts, judges
    ("a thousand submissions", 1000, 1.0, 0),
    ("ten submissions", 10, 1.0, 0),
    ("a submission a job, half of all", 50_000, 0.5, 2),
    ("one judge", 1, 0.0, 1),
    ("ten judges, a hundred submissions", 100, 0.5, 10),
)


def fill(jobs: int, owners: int, share: float, judges: int) -> None:
    benchmark = make_benchmark(1)
    for number in range(judges):
        make_judge(f"judge-{number}")
    rulings = round(jobs * (1 - share) / judges) if judges else 0
    with connection.cursor() as cursor:
        values = {"owners": owners, "jobs": max(round(jobs * share), owners), "rulings": rulings}
        # VACUUM takes no row for visible before its commit is on the disk, which the suite's server delays.
        cursor.execute("SET synchronous_commit = on")
        cursor.execute(FILL.replace("{{}}", "{}"), values | {"benchmark": benchmark.pk})
        cursor.execute("VACUUM ANALYZE")


def timed(work: Callable[[], object], times: int = 15) -> str:
    """Milliseconds, median and least."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return f"{sorted(taken)[times // 2]:.1f}/{min(taken):.1f}"


def anew(client: Client, address: str = "/queue/") -> None:
    cached.CACHE.clear()
    assert client.get(address).status_code == 200


def explain() -> None:
    """The plans of the three slowest queries."""
    with CaptureQueriesContext(connection) as captured:
        list(context(1)["rows"])
    for query in sorted(captured, key=lambda query: -float(query["time"]))[:3]:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"])
            print(f"\n{query['time']} s: {query['sql'][:300]}")
            print("\n".join(row[0] for row in cursor.fetchall()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = "arena_queue_page"  # beside the one that tests may be using
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    print(f"{f'{options.jobs:,} jobs of':<36}{'anew':>14}{'page 2':>14}{'staff':>14}{'kept':>14}")
    try:
        for name, owners, share, judges in CASES:
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
            fill(options.jobs, owners, share, judges)
            visitor, staff = (Client(headers={"host": "localhost"}) for _ in range(2))
            staff.force_login(User.objects.create_superuser("olga"))
            anew(visitor)
            times = [
                timed(lambda: anew(visitor)),  # noqa: B023 -- called at once
                timed(lambda: anew(visitor, "/queue/?page=2")),  # noqa: B023
                timed(lambda: staff.get("/queue/operate/")),  # noqa: B023
                timed(lambda: visitor.get("/queue/")),  # noqa: B023
            ]
            print(f"{name:<36}{''.join(f'{each:>14}' for each in times)}", flush=True)
            if options.explain:
                explain()
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": backend}}):
        main()
