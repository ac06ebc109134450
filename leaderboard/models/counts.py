"""Counts that are kept, so that a board need not read the history of votes and rulings."""

from django.db import models
from django.db.models import F, Q


class PairCount(models.Model):
    """How many games of one outcome two competitors had, for a source (``judge`` null: people) and category.

    ``low`` has the smaller id of the two; ``quarters`` are its points in a game, 4 a win and 2 a tie. Games
    of withdrawn competitors are counted too: whoever reads leaves them out.
    """

    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="+")
    judge = models.ForeignKey("judging.Judge", models.CASCADE, null=True, related_name="+")
    category = models.CharField(max_length=60, blank=True)
    low = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="+")
    high = models.ForeignKey("arena.Competitor", models.CASCADE, related_name="+")
    quarters = models.SmallIntegerField()
    games = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "judge", "category", "low", "high", "quarters"],
                nulls_distinct=False,
                name="pair_counted_once",
            ),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="pair_in_order"),
            models.CheckConstraint(condition=Q(quarters__range=(0, 4)), name="pair_points"),
        ]

    def __str__(self) -> str:
        return f"{self.low_id} and {self.high_id}: {self.games} times {self.quarters}/4"


class CountedScope(models.Model):
    """One source on one benchmark: when its counts last changed, and what its dearest fits last cost.

    Those (clustered intervals, style, people and judge) read every row. They were last made from the counts
    of ``thorough_signature`` and took ``thorough_seconds``.
    """

    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="+")
    judge = models.ForeignKey("judging.Judge", models.CASCADE, null=True, related_name="+")
    changed_at = models.DateTimeField()
    thorough_at = models.DateTimeField(null=True)
    thorough_seconds = models.FloatField(default=0)
    thorough_signature = models.CharField(max_length=160, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "judge"], nulls_distinct=False, name="scope_once"),
        ]

    def __str__(self) -> str:
        return f"{self.judge or 'people'} on {self.benchmark}"
