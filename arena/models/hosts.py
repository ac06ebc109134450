"""Models that workers with vLLM serve, and what those workers are doing."""

from datetime import datetime, timedelta

from django.db import models

SEEN_WITHIN = timedelta(seconds=60)  # a worker that said nothing for longer is taken for gone


class HostModel(models.Model):
    """A language model that workers with vLLM can serve, and how they load it."""

    class DType(models.TextChoices):
        AUTO = "auto", "As its configuration says"
        BFLOAT16 = "bfloat16", "bfloat16"
        FLOAT16 = "float16", "float16"
        FLOAT32 = "float32", "float32"

    source = models.CharField(max_length=300, help_text="Hugging Face repository, or a path on the workers.")
    revision = models.CharField(max_length=100, blank=True, help_text="Branch, tag or commit.")
    dtype = models.CharField(max_length=10, choices=DType.choices, default=DType.AUTO)
    max_model_len = models.PositiveIntegerField(
        null=True, blank=True, help_text="Longest prompt and answer together, in tokens."
    )

    facts = models.JSONField(default=dict, blank=True, editable=False, help_text="What its repository said.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "revision", "dtype", "max_model_len"],
                nulls_distinct=False,
                name="host_model_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}@{self.revision}" if self.revision else self.source

    @property
    def options(self) -> dict[str, object]:
        """What vLLM is started with, besides the model."""
        options: dict[str, object] = {}
        if self.dtype != self.DType.AUTO:
            options["dtype"] = self.dtype
        if self.max_model_len:
            options["max_model_len"] = self.max_model_len
        return options


class HostWorkerQuerySet(models.QuerySet["HostWorker"]):
    def seen(self, now: datetime) -> "HostWorkerQuerySet":
        """Workers that are there."""
        return self.filter(seen_at__gt=now - SEEN_WITHIN)


class HostWorker(models.Model):
    """A worker that serves models with vLLM: what it has loaded, and the last lines of vLLM's log."""

    class State(models.TextChoices):
        IDLE = "idle", "Idle"
        LOADING = "loading", "Loading"
        READY = "ready", "Serving"
        FAILED = "failed", "Failed"

    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    host_model = models.ForeignKey(HostModel, models.SET_NULL, null=True, blank=True, related_name="workers")
    log = models.TextField(blank=True)
    message = models.TextField(blank=True, help_text="Why it cannot serve, in a sentence.")
    since = models.DateTimeField(help_text="When it came into this state.")
    seen_at = models.DateTimeField()

    objects = HostWorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
