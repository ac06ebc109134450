"""Bring kept counts up to date with votes and judgments, each change once, and check them against the rows.

Why nothing is counted twice or lost, whoever writes meanwhile: a change is written by the transaction that it
belongs to, and deleted by the one statement that counts it. A statement sees the database at one moment, so
the rulings that it finds are those before its changes plus the changes. Nothing looks at ids or times: ids
have gaps, and commits come out of order.
"""

from django.db import connection

from leaderboard.models import PairCount
from leaderboard.sources import POINTS

CHUNK = 20_000  # changes counted by one statement

_QUARTERS = "round(4 * {points})::smallint"
_OF_VOTE = _QUARTERS.format(points=POINTS.format(winner="winner"))
_OF_RULINGS = _QUARTERS.format(points=f"avg({POINTS.format(winner='winner')})")
_READ = "bool_and(winner <> '') AND count(*) >= CASE WHEN judge.both_orders THEN 2 ELSE 1 END"

# Games, +1 or -1 each, become sums by pair with the smaller id first.
_COUNTED = """
    expanded AS (
        SELECT benchmark_id, judge_id, category, sign,
            least(competitor_a_id, competitor_b_id) AS low,
            greatest(competitor_a_id, competitor_b_id) AS high,
            CASE WHEN competitor_a_id < competitor_b_id THEN quarters ELSE 4 - quarters END AS quarters
        FROM games
        CROSS JOIN LATERAL (SELECT DISTINCT unnest(array_prepend('', tags)) AS category) categories
    ), summed AS (
        SELECT benchmark_id, judge_id, category, low, high, quarters, sum(sign) AS games
        FROM expanded JOIN arena_benchmark benchmark ON benchmark.id = benchmark_id
        JOIN arena_competitor one ON one.id = low JOIN arena_competitor other ON other.id = high
        GROUP BY 1, 2, 3, 4, 5, 6
    )
"""

_KEPT = """
    , kept AS (
        INSERT INTO leaderboard_paircount AS kept
            (benchmark_id, judge_id, category, low_id, high_id, quarters, games)
        SELECT benchmark_id, judge_id, category, low, high, quarters, games FROM {delta} WHERE games <> 0
        ON CONFLICT (benchmark_id, judge_id, category, low_id, high_id, quarters)
        DO UPDATE SET games = kept.games + excluded.games
    ), touched AS (
        INSERT INTO leaderboard_countedscope
            (benchmark_id, judge_id, changed_at, thorough_seconds, thorough_signature)
        SELECT scope.benchmark_id, scope.judge_id, clock_timestamp(), 0, ''
        FROM (SELECT DISTINCT benchmark_id, {judge} AS judge_id FROM {scopes}) scope
        JOIN arena_benchmark benchmark ON benchmark.id = scope.benchmark_id
        LEFT JOIN judging_judge judge ON judge.id = scope.judge_id
        WHERE scope.judge_id IS NULL OR judge.id IS NOT NULL
        ON CONFLICT (benchmark_id, judge_id) DO UPDATE SET changed_at = excluded.changed_at
    )
"""

_VOTES = f"""
    WITH taken AS (
        DELETE FROM arena_votechange
        WHERE id IN (SELECT id FROM arena_votechange ORDER BY id LIMIT %(limit)s) RETURNING *
    ), games AS (
        SELECT benchmark_id, NULL::bigint AS judge_id, tags, competitor_a_id, competitor_b_id, sign,
            {_OF_VOTE} AS quarters
        FROM taken
    ), {_COUNTED}
    {_KEPT.format(delta="summed", judge="NULL::bigint", scopes="taken")}
    SELECT count(*) FROM taken
"""  # noqa: S608 -- no value from outside is in these texts

