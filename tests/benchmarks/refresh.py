"""What a refresh of the board costs after 1,000 new votes, on much and on little history: prints a table.

``python -m tests.benchmarks.refresh [--rows 100000 1000000] [--categories 0]``, in a database of its own,
removed afterwards. 200 models on 200 prompts, heavy-tailed pairs, 20 % ties. The goals: under 0.5 s on the
most votes, and within 1.3 times of the same on the fewest.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import tests.conftest  # noqa: F401 -- sets up Django and the suite's own database server

# isort: split

from django.conf import settings
from django.db import connection, transaction
from django.test.utils import get_runner

from arena.models import Benchmark, Competitor, Prompt, Vote
from leaderboard.models import Board, CountedScope
from leaderboard.services.boards import refresh_boards
from leaderboard.services.counting import count_changes

MODELS, PROMPTS, VOTERS = 200, 200, 20_000
NEW = 1_000
ROUNDS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)

ANSWERS = """
INSERT INTO arena_answer (competitor_id, prompt_id, sample, turns, html_version, engine, model_returned,
        fingerprint, finish_reason)
    SELECT competitor.id, prompt.id, 0, NULL, 0, '', '', '', ''
    FROM arena_competitor competitor, arena_prompt prompt;
INSERT INTO arena_voter (name, origin, role, created_at)
    SELECT 'voter ' || n, 'bench', '', now() FROM generate_series(1, %(voters)s) n;
"""
# Few models are asked about often, most seldom; a match has three votes or so.
MATCHES = """
INSERT INTO arena_match (prompt_id, answer_a_id, answer_b_id, competitor_a_id, competitor_b_id, created_at)
    SELECT DISTINCT ON (a.id, b.id) a.prompt_id, least(a.id, b.id), greatest(a.id, b.id),
        CASE WHEN a.id < b.id THEN a.competitor_id ELSE b.competitor_id END,
        CASE WHEN a.id < b.id THEN b.competitor_id ELSE a.competitor_id END, now()
    FROM (SELECT floor(%(models)s * power(random(), 2.2))::int AS one,
            floor(%(models)s * power(random(), 1.4))::int AS other,
            floor(%(prompts)s * random())::int AS prompt
        FROM generate_series(1, %(rows)s / 3)) drawn
    JOIN (SELECT id, prompt_id, competitor_id, dense_rank() OVER (ORDER BY competitor_id) - 1 AS model,
            dense_rank() OVER (ORDER BY prompt_id) - 1 AS place FROM arena_answer) a
        ON a.model = drawn.one AND a.place = drawn.prompt
    JOIN (SELECT id, competitor_id, dense_rank() OVER (ORDER BY competitor_id) - 1 AS model,
            dense_rank() OVER (ORDER BY prompt_id) - 1 AS place FROM arena_answer) b
        ON b.model = drawn.other AND b.place = drawn.prompt
    WHERE a.competitor_id <> b.competitor_id
ON CONFLICT DO NOTHING;
"""
# The model with the smaller id is the stronger; 400 points between the first and the last.
VOTES = """
CREATE TEMP TABLE numbered ON COMMIT DROP AS
    SELECT row_number() OVER () - 1 AS place, id, competitor_a_id - competitor_b_id AS behind
    FROM arena_match;
INSERT INTO arena_vote (voter_id, match_id, "order", winner, reasons, created_at)
    SELECT voters.low + floor(%(voters)s * drawn.voter)::int, match.id, 'AB',
        CASE WHEN drawn.tie < 0.2 THEN 'tie'
            WHEN drawn.win < 1 / (1 + power(10, match.behind / 200.0)) THEN 'model_a'
            ELSE 'model_b' END, '', now()
    FROM (SELECT random() AS voter, random() AS tie, random() AS win,
            floor(random() * (SELECT count(*) FROM numbered))::bigint AS place
        FROM generate_series(1, %(rows)s)) drawn
    JOIN numbered match USING (place) CROSS JOIN (SELECT min(id) AS low FROM arena_voter) voters
ON CONFLICT DO NOTHING;
"""


def run(statement: str, **values: int) -> None:
    numbers = {"models": MODELS, "prompts": PROMPTS, "voters": VOTERS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, numbers | values)


def prepare(categories: int = 8) -> None:
    benchmark = Benchmark.objects.create(slug="refresh", name="Refresh")
    Prompt.objects.bulk_create(
        Prompt(
            benchmark=benchmark,
            key=f"q{number}",
            turns=["?"],
            tags=[f"category {number % categories}"] if categories else [],
        )
        for number in range(PROMPTS)
    )
    Competitor.objects.bulk_create(
        Competitor(slug=f"m{number}", name=f"Model {number}") for number in range(MODELS)
    )
    run(ANSWERS)


def grow(rows: int) -> None:
    """Add matches and votes until there are so many votes."""
    while (missing := rows - Vote.objects.count()) > 0:
        run(MATCHES, rows=max(missing, 30_000))
        run(VOTES, rows=missing)
    vacuum()


def vacuum() -> None:
    """As the database does by itself within a minute: a million votes leave a million counted changes."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(rows: int) -> tuple[float, float, float]:
    """Seconds of a refresh after new votes, of counting all that was added, and of a thorough fit."""
    grow(rows)
    counting = seconds(count_changes)
    vacuum()
    CountedScope.objects.update(thorough_at=None)
    thorough = seconds(lambda: refresh_boards(now=NOW))
    found = []
    for at in range(ROUNDS):
        run(VOTES, rows=NEW)
        CountedScope.objects.update(thorough_seconds=3600, thorough_at=NOW)
        found.append(seconds(lambda at=at: refresh_boards(now=NOW + timedelta(seconds=at + 1))))
        assert Board.objects.get(category="", method="bt").matches == Vote.objects.count()
    return median(found), counting, thorough


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--categories", type=int, default=0)
    options = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = "arena_refresh"  # beside the one that tests may be using
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        prepare(options.categories)
        print(f"{'votes stored':>12}{'refresh, s':>12}{'ratio':>8}{'counting, s':>13}{'thorough, s':>13}")
        first = None
        for rows in options.rows:
            refresh, counting, thorough = measure(rows)
            first = first or refresh
            print(f"{rows:>12,}{refresh:>12.3f}{refresh / first:>8.2f}{counting:>13.1f}{thorough:>13.1f}")
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    main()
