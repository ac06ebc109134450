"""What a judge's rulings took (time, tokens, money), and the matches that it could not be asked."""

from dataclasses import dataclass

from django.db import connection

from arena.models import Benchmark
from judging.models import KIND, Judge
from judging.services.judging import kind_of

IDLE = 30.0  # seconds without a ruling that count as a pause, unless one ruling takes longer
FEWEST = 10  # rulings one after the other from which a speed is told
TOO_LONG = "too_long"  # the code of jobs whose prompt does not fit into the judge's context


@dataclass(frozen=True)
class Effort:
    """``pairs_per_second`` while it ruled; tokens and cost of 1,000 matches in every order asked.

    ``failed`` are matches given up by their cause's code. None where nobody counted.
    """

    pairs_per_second: float | None
    seconds: float | None  # median of one ruling
    tokens_in: float | None
    tokens_out: float | None
    cost: float | None  # in the currency of the judge's prices a million tokens
    failed: dict[str, int]

    @property
    def too_long(self) -> int:
        return self.failed.get(TOO_LONG, 0)


def measure_effort(judge: Judge, benchmark: Benchmark) -> Effort:
    """Read the times and tokens stored with the rulings, and the failed jobs."""
    failed = count_failed(judge, benchmark)
    if judge.engine == Judge.Engine.PANEL:
        return Effort(None, None, None, None, None, failed)  # what it took is its members' effort
    with connection.cursor() as cursor:
        cursor.execute(_EFFORT, {"judge": judge.pk, "benchmark": benchmark.pk, "idle": IDLE})
        rulings, items, gaps, busy, seconds, tokens_in, tokens_out = cursor.fetchone()
    orders = rulings / items if items else 0.0
    speed = gaps / busy / orders if gaps >= FEWEST and busy else None
    read, written = (each and 1000 * orders * float(each) for each in (tokens_in, tokens_out))
    cost = judge.cost_of(read, written)
    return Effort(speed, seconds, read, written, cost, failed)


def count_failed(judge: Judge, benchmark: Benchmark) -> dict[str, int]:
    """Matches that a judge was given up on, by their cause's code."""
    kinds = [KIND, kind_of(benchmark)]
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, {"judge": judge.pk, "benchmark": benchmark.pk, "kinds": kinds})
        return dict(cursor.fetchall())


_EFFORT = """
WITH own AS (
    SELECT judgment.match_id, judgment.turn, judgment.seconds, judgment.tokens_in, judgment.tokens_out,
        extract(epoch FROM judgment.created_at - lag(judgment.created_at) OVER (ORDER BY judgment.created_at))
            AS gap
    FROM judging_judgment judgment
    JOIN arena_match ON arena_match.id = judgment.match_id
    JOIN arena_prompt ON arena_prompt.id = arena_match.prompt_id
    WHERE judgment.judge_id = %(judge)s AND arena_prompt.benchmark_id = %(benchmark)s
), patience AS (SELECT greatest(%(idle)s, 2 * coalesce(max(seconds), 0)) AS most FROM own)
SELECT count(*), count(DISTINCT (match_id, turn)),
    count(*) FILTER (WHERE gap <= most), (sum(gap) FILTER (WHERE gap <= most))::float,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE seconds > 0),
    avg(tokens_in), avg(tokens_out)
FROM own, patience
"""

_FAILED = """
SELECT job.error_code, count(*)
FROM arena_job job
JOIN arena_match ON arena_match.id = job.subject
JOIN arena_prompt ON arena_prompt.id = arena_match.prompt_id
WHERE job.kind = ANY(%(kinds)s) AND job.owner = %(judge)s AND job.state = 'failed'
    AND arena_prompt.benchmark_id = %(benchmark)s
GROUP BY job.error_code
"""
