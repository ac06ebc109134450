"""What a board counts: people's votes or one judge's judgments, as kept counts or row by row."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zlib import crc32

from django.db import connection
from django.db.models import Exists, OuterRef

from arena.models import Answer, Benchmark, Competitor, Prompt
from judging.models import Judge
from leaderboard.charts import PairTotal
from leaderboard.models import CountedScope

ALL = ""  # the category that holds every prompt

Columns = dict[str, bytes]  # whole numbers of eight bytes by name, for the rating library

# Points of model_a for a winner; a tie and "both bad" are one half, an inconsistent ruling too.
POINTS = "CASE {winner} WHEN 'model_a' THEN 1.0 WHEN 'model_b' THEN 0.0 ELSE 0.5 END"

# No value from outside is in these texts.
_IN_PLAY = "match.competitor_a_id <> ALL(%(withdrawn)s) AND match.competitor_b_id <> ALL(%(withdrawn)s)"

_VOTES = f"""
    SELECT match.competitor_a_id AS first, match.competitor_b_id AS second,
        round(4 * {POINTS.format(winner="vote.winner")}) AS quarters, vote.voter_id AS voter,
        match.prompt_id AS prompt, match.id AS match, (vote.order <> 'BA')::int AS shown
    FROM arena_vote vote JOIN arena_match match ON match.id = vote.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id JOIN arena_voter voter ON voter.id = vote.voter_id
    WHERE prompt.benchmark_id = %(benchmark)s AND voter.quarantined_at IS NULL AND {_IN_PLAY}
    ORDER BY vote.created_at, vote.id
"""  # noqa: S608

# Two orders of one judge are one observation, their mean (an inconsistent pair counts one half). A match
# counts when every order that the judge is asked for has been read; an unread one leaves it out.
_JUDGMENTS = f"""
    SELECT match.competitor_a_id AS first, match.competitor_b_id AS second,
        round(4 * avg({POINTS.format(winner="judgment.winner")})) AS quarters,
        match.prompt_id AS prompt, match.id AS match
    FROM judging_judgment judgment JOIN arena_match match ON match.id = judgment.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    WHERE judgment.judge_id = %(judge)s AND prompt.benchmark_id = %(benchmark)s AND {_IN_PLAY}
    GROUP BY match.id, judgment.turn
    HAVING bool_and(judgment.winner <> '') AND count(*) >= %(orders)s
    ORDER BY max(judgment.created_at), max(judgment.id)
"""  # noqa: S608

_COUNTS = """
    FROM leaderboard_paircount WHERE benchmark_id = %(benchmark)s AND games > 0
        AND (judge_id = %(judge)s OR (%(judge)s::bigint IS NULL AND judge_id IS NULL))
        AND low_id <> ALL(%(withdrawn)s) AND high_id <> ALL(%(withdrawn)s)
"""

_AMONG = "AND category = %(category)s AND low_id = ANY(%(among)s) AND high_id = ANY(%(among)s)"

# What a read of counts gives: its names for columns of the table, and these packed.
_NAMES = {"low": "low_id", "high": "high_id", "quarters": "quarters", "games": "games"}
_PACKED = ", ".join(f"string_agg(int8send({column}), '')" for column in _NAMES.values())

_STYLES = """
    SELECT match.id AS match, {features}
    FROM arena_match match JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    JOIN leaderboard_answerstyle a ON a.answer_id = match.answer_a_id
    JOIN leaderboard_answerstyle b ON b.answer_id = match.answer_b_id
    WHERE prompt.benchmark_id = %(benchmark)s
