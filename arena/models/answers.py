"""Competitors, their submissions and answers, and the matches between answers."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse


class Competitor(models.Model):
    """A ranked language model with its sampling settings ("model" on pages)."""

    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=120)
    organisation = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    sampling = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(Lower("name"), name="competitor_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("model", args=[self.slug])


class Submission(models.Model):
    """One competitor's entry to one benchmark and its progress.

    Only what this row itself went through is stored; "judging" and "rated" follow from downstream rows.
    """

    class Kind(models.TextChoices):
        RECORDED = "recorded", "Recorded answers"

    class State(models.TextChoices):
        RECEIVED = "received", "Received"  # the file was checked as a whole, its answers are stored
        PAIRED = "paired", "Paired"  # its matches exist
        FAILED = "failed", "Failed"

    competitor = models.ForeignKey(Competitor, models.CASCADE, related_name="submissions")
    benchmark = models.ForeignKey("arena.Benchmark", models.CASCADE, related_name="submissions")
    submitter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.RECORDED)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RECEIVED)
    cause = models.CharField(max_length=40, blank=True, help_text="Code of the failure.")
    message = models.TextField(blank=True, help_text="The failure in a sentence, with the next step.")
    filename = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField()
    paired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["competitor", "benchmark"], name="one_entry_per_benchmark"),
        ]

    def __str__(self) -> str:
        return f"{self.competitor} on {self.benchmark}"

    def get_absolute_url(self) -> str:
        return reverse("submission", args=[self.pk])


class Answer(models.Model):
    """A competitor's reply to a prompt, all turns.

    ``turns`` is a list of texts; it is null where only labels were recorded. An empty text is a real
    answer ("empty answer"). Several recorded answers to one prompt have different ``sample`` numbers.
    """

    competitor = models.ForeignKey(Competitor, models.CASCADE, related_name="answers")
    prompt = models.ForeignKey("arena.Prompt", models.CASCADE, related_name="answers")
    submission = models.ForeignKey(Submission, models.CASCADE, null=True, blank=True, related_name="answers")
    sample = models.PositiveSmallIntegerField(default=0)
    turns = models.JSONField(null=True, blank=True)
    html = models.JSONField(null=True, blank=True, editable=False, help_text="Rendered turns; made once.")
    finish_reason = models.CharField(max_length=20, blank=True)
    tokens = models.PositiveIntegerField(null=True, blank=True)
    engine = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["competitor", "prompt", "sample"], name="answer_once_per_sample"),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="answer_unrendered", condition=Q(html__isnull=True, turns__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.competitor_id} to {self.prompt_id}"

    @property
    def is_empty(self) -> bool:
        return self.turns is not None and not any(turn.strip() for turn in self.turns)


class MatchQuerySet(models.QuerySet["Match"]):
    def of_benchmark(self, benchmark) -> "MatchQuerySet":
        return self.filter(prompt__benchmark=benchmark)

    def with_texts(self) -> "MatchQuerySet":
        """Matches whose two answers have a recorded text, so that somebody can compare them."""
        return self.filter(answer_a__turns__isnull=False, answer_b__turns__isnull=False)


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
