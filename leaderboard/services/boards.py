"""Refreshing what is derived: boards of people and judges, and reports on judges."""

import logging
from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from arena import jobs
from arena.models import Answer, Benchmark
from judging import agreement
from judging.models import Judge
from judging.services.measuring import measure_judges, measure_position, read_judged, read_votes
from leaderboard.models import Board, JudgeReport, Standing
from leaderboard.ratings import Matchups, NotConverged, Ratings, fit_bradley_terry, fit_elo, rank_correlation
from leaderboard.ratings.results import PROVISIONAL
from leaderboard.sources import ALL, Game, Scope, count_voters, games, signatures

REPORT_RULES = ("each-vote", "mtbench-s1", "mtbench-s2")
REPORT_EVERY = timedelta(seconds=10)  # a report reads every vote: not at every tick while judging goes on

Progress = Callable[[str], None]
log = logging.getLogger(__name__)


class Refreshed(NamedTuple):
    """How many boards and reports were made anew."""

    boards: int
    reports: int


def refresh_boards(
    *, now: datetime, everything: bool = False, progress: Progress = lambda _: None
) -> Refreshed:
    """Fit the boards and reports whose rows changed since the last time (``everything``: all of them).

    Only one process refreshes at a time; another one returns at once with zeros.
    """
    with jobs.alone("refresh boards") as mine:
        if not mine:
            return Refreshed(0, 0)
        benchmarks = {benchmark.pk: benchmark for benchmark in Benchmark.objects.all()}
        judges = {judge.pk: judge for judge in Judge.objects.all()}
        current = signatures(benchmarks.values())
        boards = reports = 0
        _forget_emptied(current)
        for scope in _stale_scopes(current, everything):
            judge = judges[scope.judge] if scope.judge else None
            progress(f"{benchmarks[scope.benchmark]}: {judge or 'people'}")
            try:
                boards += refresh_scope(benchmarks[scope.benchmark], judge, signature=current[scope], now=now)
            except NotConverged:  # the last good board stays; the others go on
                log.exception("no board for %s on %s", judge or "people", benchmarks[scope.benchmark])
        for judge_id, benchmark_id, signature in _stale_reports(current, everything, now):
            progress(f"{benchmarks[benchmark_id]}: report on {judges[judge_id]}")
            refresh_report(judges[judge_id], benchmarks[benchmark_id], signature=signature, now=now)
            reports += 1
        return Refreshed(boards, reports)


def _forget_emptied(current: dict[Scope, str]) -> None:
    """Delete boards and reports of which every vote or judgment was removed."""
    for model in (Board, JudgeReport):
        for benchmark, judge in model._default_manager.values_list("benchmark", "judge").distinct():
            if Scope(benchmark, judge) not in current:
                model._default_manager.filter(benchmark=benchmark, judge=judge).delete()


def _stale_scopes(current: dict[Scope, str], everything: bool) -> list[Scope]:
    fitted = {
        Scope(benchmark, judge): signature
        for benchmark, judge, signature in Board.objects.filter(category=ALL).values_list(
            "benchmark", "judge", "signature"
        )
    }
    return [scope for scope, signature in current.items() if everything or fitted.get(scope) != signature]


def _stale_reports(current: dict[Scope, str], everything: bool, now: datetime) -> list[tuple[int, int, str]]:
    """(judge, benchmark, signature) of each report that is out of date."""
    known = {
        Scope(report.benchmark_id, report.judge_id): (report.signature, report.measured_at)
        for report in JudgeReport.objects.defer("figures")
    }
    stale = []
    for scope, own in current.items():
        if scope.judge is None:
            continue
        signature = f"{own} {current.get(Scope(scope.benchmark, None), '')}"
        before, measured_at = known.get(scope, ("", None))
        waits = measured_at is not None and now - measured_at < REPORT_EVERY
        if everything or (before != signature and not waits):
            stale.append((scope.judge, scope.benchmark, signature))
    return stale


def refresh_scope(benchmark: Benchmark, judge: Judge | None, *, signature: str, now: datetime) -> int:
    """Replace the boards of one source on one benchmark: overall and per category, by both methods."""
    voters = count_voters(benchmark) if judge is None else {}
    competitors = _competitors(benchmark)
    played = {
        Board.Method.BRADLEY_TERRY: games(benchmark, judge),
        Board.Method.ELO: games(benchmark, judge, in_time=True),
    }
    made = 0
    with transaction.atomic():
        Board.objects.filter(benchmark=benchmark, judge=judge).exclude(
            category__in=played[Board.Method.BRADLEY_TERRY]
        ).delete()
        for method, by_category in played.items():
            for category, own in (by_category or {ALL: []}).items():
                board, _ = Board.objects.update_or_create(
                    benchmark=benchmark,
                    judge=judge,
                    category=category,
                    method=method,
                    defaults={
                        "signature": signature,
                        "matches": sum(game.times for game in own),
                        "voters": voters.get(category, 0),
                        "fitted_at": now,
                    },
                )
                _replace_standings(board, fit(own, competitors, method))
                made += 1
    return made


def fit_scope(
    benchmark: Benchmark, judge: Judge | None, *, category: str = ALL, method: str = "bt"
) -> Ratings:
    """One board's ratings as of now, without storing anything."""
    played = games(benchmark, judge, in_time=method == Board.Method.ELO)
    return fit(played.get(category, []), _competitors(benchmark), method)


def fit(played: Iterable[Game], competitors: list[int], method: str) -> Ratings:
    """Rate competitors (ids) from games by a method of ``Board.Method``."""
    columns: tuple[list[Any], ...] = ([], [], [], [])
    for game in played:
        for column, value in zip(columns, game, strict=True):
            column.append(value)
    first, second, score, count = columns
    if method == Board.Method.ELO:
        return fit_elo(first, second, score, players=competitors)
    return fit_bradley_terry(Matchups.from_rows(first, second, score, count, players=competitors))


def _competitors(benchmark: Benchmark) -> list[int]:
    """Every competitor in play with an answer on the benchmark, in a fixed order."""
    answers = Answer.objects.filter(prompt__benchmark=benchmark, competitor__withdrawn_at=None)
    answers = answers.order_by("competitor_id")
    return list(answers.values_list("competitor_id", flat=True).distinct())


def _replace_standings(board: Board, ratings: Ratings) -> None:
    board.standings.all().delete()
    Standing.objects.bulk_create(
        Standing(
            board=board,
            competitor_id=int(str(row.player)),
            rank=row.rank,
            rank_lower=row.rank_lower,
            rank_upper=row.rank_upper,
            rating=row.rating,
            rating_lower=row.rating_lower,
            rating_upper=row.rating_upper,
            matches=row.matches,
            score=row.score or 0.0,
            reason=row.reason,
            note=row.note if row.status == PROVISIONAL else "",
        )
        for row in ratings.rows()
    )


def refresh_report(judge: Judge, benchmark: Benchmark, *, signature: str, now: datetime) -> None:
    """Measure a judge on a benchmark against people and itself."""
    judged, votes = read_judged(judge, benchmark), read_votes(benchmark)
    figures = {
        "rules": {rule: asdict(agreement.RULES[rule](judged.rulings, votes)) for rule in REPORT_RULES},
        "position": asdict(measure_position(judged)),
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
