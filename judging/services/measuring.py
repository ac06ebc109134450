"""Measure judges against people: read the rows, hand them to the pure rules of ``judging.agreement``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from arena.models import Benchmark, Competitor, Match, Vote
from arena.outcomes import Order, Verdict, fold
from judging import agreement
from judging.agreement import Agreement, JudgmentRow, PromptOf, RulingRow, VoteRow
from judging.agreement_preferences import PreferenceRow, SideOf
from judging.families import family_of
from judging.models import Judge, Judgment


@dataclass(frozen=True)
class Judged:
    """One judge's rows on a benchmark: as given, and folded to one outcome an item (match, turn)."""

    judgments: list[JudgmentRow]
    rulings: list[RulingRow]

    @property
    def unscored(self) -> int:
        return sum(ruling.outcome is None for ruling in self.rulings)


def read_votes(benchmark: Benchmark, *, turn: int | None = None) -> list[VoteRow]:
    """Every vote of a benchmark but those of quarantined voters; ``turn`` None means all turns."""
    votes = Vote.objects.filter(match__prompt__benchmark=benchmark, voter__quarantined_at=None)
    if turn is not None:
        votes = votes.filter(turn=turn)
    rows = votes.values_list("match_id", "turn", "voter_id", "voter__name", "voter__role", "winner", "order")
    return [
        VoteRow((match, number), name or f"visitor {voter}", role, winner, order)
        for match, number, voter, name, role, winner, order in rows.iterator(chunk_size=10_000)
    ]


def read_judged(judge: Judge, benchmark: Benchmark, *, turn: int | None = None) -> Judged:
    """Every ruling of a judge on a benchmark. Items of which an order is still to come are left out."""
    rows = Judgment.objects.filter(judge=judge, match__prompt__benchmark=benchmark)
    if turn is not None:
        rows = rows.filter(turn=turn)
    judgments = []
    items: dict[tuple[int, int | None], dict[str, Any]] = {}  # an import may say inconsistent
    for match, number, order, verdict, winner in rows.values_list(
        "match_id", "turn", "order", "verdict", "winner"
    ).iterator(chunk_size=10_000):
        judgments.append(JudgmentRow(match, number, order, Verdict(verdict) if verdict else None))
        items.setdefault((match, number), {})[order] = winner or None
    rulings = []
    for item, by_order in items.items():
        if judge.both_orders and len(by_order) == 2:
            rulings.append(RulingRow(item, fold(by_order[Order.AB], by_order[Order.BA]), Order.FOLDED))
        elif not judge.both_orders:
            rulings.extend(RulingRow(item, winner, order) for order, winner in by_order.items())
    return Judged(judgments, rulings)


def measure_agreement(judge: Judge, benchmark: Benchmark, *, rule: str, turn: int | None = None) -> Agreement:
    """How far a judge agrees with people by one of ``agreement.RULES``."""
    judged, votes = read_judged(judge, benchmark, turn=turn), read_votes(benchmark, turn=turn)
    return agreement.agree(rule, judged.rulings, votes, judged.judgments, prompts_of(benchmark))


def prompts_of(benchmark: Benchmark) -> PromptOf:
    """Which prompt an item (match, turn) belongs to."""
    prompts = dict(Match.objects.of_benchmark(benchmark).values_list("pk", "prompt_id"))
    return lambda item: prompts[item[0]]


def read_preferences(judge: Judge, benchmark: Benchmark) -> list[PreferenceRow]:
    """A judge's soft preferences, where its rulings have them."""
    with connection.cursor() as cursor:
        cursor.execute(_PREFERENCES, {"judge": judge.pk, "benchmark": benchmark.pk})
        return [PreferenceRow((match, turn), order, preference) for match, turn, order, preference in cursor]


_PREFERENCES = """
SELECT judgment.match_id, judgment.turn, judgment.order, judgment.preference
FROM judging_judgment judgment
JOIN arena_match match ON match.id = judgment.match_id
JOIN arena_prompt prompt ON prompt.id = match.prompt_id
WHERE judgment.judge_id = %(judge)s AND prompt.benchmark_id = %(benchmark)s
    AND judgment.preference IS NOT NULL AND judgment.order IN ('AB', 'BA')
"""


def judge_family(judge: Judge) -> str:
    """The family of the judge's model, told from its name; "" where it is not known or there is no model."""
    if judge.engine in (Judge.Engine.BASELINE, Judge.Engine.SCRIPTED, Judge.Engine.PANEL):
        return ""
    names = (judge.model, judge.host_model.source if judge.host_model else "", judge.name)
    return next(filter(None, map(family_of, names)), "")


def own_side_of(judge: Judge, benchmark: Benchmark) -> tuple[SideOf, str]:
    """Where a judge's family stands on an item (match, turn): 1 as model_a, -1 as model_b, 0 as neither or
    both; and the family.
    """
    family = judge_family(judge)
    named = Competitor.objects.filter(answers__prompt__benchmark=benchmark).distinct()
    own = {pk for pk, name in named.values_list("pk", "name") if family and family_of(name) == family}
    matches = Match.objects.of_benchmark(benchmark).filter(Q(competitor_a__in=own) | Q(competitor_b__in=own))
    sides = {
        match: (one in own) - (other in own)
        for match, one, other in matches.values_list("pk", "competitor_a", "competitor_b")
    }
    return lambda item: sides.get(item[0], 0), family


class Shared(NamedTuple):
    """Items (match, turn) that two judges both ruled on, and those on which they named the same winner."""

    n: int
    agreed: int


def measure_judges(judge: Judge, benchmark: Benchmark) -> dict[int, Shared]:
    """How far a judge agrees with each other one (by id) on a benchmark.

    The rule is each-vote's: an item counts when both were read in every order that they are asked for; an
    inconsistent ruling agrees with nothing, a shared tie agrees.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, {"judge": judge.pk, "benchmark": benchmark.pk})
        return {other: Shared(n, agreed) for other, n, agreed in cursor}


_SHARED = """
WITH said AS (
    SELECT judgment.judge_id, judgment.match_id, judgment.turn, judge.both_orders,
        replace(judgment.winner, 'both_bad', 'tie') AS winner
    FROM judging_judgment judgment JOIN judging_judge judge ON judge.id = judgment.judge_id
    JOIN arena_match match ON match.id = judgment.match_id
    JOIN arena_prompt prompt ON prompt.id = match.prompt_id
    WHERE prompt.benchmark_id = %(benchmark)s
), ruled AS (
    SELECT judge_id, match_id, turn,
        CASE WHEN min(winner) = max(winner) THEN min(winner) ELSE 'inconsistent' END AS winner
    FROM said GROUP BY judge_id, match_id, turn, both_orders
    HAVING bool_and(winner <> '') AND (count(*) = 2 OR NOT both_orders)
)
SELECT other.judge_id, count(*), count(*) FILTER (
    WHERE own.winner = other.winner AND own.winner <> 'inconsistent')
FROM ruled own JOIN ruled other ON other.match_id = own.match_id AND other.turn IS NOT DISTINCT FROM own.turn
WHERE own.judge_id = %(judge)s AND other.judge_id <> %(judge)s
GROUP BY other.judge_id
"""


def judges_of(benchmark: Benchmark) -> Iterable[Judge]:
    """The judges that ruled on a benchmark, by name."""
    ruled = Judgment.objects.filter(match__prompt__benchmark=benchmark).values("judge")
    return Judge.objects.filter(pk__in=ruled)