# A judge's game is the mean of all orders that it is asked for, so one ruling more or less can make or unmake
# it. Before: the rulings that are there now, less those added, plus those taken. All changes of a match are
# taken together.
_JUDGMENTS = f"""
    WITH chosen AS (
        SELECT DISTINCT judge_id, match_id FROM (
            SELECT judge_id, match_id FROM judging_judgmentchange ORDER BY id LIMIT %(limit)s) earliest
    ), taken AS (
        DELETE FROM judging_judgmentchange change USING chosen
        WHERE change.judge_id = chosen.judge_id AND change.match_id = chosen.match_id
        RETURNING change.*
    ), present AS (
        SELECT judgment.judge_id, judgment.match_id, judgment.turn, judgment.order, judgment.winner,
            prompt.tags, prompt.benchmark_id, match.competitor_a_id, match.competitor_b_id
        FROM chosen JOIN judging_judgment judgment
            ON judgment.judge_id = chosen.judge_id AND judgment.match_id = chosen.match_id
        JOIN arena_match match ON match.id = judgment.match_id
        JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    ), before AS (
        SELECT judge_id, match_id, turn, "order", winner, tags, benchmark_id, competitor_a_id, competitor_b_id
        FROM (
            SELECT *, 1 AS sign FROM present
            UNION ALL
            SELECT judge_id, match_id, turn, "order", winner, tags, benchmark_id, competitor_a_id,
                competitor_b_id, -sign FROM taken
        ) both_sides
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING sum(sign) > 0
    ), games AS (
        SELECT benchmark_id, judge_id, tags, competitor_a_id, competitor_b_id, sign,
            {_OF_RULINGS} AS quarters
        FROM (SELECT *, 1 AS sign FROM present UNION ALL SELECT *, -1 FROM before) rulings
        JOIN judging_judge judge ON judge.id = judge_id
        GROUP BY benchmark_id, judge_id, tags, competitor_a_id, competitor_b_id, sign, match_id, turn,
            judge.both_orders
        HAVING {_READ}
    ), {_COUNTED}
    {_KEPT.format(delta="summed", judge="judge_id", scopes="taken")}
    SELECT count(*) FROM taken
"""  # noqa: S608

# All of it from the rows: what differs from the counts is put right, and what waits is taken as counted.
_AUDIT = f"""
    WITH votes AS (DELETE FROM arena_votechange), judgments AS (DELETE FROM judging_judgmentchange),
    games AS (
        SELECT prompt.benchmark_id, NULL::bigint AS judge_id, prompt.tags, match.competitor_a_id,
            match.competitor_b_id, 1 AS sign, {_OF_VOTE} AS quarters
        FROM arena_vote vote JOIN arena_match match ON match.id = vote.match_id
        JOIN arena_prompt prompt ON prompt.id = match.prompt_id
        JOIN arena_voter voter ON voter.id = vote.voter_id WHERE voter.quarantined_at IS NULL
        UNION ALL
        SELECT prompt.benchmark_id, judge.id, prompt.tags, match.competitor_a_id, match.competitor_b_id,
            1 AS sign, {_OF_RULINGS}
        FROM judging_judgment judgment JOIN judging_judge judge ON judge.id = judgment.judge_id
        JOIN arena_match match ON match.id = judgment.match_id
        JOIN arena_prompt prompt ON prompt.id = match.prompt_id
        GROUP BY prompt.id, judge.id, match.id, judgment.turn HAVING {_READ}
    ), {_COUNTED}, delta AS (
        SELECT coalesce(summed.benchmark_id, kept.benchmark_id) AS benchmark_id,
            coalesce(summed.judge_id, kept.judge_id) AS judge_id,
            coalesce(summed.category, kept.category) AS category, coalesce(summed.low, kept.low_id) AS low,
            coalesce(summed.high, kept.high_id) AS high, coalesce(summed.quarters, kept.quarters) AS quarters,
            coalesce(summed.games, 0) - coalesce(kept.games, 0) AS games
        FROM summed FULL JOIN leaderboard_paircount kept ON kept.benchmark_id = summed.benchmark_id
            AND coalesce(kept.judge_id, 0) = coalesce(summed.judge_id, 0) AND kept.category = summed.category
            AND kept.low_id = summed.low AND kept.high_id = summed.high AND kept.quarters = summed.quarters
    ), given AS (
        SELECT prompt.benchmark_id, NULL::bigint AS judge_id
        FROM arena_vote vote JOIN arena_match match ON match.id = vote.match_id
        JOIN arena_prompt prompt ON prompt.id = match.prompt_id
        UNION
        SELECT prompt.benchmark_id, judgment.judge_id FROM judging_judgment judgment
        JOIN arena_match match ON match.id = judgment.match_id
        JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    ) {_KEPT.format(delta="delta", judge="judge_id", scopes="given")}
    SELECT count(*) FROM delta WHERE games <> 0
"""  # noqa: S608


def count_changes() -> int:
    """Count every change that waits. Returns how many there were. One process at a time."""
    return sum(_drain(statement) for statement in (_VOTES, _JUDGMENTS))


def _drain(statement: str) -> int:
    total = 0
    while counted := _run(statement, limit=CHUNK):
        total += counted
    return total


def audit_counts() -> int:
    """Make the counts what the rows say. Returns how many were not, changes still waiting included."""
    wrong = _run(_AUDIT)
    PairCount.objects.filter(games=0).delete()
    return wrong


def _run(statement: str, **values: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])
