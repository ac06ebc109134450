"""What judges said, and the changes of it that are not counted yet."""

import zlib
from typing import NamedTuple

from django.db import models
from django.db.models import Q

from arena.models import Match
from arena.models.changes import Change
from arena.outcomes import INCONSISTENT, Order, Verdict, Winner
from judging.models.judges import Judge


class JudgmentQuerySet(models.QuerySet["Judgment"]):
    def on_match(self, match: Match) -> "JudgmentQuerySet":
        """By judge, turn and order, ready to be shown."""
        return (
            self.filter(match=match)
            .select_related("judge")
            .order_by("judge__name", "judge__version", "turn", "order")
        )


def compressed(text: str) -> bytes:
    """A prompt as it is stored."""
    return zlib.compress(text.encode()) if text else b""


class Among(NamedTuple):
    """Where a ruling's two answers stood when many were ranked at once, by number from 1."""

    answers: int
    first: int
    second: int

    def as_settings(self) -> dict[str, int | list[int]]:
        return {"answers": self.answers, "places": [self.first, self.second]}


class Judgment(models.Model):
    """A judge's ruling on a match in one order; both orders are two rows.

    ``verdict`` is what the text said by position, empty when it could not be read (unscored).
    ``winner`` is the same in match terms; a ruling folded upstream may be ``inconsistent``.
    """

    judge = models.ForeignKey(Judge, models.CASCADE, related_name="judgments")
    match = models.ForeignKey("arena.Match", models.CASCADE, related_name="judgments")
    turn = models.PositiveSmallIntegerField(null=True, blank=True)
    order = models.CharField(max_length=8, choices=[(o, o) for o in Order])
    verdict = models.CharField(max_length=8, blank=True, choices=[(v, v) for v in Verdict])
    winner = models.CharField(max_length=12, blank=True)
    preference = models.FloatField(
        null=True,
        blank=True,
        help_text="Expected points of the answer shown first, by token probabilities.",
    )
    label_mass = models.FloatField(
        null=True, blank=True, help_text="Probability of all verdicts together where this one was read."
    )
    strength = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How much better the answer was called, where the form says so."
    )
    raw_text = models.TextField(null=True, blank=True)  # noqa: DJ001 -- null: not recorded; empty: said nothing
    suspect = models.BooleanField(
        default=False, help_text="An answer imitated a verdict or the marks of the prompt, which broke it up."
    )
    reasons = models.TextField(blank=True, help_text="Why, asked for afterwards with the verdict fixed.")
    reasons_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the prompt that asked why.")
    protocol = models.CharField(max_length=40, blank=True)
    prompt_zlib = models.BinaryField(default=b"", help_text="The exact messages, as compressed JSON.")
    prompt_sha256 = models.CharField(max_length=64, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    model_returned = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=200, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    cost = models.FloatField(null=True, blank=True, help_text="At the judge's prices when it ruled.")
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "match", "turn", "order"], nulls_distinct=False, name="judgment_once"
            ),
            models.CheckConstraint(
                condition=Q(winner__in=["", *Winner, INCONSISTENT]), name="judgment_winner_known"
            ),
            models.CheckConstraint(
                condition=Q(preference__isnull=True) | Q(preference__range=(0, 1)),
                name="judgment_preference_in_range",
            ),
        ]
        # What the scheduler counts every two seconds, without reading the rows themselves.
        indexes = [models.Index(fields=["match", "judge"], include=["id"], name="judgment_count")]

    def __str__(self) -> str:
        return f"{self.judge_id} on {self.match_id} {self.order}: {self.winner or 'unscored'}"

    @property
    def prompt_text(self) -> str:
        """The exact messages, as JSON; empty where none were recorded."""
        return zlib.decompress(self.prompt_zlib).decode() if self.prompt_zlib else ""

    @prompt_text.setter
    def prompt_text(self, text: str) -> None:
        self.prompt_zlib = compressed(text)

    @property
    def among(self) -> Among | None:
        """None where the judge was shown nothing but the match."""
        places = self.settings.get("places")
        return Among(self.settings["answers"], *places) if places else None


class JudgmentChange(Change):
    """A ruling stored or removed; a judge's game changes when all of its orders are there."""

    judge_id = models.BigIntegerField()
    turn = models.PositiveSmallIntegerField(null=True)
    order = models.CharField(max_length=8)

    class Meta:
        indexes = [models.Index(fields=["judge_id", "match_id"], name="judgment_change")]
