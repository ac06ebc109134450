"""Reports on judges: how far each agrees with people and with itself."""

from collections.abc import Hashable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from arena.models import Benchmark
from judging import agreement
from judging.models import Judge
from judging.services.measuring import measure_judges, prompts_of, read_judged, read_votes
from leaderboard.models import JudgeReport, Standing
from leaderboard.ratings import rank_correlation
from leaderboard.sources import ALL

# What a report holds and how it is counted; another number makes all of them anew.
VERSION = 2


def refresh_report(judge: Judge, benchmark: Benchmark, *, signature: str, now: datetime) -> None:
    """Measure a judge on a benchmark against people and itself."""
    judged, votes, prompt_of = read_judged(judge, benchmark), read_votes(benchmark), prompts_of(benchmark)
    opinions = agreement.gather(judged.rulings, votes, judged.judgments, prompt_of)
    figures = {
        "rules": {name: asdict(rule(opinions)) for name, rule in agreement.RULES.items()},
        "position": asdict(agreement.position_report(judged.judgments, prompt_of)),
        "judges": {other: shared._asdict() for other, shared in measure_judges(judge, benchmark).items()},
        "correlation": _correlation(judge, benchmark),
        "items": len(judged.rulings),
        "unscored": judged.unscored,
    }
    JudgeReport.objects.update_or_create(
        judge=judge,
        benchmark=benchmark,
        defaults={"figures": figures, "signature": signature, "measured_at": now},
    )


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
