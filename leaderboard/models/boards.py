"""Boards and the places of competitors on them."""

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F

from arena.models import Benchmark, Competitor


class BoardQuerySet(models.QuerySet["Board"]):
    def bradley_terry(self) -> "BoardQuerySet":
        return self.filter(method=Board.Method.BRADLEY_TERRY)

    def overall(self) -> "BoardQuerySet":
        """Boards of all prompts of a benchmark."""
        return self.bradley_terry().filter(category="")

    def of_scope(self, benchmark: Benchmark, category: str) -> "BoardQuerySet":
        """Boards by every method, people's first; their details are read when they are asked for."""
        boards = self.filter(benchmark=benchmark, category=category).defer("details")
        return boards.select_related("judge").order_by(
            F("judge__name").asc(nulls_first=True), "judge__version"
        )


class StandingQuerySet(models.QuerySet["Standing"]):
    def of_board(self, board: "Board") -> "StandingQuerySet":
        """Rated competitors by rank, then the unrated by score."""
        rows = self.filter(board=board).select_related("competitor")
        return rows.order_by(F("rank").asc(nulls_last=True), "-score", "competitor__name")

    def rated(self, benchmark: Benchmark) -> "StandingQuerySet":
        """Those with a rating on an overall board of the benchmark."""
        rows = self.filter(board__method=Board.Method.BRADLEY_TERRY, board__category="")
        return rows.filter(board__benchmark=benchmark, rating__isnull=False)

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


class Board(models.Model):
    """A fit from stated inputs. The live board of a scope is replaced by each refresh.

    ``judge`` null means the source is people; by the powered method it is people and the judge. ``category``
    empty means all prompts. ``cluster`` names what the votes of its intervals were gathered by, as they were
    at ``intervals_at``; empty and null while each vote counts as one of its own. ``details`` is what the
    method says beside the places.
    """

    class Method(models.TextChoices):
        BRADLEY_TERRY = "bt", "Bradley-Terry"
        ELO = "elo", "Elo"
        STYLE = "style", "Bradley-Terry at equal style"
        POWERED = "ppi", "people and judge"

    judge = models.ForeignKey("judging.Judge", models.CASCADE, null=True, blank=True, related_name="boards")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="boards")
    category = models.CharField(max_length=60, blank=True)
    method = models.CharField(max_length=5, choices=Method.choices, default=Method.BRADLEY_TERRY)
    signature = models.CharField(max_length=80, help_text="What the inputs were; equal means up to date.")
    matches = models.PositiveIntegerField(default=0, help_text="Votes or judged matches that were counted.")
    voters = models.PositiveIntegerField(default=0, help_text="As of the last intervals.")
    cluster = models.CharField(max_length=10, blank=True)
    clusters = models.PositiveIntegerField(default=0)
    intervals_at = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)
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
    ``rank_lower`` to ``rank_upper`` hold one model at a time, ``joint_lower`` to ``joint_upper`` all at once.
    ``tied`` are the nearest of the ``tied_count`` competitors that the votes do not tell from this one.
    """

    board = models.ForeignKey(Board, models.CASCADE, related_name="standings")
    competitor = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="standings")
    rank = models.PositiveIntegerField(null=True)
    rank_lower = models.PositiveIntegerField(null=True)
    rank_upper = models.PositiveIntegerField(null=True)
    joint_lower = models.PositiveIntegerField(null=True)
    joint_upper = models.PositiveIntegerField(null=True)
    rating = models.FloatField(null=True)
    rating_lower = models.FloatField(null=True)
    rating_upper = models.FloatField(null=True)
    tied = ArrayField(models.BigIntegerField(), default=list)
    tied_count = models.PositiveIntegerField(default=0)
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
