"""Derived tables: delete every row here and ``manage.py refresh_boards --all`` makes them again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from arena.models import Answer, Benchmark, Competitor, Job, Match, Submission, Vote
from arena.models.answers import MatchQuerySet
from arena.outcomes import INCONSISTENT
from judging.models import KIND, Judge, Judgment


class BoardQuerySet(models.QuerySet["Board"]):
    def bradley_terry(self) -> "BoardQuerySet":
        return self.filter(method=Board.Method.BRADLEY_TERRY)

    def overall(self) -> "BoardQuerySet":
        """Boards of all prompts of a benchmark."""
        return self.bradley_terry().filter(category="")

    def of_scope(self, benchmark: Benchmark, category: str) -> "BoardQuerySet":
        """One board per source, people's first."""
        boards = self.bradley_terry().filter(benchmark=benchmark, category=category)
        return boards.select_related("judge").order_by(
            F("judge__name").asc(nulls_first=True), "judge__version"
        )


class StandingQuerySet(models.QuerySet["Standing"]):
    def of_board(self, board: "Board") -> "StandingQuerySet":
        """Rated competitors by rank, then the unrated by score."""
        rows = self.filter(board=board).select_related("competitor")
        return rows.order_by(F("rank").asc(nulls_last=True), "-score", "competitor__name")

    def of_competitor(self, competitor: Competitor) -> "StandingQuerySet":
        """By benchmark, then people before judges, then category (overall first)."""
        rows = self.filter(competitor=competitor, board__method=Board.Method.BRADLEY_TERRY)
        return rows.select_related("board__benchmark", "board__judge").order_by(
            "-board__benchmark__is_open",
            "board__benchmark_id",
            "board__category",
            F("board__judge__name").asc(nulls_first=True),
            "board__judge__version",
        )


class JudgeReportQuerySet(models.QuerySet["JudgeReport"]):
    def of_benchmark(self, benchmark: Benchmark) -> "JudgeReportQuerySet":
        return (
            self.filter(benchmark=benchmark).select_related("judge").order_by("judge__name", "judge__version")
        )

    def of_judge(self, judge: Judge) -> "JudgeReportQuerySet":
        rows = self.filter(judge=judge).select_related("benchmark")
        return rows.order_by("-benchmark__is_open", "benchmark_id")


class Board(models.Model):
    """A fit from stated inputs. The live board of a scope is replaced by each refresh.

    ``judge`` null means the source is people. ``category`` empty means all prompts.
    """

    class Method(models.TextChoices):
        BRADLEY_TERRY = "bt", "Bradley-Terry"
        ELO = "elo", "Elo"

    judge = models.ForeignKey("judging.Judge", models.CASCADE, null=True, blank=True, related_name="boards")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="boards")
    category = models.CharField(max_length=60, blank=True)
    method = models.CharField(max_length=4, choices=Method.choices, default=Method.BRADLEY_TERRY)
    signature = models.CharField(max_length=80, help_text="What the inputs were; equal means up to date.")
    matches = models.PositiveIntegerField(default=0, help_text="Votes or judged matches that were counted.")
    voters = models.PositiveIntegerField(default=0)
    fitted_at = models.DateTimeField()

    objects = BoardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "benchmark", "category", "method"], nulls_distinct=False, name="board_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge or 'people'} on {self.benchmark} {self.category} ({self.method})"


class Standing(models.Model):
    """One competitor's place on a board, in points of the 400-point logarithmic scale.

    Unrated competitors have the reason and neither rating nor rank; intervals are null, never made up.
    """

    board = models.ForeignKey(Board, models.CASCADE, related_name="standings")
    competitor = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="standings")
    rank = models.PositiveIntegerField(null=True)
    rank_lower = models.PositiveIntegerField(null=True)
    rank_upper = models.PositiveIntegerField(null=True)
    rating = models.FloatField(null=True)
    rating_lower = models.FloatField(null=True)
    rating_upper = models.FloatField(null=True)
    matches = models.PositiveIntegerField()
    score = models.FloatField(help_text="Mean points a match: a win is 1, a tie one half.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why there is no rating.")
    note = models.CharField(max_length=200, blank=True, help_text="Why the rating is provisional.")

    objects = StandingQuerySet.as_manager()

    class Meta:
        ordering = ["rank", "-score", "id"]
        constraints = [models.UniqueConstraint(fields=["board", "competitor"], name="standing_once")]

    def __str__(self) -> str:
        return f"{self.rank or 'unrated'}: {self.competitor_id}"

    @property
    def status(self) -> str:
        if self.rating is None:
            return "unrated"
        return "provisional" if self.note else "rated"


class JudgeReport(models.Model):
    """What is known of one judge on one benchmark, kept so that pages need not compute it."""

    judge = models.ForeignKey("judging.Judge", models.CASCADE, related_name="reports")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="judge_reports")
    figures = models.JSONField()
    signature = models.CharField(max_length=80)
    measured_at = models.DateTimeField()

    objects = JudgeReportQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["judge", "benchmark"], name="report_once")]

    def __str__(self) -> str:
        return f"{self.judge} on {self.benchmark}"


