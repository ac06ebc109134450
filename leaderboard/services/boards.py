"""Refreshing what is derived: boards of people and judges, and reports on judges."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Case, When

from arena import turns
from arena.models import Benchmark, Vote
from judging.models import Judge, Judgment
from leaderboard import sources
from leaderboard.models import Board, CountedScope, JudgeReport, PairCount
from leaderboard.ratings import NotConverged, Ratings, fit_bradley_terry, read_counts
from leaderboard.services import thorough
from leaderboard.services.counting import audit_counts, count_changes
from leaderboard.services.reports import VERSION, refresh_report
from leaderboard.services.standings import Key, Points, store_board, store_points
from leaderboard.sources import ALL, Scope

REPORT_EVERY = timedelta(seconds=10)  # a report reads every vote: not at every tick while judging goes on
CHEAP = 0.5  # seconds; fits that read every vote and take no longer are made at each refresh,
AT_ONCE = 3  # boards of a source whose points one refresh moves; those of other categories take turns
SHARE = 0.05  # dearer ones so seldom that they take this share of the time

NOTHING = dict.fromkeys(("low", "high", "quarters", "games"), b"")

Progress = Callable[[str], None]
log = logging.getLogger(__name__)


class Refreshed(NamedTuple):
    """How many boards and reports were made anew."""

    boards: int
    reports: int


def refresh_boards(
    *, now: datetime, everything: bool = False, progress: Progress = lambda _: None
) -> Refreshed:
    """Count what is new, and fit the boards and reports that it concerns.

    ``everything``: check the counts against the rows, and make every board and report from them. Only one
    process refreshes at a time; another one returns at once with zeros.
    """
    with turns.alone("refresh boards") as mine:
        if not mine:
            return Refreshed(0, 0)
        progress("counting")
        if everything:
            audit_counts()
        else:
            count_changes()
        _forget_emptied()
        benchmarks = {benchmark.pk: benchmark for benchmark in Benchmark.objects.all()}
        judges = {judge.pk: judge for judge in Judge.objects.all()}
        current = sources.signatures(benchmarks.values())
        boards = reports = 0
        for counted in CountedScope.objects.order_by("benchmark", "judge"):
            scope = Scope(counted.benchmark_id, counted.judge_id)
            judge = judges[scope.judge] if scope.judge else None
            progress(f"{benchmarks[scope.benchmark]}: {judge or 'people'}")
            boards += _refresh_scope(counted, benchmarks[scope.benchmark], judge, current, everything, now)
        for judge_id, benchmark_id, signature in _stale_reports(current, everything, now):
            progress(f"{benchmarks[benchmark_id]}: report on {judges[judge_id]}")
            refresh_report(judges[judge_id], benchmarks[benchmark_id], signature=signature, now=now)
            reports += 1
        return Refreshed(boards, reports)


def _forget_emptied() -> None:
    """Forget the sources, with their boards and reports, of which every vote or ruling was removed."""
    for scope in CountedScope.objects.all():
        counts = PairCount.objects.filter(benchmark=scope.benchmark_id, judge=scope.judge_id, category=ALL)
        if not counts.filter(games__gt=0).exists() and not _has_rows(scope):
            scope.delete()
    known = set(map(Scope._make, CountedScope.objects.values_list("benchmark", "judge")))
    for model in (Board, JudgeReport):
        for benchmark, judge in model._default_manager.values_list("benchmark", "judge").distinct():
            if Scope(benchmark, judge) not in known:
                model._default_manager.filter(benchmark=benchmark, judge=judge).delete()


def _has_rows(scope: CountedScope) -> bool:
    if scope.judge_id is None:
        return Vote.objects.filter(match__prompt__benchmark=scope.benchmark_id).exists()
    rulings = Judgment.objects.filter(judge=scope.judge_id, match__prompt__benchmark=scope.benchmark_id)
    return rulings.exists()


def _refresh_scope(
    counted: CountedScope,
    benchmark: Benchmark,
    judge: Judge | None,
    current: dict[Scope, str],
    everything: bool,
    now: datetime,
) -> int:
    """Bring one source's boards up to date, by a thorough fit when it is time for one. Returns how many."""
    own = current[Scope(counted.benchmark_id, counted.judge_id)]
    whole = own if judge is None else f"{own} {current.get(Scope(benchmark.pk, None), '')}"
    board = Board.objects.overall().filter(benchmark=benchmark, judge=judge).first()
    if everything or board is None or (counted.thorough_signature != whole and _is_due(counted, now)):
        started = time.monotonic()
        made = refit(benchmark, judge, signature=own, now=now)
        counted.thorough_at, counted.thorough_signature = now, whole
        counted.thorough_seconds = time.monotonic() - started
        counted.save(update_fields=["thorough_at", "thorough_signature", "thorough_seconds"])
        return made
    stale = Board.objects.bradley_terry().filter(benchmark=benchmark, judge=judge).exclude(signature=own)
    # The board of all prompts first, then those that wait longest.
    turn = stale.order_by(Case(When(category=ALL, then=0), default=1), "fitted_at", "category")
    categories = list(turn.values_list("category", flat=True)[:AT_ONCE])
    if not categories:
        return 0
    return refresh_points(benchmark, judge, categories, signature=own, now=now)


