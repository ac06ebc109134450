"""Benchmarks and their prompts."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def open(self) -> "BenchmarkQuerySet":
        return self.filter(is_open=True)


class Benchmark(models.Model):
    """A versioned set of prompts.

    Open: pairing, judging and voting go on. Closed: only what was recorded counts, so its figures stay.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    credit = models.TextField(blank=True, help_text="Source and licence of imported data.")
    is_open = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        ordering = ["-is_open", "id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('leaderboard')}?benchmark={self.slug}"

    def categories(self) -> list[str]:
        """Every category tag of the prompts, sorted."""
        tags = self.prompts.annotate(tag=models.Func("tags", function="unnest")).values_list("tag", flat=True)
        return sorted(set(tags))


class Prompt(models.Model):
    """One question of one or more turns. A prompt that has answers never changes."""

    benchmark = models.ForeignKey(Benchmark, models.CASCADE, related_name="prompts")
    key = models.CharField(max_length=200, help_text="The id used in files of this benchmark.")
    turns = models.JSONField(help_text="List of the user's messages, one a turn.")
    reference = models.JSONField(null=True, blank=True, help_text="List of reference answers, one a turn.")
    images = models.JSONField(
        default=list,
        blank=True,
        help_text="A list a turn of its images: sha256, width and height. Empty without any.",
    )
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "key"], name="prompt_once_per_benchmark"),
        ]
        indexes = [GinIndex(fields=["tags"], name="prompt_tags")]

    def __str__(self) -> str:
        return f"{self.benchmark_id}/{self.key}"

    def save(self, *args, **kwargs) -> None:
        self.refuse_change_once_answered()
        super().save(*args, **kwargs)

    def refuse_change_once_answered(self) -> None:
        """Raise ValueError when a stored prompt with answers would get another text."""
        if self.pk is None or not self.answers.exists():
            return
        stored = Prompt.objects.get(pk=self.pk)
        fixed = ("benchmark_id", "key", "turns", "reference", "images")
        if any(getattr(stored, name) != getattr(self, name) for name in fixed):
            raise ValueError(f"Prompt {self.key} has answers and can no longer change; make a new benchmark.")

    @property
    def image_count(self) -> int:
        return sum(map(len, self.images))
