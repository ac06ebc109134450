"""Reports on judges: how far each agrees with people and with itself, what it prefers, and what it takes."""

from collections.abc import Hashable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from arena.models import Benchmark
from judging import agreement
from judging.agreement_preferences import calibrate, measure_self_preference
from judging.models import Judge
from judging.services.effort import measure_effort
from judging.services.measuring import (
    measure_judges,
    own_side_of,
    prompts_of,
    read_judged,
    read_preferences,
    read_votes,
)
from judging.services.panels import measure_unity
from leaderboard import sources
from leaderboard.models import Board, JudgeReport, Standing
from leaderboard.ratings import rank_correlation
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.sources import ALL

# What a report holds and how it is counted; another number makes all of them anew.
VERSION = 3
CATEGORIES = 50  # measured at most


def refresh_report(judge: Judge, benchmark: Benchmark, *, signature: str, now: datetime) -> None:
    """Measure a judge on a benchmark and keep what was found."""
    JudgeReport.objects.update_or_create(
        judge=judge,
        benchmark=benchmark,
        defaults={
            "figures": measure_report(judge, benchmark),
            "signature": signature,
            "measured_at": now,
        },
    )


def measure_report(judge: Judge, benchmark: Benchmark) -> dict[str, Any]:
    """All that is known of a judge on a benchmark, in plain values.

    It is measured now, but for style and the correlation of boards, which are those of the last boards.
    """
    judged, votes, prompt_of = read_judged(judge, benchmark), read_votes(benchmark), prompts_of(benchmark)
    opinions = agreement.gather(judged.rulings, votes, judged.judgments, prompt_of)
    side_of, family = own_side_of(judge, benchmark)
    own = measure_self_preference(opinions, side_of) if family else None
    calibration = calibrate(opinions, read_preferences(judge, benchmark))
    return {
        "rules": {name: asdict(rule(opinions)) for name, rule in agreement.RULES.items()},
        "categories": _categories(benchmark, opinions, prompt_of),
        "position": asdict(agreement.position_report(judged.judgments, prompt_of)),
        "style": {"judge": _style(benchmark, judge), "people": _style(benchmark, None)},
        "family": family,
        "self_preference": own and asdict(own),
        "calibration": calibration and asdict(calibration),
        "effort": asdict(measure_effort(judge, benchmark)),
        "judges": {other: shared._asdict() for other, shared in measure_judges(judge, benchmark).items()},
        "correlation": _correlation(judge, benchmark),
        "items": len(judged.rulings),
        "unscored": judged.unscored,
        "panel": _panel(judge, benchmark),
    }


def _panel(judge: Judge, benchmark: Benchmark) -> dict[str, Any] | None:
    """How often a panel's members were of one mind; how far each agrees with it stands under "judges"."""
    if judge.engine != Judge.Engine.PANEL:
        return None
    members = [{"judge": each.pk, "name": str(each)} for each in judge.seated]
    return {"rule": judge.protocol, "members": members} | measure_unity(judge, benchmark)._asdict()


def _categories(
    benchmark: Benchmark, opinions: agreement.Opinions, prompt_of: agreement.PromptOf
) -> dict[str, Any]:
    """Each vote's rule by category, those with a comparison, by name; none where all prompts share one."""
    prompts = sources.prompts_by_category(benchmark)
    named = {name: frozenset(prompts[name]) for name in sorted(prompts) if name != ALL}
    if len(named) < 2:
        return {}
    chosen = dict(list(named.items())[:CATEGORIES])
    found = agreement.agree_by_category("each-vote", opinions, chosen, prompt_of)
    return {name: asdict(each) for name, each in found.items() if each.n}


def _style(benchmark: Benchmark, judge: Judge | None) -> list[dict[str, Any]] | None:
    """What one typical difference in each style is worth to a source, in log-odds; None if it is unknown."""
    boards = Board.objects.filter(benchmark=benchmark, judge=judge, category=ALL, method=Board.Method.STYLE)
    board = boards.first()
    if board is None:
        return None
    return [
        {"name": each["name"], "prompts": board.clusters}
        | {end: each[end] and each[end] / POINTS_PER_NAT for end in ("value", "lower", "upper")}
        for each in board.details.get("coefficients", ())
    ]


def _correlation(judge: Judge, benchmark: Benchmark) -> dict[str, Any] | None:
    """Rank correlation of the judge's board with the board of people."""
    ratings: list[dict[Hashable, float | None]] = [
        dict(
            Standing.objects.filter(
                board__benchmark=benchmark, board__judge=source, board__category=ALL, board__method="bt"
            )
            .filter(rating__isnull=False)
            .values_list("competitor", "rating")
        )
        for source in (judge, None)
    ]
    found = rank_correlation(*ratings)
    return found and {"n": found.n, "spearman": found.spearman, "kendall": found.kendall}
