"""What a board counts: games from people's votes or from one judge's judgments, read in one query each."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

from django.db import connection
from django.db.models import Aggregate, BigIntegerField, Count

from arena.models import Answer, Benchmark, Competitor, Vote
from judging.models import Judge, Judgment
from leaderboard.charts import PairTotal

ALL = ""  # the category that holds every prompt


class Game(NamedTuple):
    """So many ``times`` a game with the same outcome: points of ``first`` in [0, 1], a tie is one half."""

    first: int  # competitor id
    second: int
    score: float
    times: int


_SCORE = """CASE {winner} WHEN 'model_a' THEN 1.0 WHEN 'model_b' THEN 0.0 WHEN '' THEN NULL ELSE 0.5 END"""

# No value from outside is in these texts. "{which}" leaves room for a condition on the matches.
_IN_PLAY = "match.competitor_a_id <> ALL(%(withdrawn)s) AND match.competitor_b_id <> ALL(%(withdrawn)s)"

_VOTES = f"""
    SELECT match.id AS match_id, {_SCORE.format(winner="vote.winner")} AS score, vote.created_at, vote.id
    FROM arena_vote vote JOIN arena_match match ON match.id = vote.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    WHERE prompt.benchmark_id = %(benchmark)s AND {_IN_PLAY} {{which}}
"""  # noqa: S608

# Two orders of one judge are one observation, their mean (an inconsistent pair counts one half). A match
# counts when every order that the judge is asked for has been read; an unread one leaves it out.
_JUDGMENTS = f"""
    SELECT judgment.match_id, avg({_SCORE.format(winner="judgment.winner")}) AS score,
        max(judgment.created_at) AS created_at, max(judgment.id) AS id
    FROM judging_judgment judgment JOIN arena_match match ON match.id = judgment.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    WHERE judgment.judge_id = %(judge)s AND prompt.benchmark_id = %(benchmark)s AND {_IN_PLAY} {{which}}
    GROUP BY judgment.match_id, judgment.turn
    HAVING bool_and(judgment.winner <> '') AND count(*) >= %(orders)s
"""  # noqa: S608

_BY_PAIR = """
    SELECT category, competitor_a_id, competitor_b_id, score, count(*)
    FROM ({rows}) games JOIN arena_match match ON match.id = games.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    CROSS JOIN LATERAL unnest(array_prepend('', prompt.tags)) AS category
    GROUP BY 1, 2, 3, 4
"""

_IN_TIME = """
    SELECT category, competitor_a_id, competitor_b_id, score, 1
    FROM ({rows}) games JOIN arena_match match ON match.id = games.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    CROSS JOIN LATERAL unnest(array_prepend('', prompt.tags)) AS category
    ORDER BY games.created_at, games.id
"""

_AMONG = """AND match.competitor_a_id = ANY(%(among)s) AND match.competitor_b_id = ANY(%(among)s)
    AND (%(category)s = '' OR %(category)s = ANY(prompt.tags))"""

_TOTALS = """
    SELECT competitor_a_id, competitor_b_id, count(*), sum(score)
    FROM ({rows}) games JOIN arena_match match ON match.id = games.match_id
    GROUP BY 1, 2
"""


def games(benchmark: Benchmark, judge: Judge | None, *, in_time: bool = False) -> dict[str, list[Game]]:
    """Games by category (``ALL`` among them); ``judge`` None means people.

    Aggregated by pair and outcome, or, ``in_time``, one by one in the order in which they were played.
    """
    query = (_IN_TIME if in_time else _BY_PAIR).format(rows=_rows(judge))
    found: dict[str, list[Game]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(query, _values(benchmark, judge))
        for category, first, second, score, count in cursor:
            found[category].append(Game(first, second, float(score), count))
    return found


def pair_totals(
    benchmark: Benchmark, judge: Judge | None, *, category: str = ALL, among: Iterable[int]
) -> list[PairTotal]:
    """What the competitors ``among`` (ids) played against each other; a pair may stand in both orders."""
    values = _values(benchmark, judge) | {"category": category, "among": list(among)}
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS.format(rows=_rows(judge, _AMONG)), values)
        return [PairTotal(first, second, count, float(score)) for first, second, count, score in cursor]


def _rows(judge: Judge | None, which: str = "") -> str:
    return (_JUDGMENTS if judge else _VOTES).format(which=which)


def _values(benchmark: Benchmark, judge: Judge | None) -> dict[str, Any]:
    return {
        "benchmark": benchmark.pk,
        "withdrawn": _withdrawn(),
        "judge": judge.pk if judge else None,
        "orders": 2 if judge and judge.both_orders else 1,
    }


class Scope(NamedTuple):
    """A benchmark seen by one source: people (None) or a judge."""

    benchmark: int
    judge: int | None


def signatures(benchmarks: Iterable[Benchmark]) -> dict[Scope, str]:
    """What each scope's rows are now, as a short text that changes with every added or removed row.

    It changes too when a model of the benchmark is withdrawn or restored.
    """
    ids = [benchmark.pk for benchmark in benchmarks]
    votes = (
        Vote.objects.filter(match__prompt__benchmark__in=ids)
        .values_list("match__prompt__benchmark")
        .annotate(rows=Count("id"), mixed=_Mix("id"))
    )
    judgments = (
        Judgment.objects.filter(match__prompt__benchmark__in=ids)
        .values_list("match__prompt__benchmark", "judge")
        .order_by()
        .annotate(rows=Count("id"), mixed=_Mix("id"))
    )
    out = _withdrawn_by_benchmark()
    found = {Scope(key, None): _signature(key, rows, mixed, out) for key, rows, mixed in votes}
    found |= {Scope(key, judge): _signature(key, rows, mixed, out) for key, judge, rows, mixed in judgments}
    return found


class _Mix(Aggregate):
    """All numbers of a group in one, whatever their order.

    A count and the highest id do not tell a vote withdrawn from another one that was given a moment before
    the highest but stored a moment after it.
    """

    template = "bit_xor(hashint8extended(%(expressions)s, 0))"
    output_field = BigIntegerField()


def _signature(benchmark: int, count: int, mixed: int, out: dict[int, list[int]]) -> str:
    """At most 36 characters: a report's signature holds two."""
    gone = f":{crc32(str(out[benchmark]).encode()):x}" if benchmark in out else ""
    return f"{count}:{mixed % 2**64:x}{gone}"


def _withdrawn() -> list[int]:
    return sorted(Competitor.objects.withdrawn().values_list("pk", flat=True))


def _withdrawn_by_benchmark() -> dict[int, list[int]]:
    """Ids of the withdrawn competitors of each benchmark that has any."""
    answers = Answer.objects.filter(competitor__in=_withdrawn()).order_by("competitor")
    found: dict[int, list[int]] = defaultdict(list)
    for benchmark, competitor in answers.values_list("prompt__benchmark", "competitor").distinct():
        found[benchmark].append(competitor)
    return found


def count_voters(benchmark: Benchmark) -> dict[str, int]:
    """How many people voted, by category."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT category, count(DISTINCT vote.voter_id)
            FROM arena_vote vote JOIN arena_match match ON match.id = vote.match_id
            JOIN arena_prompt prompt ON prompt.id = match.prompt_id
            CROSS JOIN LATERAL unnest(array_prepend('', prompt.tags)) AS category
            WHERE prompt.benchmark_id = %(benchmark)s AND {_IN_PLAY} GROUP BY category
            """,  # noqa: S608 -- no value from outside is in this text
            {"benchmark": benchmark.pk, "withdrawn": _withdrawn()},
        )
        return dict(cursor.fetchall())