"""


_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class Scope(NamedTuple):
    """A benchmark seen by one source: people (None) or a judge."""

    benchmark: int
    judge: int | None


def read_counts(benchmark: Benchmark, judge: Judge | None, categories: Iterable[str]) -> dict[str, Columns]:
    """Kept counts (``low``, ``high``, ``quarters``, ``games``) of those in play, by category that has any."""
    query = f"SELECT category, {_PACKED} {_COUNTS} AND category = ANY(%(categories)s) GROUP BY category"
    with connection.cursor() as cursor:
        cursor.execute(query, _values(benchmark, judge) | {"categories": list(categories)})
        return {category: _columns(_NAMES, columns) for category, *columns in cursor}


def read_counts_among(benchmark: Benchmark, judge: Judge | None, among: Iterable[int]) -> Columns:
    """Kept counts of all prompts between the competitors ``among`` (ids) that are in play."""
    values = _values(benchmark, judge) | {"category": ALL, "among": list(among)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_PACKED} {_COUNTS} {_AMONG}", values)
        return _columns(_NAMES, cursor.fetchone())


def games_by_competitor(benchmark: Benchmark, judge: Judge | None) -> Counter[int]:
    """How many games of each competitor in play were counted."""
    found: Counter[int] = Counter()
    with connection.cursor() as cursor:
        for side in ("low_id", "high_id"):
            cursor.execute(
                f"SELECT {side}, sum(games) {_COUNTS} AND category = %(category)s GROUP BY 1",
                _values(benchmark, judge) | {"category": ALL},
            )
            for competitor, games in cursor:
                found[competitor] += int(games)
    return found


def read_rows(benchmark: Benchmark, judge: Judge | None) -> Columns:
    """Games one by one in the order in which they were played, of those in play.

    ``first``, ``second`` (ids of model_a and model_b), ``quarters`` (points of first), ``prompt``, ``match``;
    of votes also ``voter`` and ``shown``, 1 where first stood first, 0 where second did.
    """
    names = ["first", "second", "quarters", "prompt", "match", *([] if judge else ["voter", "shown"])]
    return _read(_JUDGMENTS if judge else _VOTES, names, _values(benchmark, judge))


def read_styles(benchmark: Benchmark, features: Iterable[str]) -> Columns:
    """``match``, and each feature of its two answers as ``NAME_a``, ``NAME_b``; if both were measured."""
    names = [f"{feature}_{side}" for feature in features for side in "ab"]
    listed = ", ".join(f"{name[-1]}.{name[:-2]} AS {name}" for name in names)
    return _read(_STYLES.format(features=listed), ["match", *names], {"benchmark": benchmark.pk})


def _read(query: str, names: list[str], values: dict[str, Any]) -> Columns:
    """A query's columns, packed by the database: a million rows as tuples would take seconds."""
    packed = ", ".join(f"string_agg(int8send(rows.{name}::bigint), '')" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {packed} FROM ({query}) rows", values)  # noqa: S608
        return _columns(names, cursor.fetchone())


def _columns(names: Iterable[str], packed: Iterable[Any]) -> Columns:
    return {name: bytes(column or b"") for name, column in zip(names, packed, strict=True)}


def pair_totals(
    benchmark: Benchmark, judge: Judge | None, *, category: str = ALL, among: Iterable[int]
) -> list[PairTotal]:
    """What the competitors ``among`` (ids) played against each other."""
    values = _values(benchmark, judge) | {"category": category, "among": list(among)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT low_id, high_id, sum(games), sum(games * quarters) / 4.0 {_COUNTS} {_AMONG}
            GROUP BY 1, 2
            """,
            values,
        )
        return [PairTotal(low, high, int(games), float(points)) for low, high, games, points in cursor]


def competitors_in_play(benchmark: Benchmark) -> list[int]:
    """Ids of the competitors in play with an answer on the benchmark, ascending."""
    answers = Answer.objects.filter(competitor=OuterRef("pk"), prompt__benchmark=benchmark)
    rows = Competitor.objects.in_play().filter(Exists(answers)).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def prompts_by_category(benchmark: Benchmark) -> dict[str, list[int]]:
    """Ids of the prompts of each category, ``ALL`` among them."""
    found: dict[str, list[int]] = defaultdict(list)
    for prompt, tags in Prompt.objects.filter(benchmark=benchmark).values_list("pk", "tags"):
        for category in dict.fromkeys([ALL, *tags]):
            found[category].append(prompt)
    return found


def _values(benchmark: Benchmark, judge: Judge | None) -> dict[str, Any]:
    return {
        "benchmark": benchmark.pk,
        "withdrawn": _withdrawn(),
        "judge": judge.pk if judge else None,
        "orders": 2 if judge and judge.both_orders else 1,
    }


def signatures(benchmarks: Iterable[Benchmark]) -> dict[Scope, str]:
    """What was counted of each scope, as a short text that changes with every counted change.

    It changes too when a model of the benchmark is withdrawn or restored.
    """
    scopes = CountedScope.objects.filter(benchmark__in=[benchmark.pk for benchmark in benchmarks])
    out = _withdrawn_by_benchmark()
    return {
        Scope(benchmark, judge): _signature(changed_at, out.get(benchmark))
        for benchmark, judge, changed_at in scopes.values_list("benchmark", "judge", "changed_at")
    }


def _signature(changed_at: datetime, withdrawn: list[int] | None) -> str:
    """Microseconds in hexadecimal. At most 25 characters: a report's signature holds two."""
    return f"{(changed_at - _BEGINNING) // timedelta(microseconds=1):x}" + (
        f":{crc32(str(withdrawn).encode()):x}" if withdrawn else ""
    )


def _withdrawn() -> list[int]:
    return sorted(Competitor.objects.withdrawn().values_list("pk", flat=True))


def _withdrawn_by_benchmark() -> dict[int, list[int]]:
    """Ids of the withdrawn competitors of each benchmark that has any."""
    answers = Answer.objects.filter(competitor__in=_withdrawn()).order_by("competitor")
    found: dict[int, list[int]] = defaultdict(list)
    for benchmark, competitor in answers.values_list("prompt__benchmark", "competitor").distinct():
        found[benchmark].append(competitor)
    return found
