"""Plain functions that make derived rows with known numbers, where a fit would hide them."""

from django.utils import timezone

from arena.models import Benchmark
from judging.agreement import RULES
from leaderboard.models import Board, JudgeReport, Standing


def make_board(
    benchmark: Benchmark, ratings: dict, *, judge=None, category: str = "", method: str = "bt"
) -> Board:
    """A board with these (competitor, rating or None) pairs; intervals reach 50 to both sides, but by Elo."""
    board = Board.objects.create(
        benchmark=benchmark,
        judge=judge,
        category=category,
        method=method,
        matches=1234,
        voters=56,
        fitted_at=timezone.now(),
    )
    ranked = sorted((rating for rating in ratings.values() if rating is not None), reverse=True)
    for competitor, rating in ratings.items():
        rank = ranked.index(rating) + 1 if rating is not None else None
        sure = rank if method != "elo" else None
        Standing.objects.create(
            board=board,
            competitor=competitor,
            rank=rank,
            rank_lower=sure and max(sure - 1, 1),
            rank_upper=sure and min(sure + 1, len(ranked)),
            rating=rating,
            rating_lower=sure and rating - 50,
            rating_upper=sure and rating + 50,
            matches=20,
            score=0.5,
            reason="" if rank else "no matches",
        )
    return board


def make_estimate(value: float | None, half: float = 0.05, prompts: int = 13) -> dict:
    """An estimate as a report keeps it, ``half`` to both sides."""
    ends = (
        {"lower": value, "upper": value} if value is None else {"lower": value - half, "upper": value + half}
    )
    return {"value": value, "prompts": prompts} | ends


def make_report(judge, benchmark, agreed: int = 41, n: int = 100, **position) -> JudgeReport:
    """``agreed`` of ``n`` votes by every rule, 53 of 100 among people; asked in one order by default."""
    rule = {"n": n, "agreed": agreed, "inconsistent": 0, "human_n": 100, "human_agreed": 53}
    rule["judge"] = {"agreement": make_estimate(agreed / n)} | {
        name: make_estimate(0.2) for name in ("kappa", "ac1", "alpha")
    }
    rule["people"] = {"agreement": make_estimate(0.53), "kappa": make_estimate(0.31)}
    figures = {"rules": {name: rule for name in RULES}}
    known = {"judgments": 10, "scored": 10, "coverage": 1.0, "pairs": 0, "one_order": True}
    known |= {"first": 6, "second": 3, "tie": 1}
    figures |= {"position": known | position, "correlation": None, "items": 10, "unscored": 0}
    return JudgeReport.objects.create(
        judge=judge, benchmark=benchmark, figures=figures, measured_at=timezone.now()
    )
