"""Kept counts in plain words, and the same counted by hand from every row."""

from collections import Counter

from arena.models import Benchmark, Vote
from arena.outcomes import Winner
from judging.models import Judge, Judgment
from leaderboard.models import PairCount

POINTS = {Winner.MODEL_A: 4, Winner.MODEL_B: 0}


def kept() -> Counter:
    """Games by (benchmark, judge, category, low, high, quarters of low)."""
    rows = PairCount.objects.exclude(games=0)
    names = ("benchmark", "judge", "category", "low", "high", "quarters")
    return Counter({tuple(row[name] for name in names): row["games"] for row in rows.values(*names, "games")})


def by_hand() -> Counter:
    """The same from the rows, one by one."""
    found: Counter = Counter()
    for vote in Vote.objects.filter(voter__quarantined_at=None).select_related("match__prompt"):
        _add(found, vote.match, None, POINTS.get(vote.winner, 2))
    items: dict[tuple, list[Judgment]] = {}
    for ruling in Judgment.objects.select_related("match__prompt", "judge"):
        items.setdefault((ruling.judge, ruling.match, ruling.turn), []).append(ruling)
    for (judge, match, _), rulings in items.items():
        orders = 2 if judge.both_orders else 1
        if len(rulings) >= orders and all(ruling.winner for ruling in rulings):
            _add(found, match, judge, sum(POINTS.get(ruling.winner, 2) for ruling in rulings) / len(rulings))
    return found


def _add(found: Counter, match, judge: Judge | None, quarters: float) -> None:
    low, high = match.competitor_a_id, match.competitor_b_id
    if low > high:
        low, high, quarters = high, low, 4 - quarters
    for category in {"", *match.prompt.tags}:
        benchmark: Benchmark = match.prompt.benchmark
        found[benchmark.pk, judge and judge.pk, category, low, high, int(quarters)] += 1