def _is_due(counted: CountedScope, now: datetime) -> bool:
    if counted.thorough_at is None or counted.thorough_seconds <= CHEAP:
        return True
    return now - counted.thorough_at >= timedelta(seconds=counted.thorough_seconds / SHARE)


def refit(benchmark: Benchmark, judge: Judge | None, *, signature: str, now: datetime) -> int:
    """Make every board of a source from its votes or rulings, by every method."""
    facts = thorough.read_facts(benchmark, judge)
    made, kept = 0, set()
    for category, method in thorough.boards_to_fit(facts):
        try:
            fitted = thorough.fit_one(facts, category, method)
        except NotConverged:  # the last good board stays; the others go on
            log.exception("no board by %s for %s on %s, %r", method, judge or "people", benchmark, category)
            kept.add((category, method))
            continue
        if fitted is not None:
            store_board(Key(benchmark, judge, category, method), fitted, signature=signature, now=now)
            kept.add((category, method))
            made += 1
    for board in Board.objects.filter(benchmark=benchmark, judge=judge):
        if (board.category, board.method) not in kept:
            board.delete()
    return made


def refresh_points(
    benchmark: Benchmark, judge: Judge | None, categories: list[str], *, signature: str, now: datetime
) -> int:
    """Fit a source's points again from the kept counts, at a cost that does not grow with the votes."""
    players = sources.competitors_in_play(benchmark)
    kept = sources.read_counts(benchmark, judge, categories)
    boards = Board.objects.filter(benchmark=benchmark, judge=judge, category__in=categories)
    boards.exclude(category__in=[ALL, *kept]).delete()  # the last game of the category was taken back
    found = {}
    for category, columns in ({ALL: NOTHING} | kept if ALL in categories else kept).items():
        matchups = read_counts(columns, players)
        try:
            found[category] = Points(fit_bradley_terry(matchups), int(matchups.count.sum()))
        except NotConverged:  # the last good board stays; the others go on
            log.exception("no board for %s on %s", judge or "people", benchmark)
    store_points(benchmark, judge, found, signature=signature, now=now)
    return len(found)


def fit_scope(
    benchmark: Benchmark, judge: Judge | None, *, category: str = ALL, method: str = "bt"
) -> Ratings | None:
    """One board's ratings as of now, without storing anything; None where the method has nothing to fit."""
    fitted = thorough.fit_one(thorough.read_facts(benchmark, judge), category, method)
    return None if fitted is None else fitted.ratings


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
        signature = f"{VERSION} {own} {current.get(Scope(scope.benchmark, None), '')}"
        before, measured_at = known.get(scope, ("", None))
        waits = measured_at is not None and now - measured_at < REPORT_EVERY
        if everything or (before != signature and not waits):
            stale.append((scope.judge, scope.benchmark, signature))
    return stale
