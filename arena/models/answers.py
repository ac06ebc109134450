"""Competitors, their answers, and the matches between answers."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Lower
from django.urls import reverse


class CompetitorQuerySet(models.QuerySet["Competitor"]):
    def in_play(self) -> "CompetitorQuerySet":
        """Those that take part."""
        return self.filter(withdrawn_at=None)

    def withdrawn(self) -> "CompetitorQuerySet":
        return self.filter(withdrawn_at__isnull=False)


class Competitor(models.Model):
    """A ranked language model with its sampling settings ("model" on pages).

    A withdrawn one keeps all that was recorded of it, but gets no new pairs, votes or rulings and stands on
    no board. ``parent`` is the same model with the settings from which this one's were changed.
    """

    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=120)
    organisation = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    sampling = models.JSONField(default=dict, blank=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="variants")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CompetitorQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(Lower("name"), name="competitor_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("model", args=[self.slug])

    def withdraw(self, *, now: datetime) -> bool:
        """Take the model out of play. Returns whether it was in play."""
        mine = Competitor.objects.filter(pk=self.pk)
        return bool(mine.in_play().update(withdrawn_at=now))

    def restore(self) -> bool:
        """Let a withdrawn model take part again. Returns whether it was withdrawn."""
        return bool(Competitor.objects.filter(pk=self.pk).withdrawn().update(withdrawn_at=None))


class Answer(models.Model):
    """A competitor's reply to a prompt, all turns.

    ``turns`` is a list of texts; it is null where only labels were recorded. An empty text is a real
    answer ("empty answer"). Several recorded answers to one prompt have different ``sample`` numbers.
    """

    competitor = models.ForeignKey(Competitor, models.CASCADE, related_name="answers")
    prompt = models.ForeignKey("arena.Prompt", models.CASCADE, related_name="answers")
    submission = models.ForeignKey(
        "arena.Submission", models.CASCADE, null=True, blank=True, related_name="answers"
    )
    sample = models.PositiveSmallIntegerField(default=0)
    turns = models.JSONField(null=True, blank=True)
    html = models.JSONField(null=True, blank=True, editable=False, help_text="Rendered turns; made once.")
    html_version = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Of the renderer that made it; 0 if none did."
    )
    engine = models.CharField(max_length=40, blank=True)
    model_returned = models.CharField(max_length=200, blank=True, help_text="What the server says it ran.")
    fingerprint = models.CharField(max_length=200, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True, help_text="Wall time of all turns, retries included.")
    created_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["competitor", "prompt", "sample"], name="answer_once_per_sample"),
        ]
        indexes = [
            models.Index(
                fields=["html_version", "id"], name="answer_rendered", condition=Q(turns__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.competitor_id} to {self.prompt_id}"

    @property
    def is_empty(self) -> bool:
        return self.turns is not None and not any(turn.strip() for turn in self.turns)


class Served(NamedTuple):
    """What answered for a competitor here, and how much: ``tokens`` None where the server did not count."""

    engine: str
    model: str
    fingerprint: str
    answers: int
    tokens: int | None


def served_by(competitor: Competitor) -> list[Served]:
    """The servers that generated a competitor's answers, those with most answers first."""
    generated = Answer.objects.filter(competitor=competitor).exclude(engine__in=["", "recorded"]).order_by()
    kinds = generated.values_list("engine", "model_returned", "fingerprint")
    rows = kinds.annotate(answers=Count("pk"), tokens=Sum("tokens_out")).order_by("-answers")
    return [Served(*row) for row in rows]


class MatchQuerySet(models.QuerySet["Match"]):
    def of_benchmark(self, benchmark) -> "MatchQuerySet":
        return self.filter(prompt__benchmark=benchmark)

    def with_texts(self) -> "MatchQuerySet":
        """Matches whose two answers have a recorded text, so that somebody can compare them."""
        return self.filter(answer_a__turns__isnull=False, answer_b__turns__isnull=False)

    def in_play(self) -> "MatchQuerySet":
        """Matches of models that were not withdrawn."""
        return self.filter(competitor_a__withdrawn_at=None, competitor_b__withdrawn_at=None)


class Match(models.Model):
    """Two answers to one prompt, stored once in canonical order (``answer_a_id < answer_b_id``).

    ``prompt`` and the two competitors repeat what the answers say: matches never change, and every
    board and every pairing reads them.
    """

    prompt = models.ForeignKey("arena.Prompt", models.CASCADE, related_name="matches")
    answer_a = models.ForeignKey(Answer, models.CASCADE, related_name="+")
    answer_b = models.ForeignKey(Answer, models.CASCADE, related_name="+")
    competitor_a = models.ForeignKey(Competitor, models.CASCADE, related_name="+")
    competitor_b = models.ForeignKey(Competitor, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MatchQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "matches"
        constraints = [
            models.UniqueConstraint(fields=["answer_a", "answer_b"], name="match_once"),
            models.CheckConstraint(condition=Q(answer_a__lt=F("answer_b")), name="match_in_canonical_order"),
            models.CheckConstraint(condition=~Q(competitor_a=F("competitor_b")), name="match_of_two_models"),
        ]
        indexes = [models.Index(fields=["id"], include=["prompt"], name="match_prompt")]

    def __str__(self) -> str:
        return f"match {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("match", args=[self.pk])