def boards_stamp(benchmark: str) -> tuple:
    """What changes whenever a board or report of the benchmark (a slug; empty: of any) does. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT max(made_at), count(made_at), count(DISTINCT benchmark.id)
            FROM arena_benchmark benchmark LEFT JOIN (
                SELECT benchmark_id, fitted_at AS made_at FROM leaderboard_board
                UNION ALL SELECT benchmark_id, measured_at FROM leaderboard_judgereport
            ) derived ON derived.benchmark_id = benchmark.id
            WHERE %(slug)s IN ('', benchmark.slug)
            """,
            {"slug": benchmark},
        )
        return tuple(cursor.fetchone())


def matches_of(competitor: Competitor) -> MatchQuerySet:
    return Match.objects.filter(Q(competitor_a=competitor) | Q(competitor_b=competitor))


def withdrawn_from(benchmark: Benchmark) -> QuerySet[Competitor]:
    """The benchmark's models that were withdrawn, so that its boards leave them out."""
    answered = Answer.objects.filter(competitor=OuterRef("pk"), prompt__benchmark=benchmark)
    return Competitor.objects.withdrawn().filter(Exists(answered))


def competitors_with_entries(search: str, *, withdrawn: bool = False) -> QuerySet[Competitor]:
    """Competitors by name with ``entries``, the benchmarks' names that they answered.

    Those in play, or the ``withdrawn``. Every word of ``search`` must stand in the name or the organisation.
    """
    found = Competitor.objects.withdrawn() if withdrawn else Competitor.objects.in_play()
    found = found.order_by(Lower("name"), "pk")
    for word in search.split():
        found = found.filter(Q(name__icontains=word) | Q(organisation__icontains=word))
    answered = Benchmark.objects.filter(prompts__answers__competitor=OuterRef("pk")).order_by("pk").distinct()
    return found.annotate(entries=ArraySubquery(answered.values("name")))


def vote_counts(matches: Iterable[int]) -> Iterable[tuple[int, str, int]]:
    """(match id, winner, how many votes said so)."""
    votes = Vote.objects.filter(match__in=list(matches)).order_by().values("match_id", "winner")
    return votes.annotate(number=Count("pk")).values_list("match_id", "winner", "number")


def judge_outcomes(matches: Iterable[int]) -> list[tuple[int, str, str]]:
    """(match id, judge, outcome) by judge: the winner that all its rulings name, "inconsistent", or ""."""
    rulings = Judgment.objects.filter(match__in=list(matches)).order_by("judge__name", "judge__version")
    rows = rulings.values("match_id", "judge__name", "judge__version").annotate(
        least=Min("winner"), most=Max("winner")
    )
    return [
        (
            row["match_id"],
            row["judge__name"]
            if row["judge__version"] == 1
            else f"{row['judge__name']} v{row['judge__version']}",
            row["least"] if row["least"] in ("", row["most"]) else INCONSISTENT,
        )
        for row in rows
    ]


class JudgingProgress(NamedTuple):
    """How far active judges are with a submission's matches; a job is one judge on one match."""

    matches: int
    total: int
    done: int
    failed: int
    recent: int  # jobs that ended in the last minute
    error: str  # of one failed job

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def is_complete(self) -> bool:
        return self.ended >= self.total


class Trouble(NamedTuple):
    """Why matches wait for a judge or failed: the commonest cause's code, and how many it holds up."""

    code: str
    matches: int


def trouble_of(judge: Judge) -> Trouble | None:
    """What keeps a judge from its matches now, if anything does."""
    held = Job.objects.filter(kind=KIND, owner=judge.pk, state__in=["pending", "failed"])
    held = held.exclude(error_code="")
    row = held.values_list("error_code").annotate(matches=Count("id")).order_by("-matches").first()
    return Trouble(*row) if row else None


def judging_progress(submission: Submission, *, now: datetime) -> JudgingProgress:
    """Count the jobs on the matches that this submission was given when it was paired."""
    made = matches_of(submission.competitor).of_benchmark(submission.benchmark).with_texts().in_play()
    if submission.paired_at:
        # Later entries pair with this one too; their matches are theirs to wait for.
        made = made.filter(created_at__lte=submission.paired_at + timedelta(minutes=1))
    matches = list(made.values_list("pk", flat=True))
    judges = list(Judge.objects.active().values_list("pk", flat=True))
    jobs = Job.objects.filter(kind=KIND, owner__in=judges, subject__in=matches)
    counts = jobs.aggregate(
        done=Count("pk", filter=Q(state=Job.State.DONE)),
        failed=Count("pk", filter=Q(state=Job.State.FAILED)),
        recent=Count("pk", filter=Q(finished_at__gte=now - timedelta(minutes=1))),
        error=Min("error", filter=Q(state=Job.State.FAILED)),
    )
    counts["error"] = counts["error"] or ""
    return JudgingProgress(matches=len(matches), total=len(matches) * len(judges), **counts)


def rated_standings(submission: Submission) -> QuerySet[Standing]:
    """The submission's places on overall boards that people or active judges fitted after it was paired."""
    live = Q(board__judge=None) | Q(board__judge__in=Judge.objects.active())
    rows = Standing.objects.of_competitor(submission.competitor).filter(
        live, board__benchmark=submission.benchmark, board__category=""
    )
    return rows.filter(board__fitted_at__gte=submission.paired_at) if submission.paired_at else rows.none()
