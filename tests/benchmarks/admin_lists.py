"""How long the admin's lists and a look at all scopes take with many rows: prints a table.

``python -m tests.benchmarks.admin_lists [--rows 200000]``, in a database of its own, removed afterwards.
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
from django.test.utils import get_runner, override_settings

from arena.models import Benchmark
from leaderboard.sources import signatures
from tests.factories import make_answers, make_benchmark, make_judge, make_matches

LISTS = (
    *("arena/job", "arena/job/?state=done", "arena/job/?state=failed"),
    *(
        "arena/vote",
        "arena/vote/?winner=tie",
        "arena/ballot",
        "arena/voter",
        "arena/benchmark",
        "arena/competitor",
    ),
    *("judging/judge", "judging/judgment"),
)
FILL = """
INSERT INTO arena_voter (name, origin, role, created_at)
    SELECT 'voter ' || n, 'bench', '', now() FROM generate_series(1, %(rows)s / 20) n;
INSERT INTO arena_ballot (token, voter_id, match_id, "order", issued_at, answered_at)
    SELECT gen_random_uuid(), voter.id, match.id, 'AB', now(), now()
    FROM (SELECT id, row_number() OVER () AS place FROM arena_voter) voter
    JOIN (SELECT id, row_number() OVER () AS place FROM arena_match) match
        ON (voter.place + match.place) %% 30 = 0
    LIMIT %(rows)s;
INSERT INTO arena_vote (voter_id, match_id, ballot_id, "order", winner, reasons, created_at)
    SELECT voter_id, match_id, id, 'AB', CASE WHEN id %% 10 = 0 THEN 'tie' ELSE 'model_a' END, '', now()
    FROM arena_ballot;
INSERT INTO arena_job (kind, owner, subject, state, attempts, worker, error_code, error, created_at)
    SELECT 'judge', n %% 4 + 1, n,
        CASE WHEN n %% 50 = 0 THEN 'failed' WHEN n %% 7 = 0 THEN 'pending' ELSE 'done' END,
        1, '', CASE WHEN n %% 50 = 0 THEN 'timeout' ELSE '' END, '', now()
    FROM generate_series(1, %(rows)s) n;
INSERT INTO judging_judgment (judge_id, match_id, "order", verdict, winner, protocol, prompt_zlib,
        prompt_sha256, settings, model_returned, fingerprint, finish_reason, created_at)
    SELECT judge.id, match.id, side, 'tie', 'tie', '', '', '', '{}', '', '', '', now()
    FROM judging_judge judge, arena_match match, unnest(ARRAY['AB', 'BA']) side LIMIT %(rows)s;
"""


def fill(rows: int) -> None:
    benchmark = make_benchmark(60, slug="many")
    make_answers(benchmark, *(f"text {number}" for number in range(16)))
    make_matches(benchmark)  # 120 pairs on each of 60 prompts: 7,200
    for number in range(rows // 14_400 + 1):
        make_judge(f"judge-{number}")
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"rows": rows})
        cursor.execute("VACUUM ANALYZE")


def median(work: Callable[[], object], times: int = 7) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return sorted(taken)[times // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    connection.settings_dict["TEST"]["NAME"] = "arena_admin_lists"  # beside the one that tests may be using
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        fill(rows)
        client = Client(headers={"host": "localhost"})
        client.force_login(User.objects.create_superuser("olga"))
        print(f"{'page':<28}{'ms':>8}")
        for name in LISTS:
            path, _, query = name.partition("/?")
            address = f"/admin/{path}/" + (f"?{query}" if query else "")
            assert client.get(address).status_code == 200, address
            print(f"{name:<28}{median(lambda a=address: client.get(a)):>8.0f}")
        print(f"{'signatures of all scopes':<28}{median(lambda: signatures(Benchmark.objects.all())):>8.0f}")
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": backend}}):
        main()
