"""Models that workers with vLLM serve, and what all workers are doing."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import MD5

LARGEST_RANK = 64  # of adapters whose own is not known
SEEN_WITHIN = timedelta(seconds=60)  # a worker that said nothing for longer is taken for gone


class HostModelManager(models.Manager["HostModel"]):
    def configured(self, source: str, **fields: Any) -> "HostModel":
        """The one row of a model with these settings; what is not given has its default."""
        plain = HostModel(source=source)
        wanted = {name: getattr(plain, name) for name in HostModel.SETTINGS}
        return self.get_or_create(**wanted | fields)[0]

    def on_base(self, model: "HostModel") -> models.QuerySet["HostModel"]:
        """All that one vLLM can serve together with ``model``, itself included."""
        return self.filter(**{name: getattr(model, name) for name in HostModel.BASE})

    def adapters_on(self, model: "HostModel") -> models.QuerySet["HostModel"]:
        """Those that one vLLM can serve together with ``model``."""
        return self.on_base(model).exclude(adapter="")


class HostModel(models.Model):
    """A language model that workers with vLLM can serve, and how they load it.

    With an ``adapter`` it is that LoRA on the model, which is its base; all adapters of one ``base`` are
    served by one vLLM.
    """

    class DType(models.TextChoices):
        AUTO = "auto", "As its configuration says"
        BFLOAT16 = "bfloat16", "bfloat16"
        FLOAT16 = "float16", "float16"
        FLOAT32 = "float32", "float32"

    class Quantization(models.TextChoices):
        NONE = "", "As its configuration says"
        FP8 = "fp8", "fp8, made while it loads"
        BITSANDBYTES = "bitsandbytes", "4 bits by bitsandbytes, made while it loads"

    BASE = (
        *("source", "revision", "dtype", "max_model_len"),
        *("quantization", "tensor_parallel_size", "chat_template"),
    )
    SETTINGS = (*BASE, "adapter", "adapter_revision")

    source = models.CharField(max_length=300, help_text="Hugging Face repository, or a path on the workers.")
    revision = models.CharField(max_length=100, blank=True, help_text="Branch, tag or commit.")
    dtype = models.CharField(max_length=10, choices=DType.choices, default=DType.AUTO)
    max_model_len = models.PositiveIntegerField(
        null=True, blank=True, help_text="Longest prompt and answer together, in tokens."
    )
    quantization = models.CharField(
        max_length=20, choices=Quantization.choices, default=Quantization.NONE, blank=True
    )
    tensor_parallel_size = models.PositiveSmallIntegerField(
        default=1, help_text="GPUs that the model is split over."
    )
    chat_template = models.TextField(blank=True, help_text="Jinja, instead of the one that it comes with.")
    adapter = models.CharField(
        max_length=300, blank=True, help_text="Of a LoRA: a repository, or a path on the workers."
    )
    adapter_revision = models.CharField(max_length=100, blank=True, help_text="Branch, tag or commit.")

    facts = models.JSONField(default=dict, blank=True, editable=False, help_text="What its repository said.")
    turn_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a worker last began to load it."
    )

    objects = HostModelManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                *("source", "revision", "dtype", "max_model_len", "quantization", "tensor_parallel_size"),
                *("adapter", "adapter_revision", MD5("chat_template")),
                nulls_distinct=False,
                name="host_model_once",
            ),
        ]

    def __str__(self) -> str:
        model = _named(self.source, self.revision)
        return f"{_named(self.adapter, self.adapter_revision)} on {model}" if self.adapter else model

    @property
    def base(self) -> tuple[object, ...]:
        """What one vLLM is loaded with; equal for a model and all adapters on it."""
        return tuple(getattr(self, name) for name in self.BASE)

    @property
    def options(self) -> dict[str, object]:
        """What vLLM is started with, besides the model."""
        options: dict[str, object] = {}
        if self.dtype != self.DType.AUTO:
            options["dtype"] = self.dtype
        if self.max_model_len:
            options["max_model_len"] = self.max_model_len
        if self.quantization:
            options["quantization"] = self.quantization
        if self.tensor_parallel_size > 1:
            options["tensor_parallel_size"] = self.tensor_parallel_size
        return options

    @property
    def adapter_rank(self) -> int:
        """Of its LoRA; 0 without one."""
        return self.facts.get("adapter", {}).get("rank", LARGEST_RANK) if self.adapter else 0

    @property
    def trusts_code(self) -> bool:
        """Whether an administrator lets the code of this very commit run."""
        return AllowedCode.objects.filter(source=self.source, revision=self.revision).exists()


class AllowedCode(models.Model):
    """One commit of a repository whose own code may run on the workers: an administrator has read it."""

    source = models.CharField("repository", max_length=300)
    revision = models.CharField(
        "commit",
        max_length=40,
        validators=[RegexValidator("^[0-9a-f]{40}$", "Write the whole commit: 40 digits and letters.")],
    )
    why = models.CharField(max_length=300, blank=True, help_text="Who has read it, and what it does.")

    class Meta:
        verbose_name_plural = "allowed code"
        constraints = [models.UniqueConstraint(fields=["source", "revision"], name="code_allowed_once")]

    def __str__(self) -> str:
        return f"{self.source}@{self.revision[:12]}"


def _named(source: str, revision: str) -> str:
    return f"{source}@{revision}" if revision else source


class HostWorkerQuerySet(models.QuerySet["HostWorker"]):
    def present(self, now: datetime) -> "HostWorkerQuerySet":
        """Workers of any kind that are there."""
        return self.filter(seen_at__gt=now - SEEN_WITHIN).exclude(state=HostWorker.State.STOPPED)

    def seen(self, now: datetime) -> "HostWorkerQuerySet":
        """Workers that serve models and are there."""
        return self.present(now).filter(serves=True)

    def strangers_to(self, architecture: str, now: datetime) -> list[str]:
        """Versions of vLLM of all hosts that are there, if none may know it; empty if one may, or none is."""
        found = list(self.seen(now).values_list("vllm_version", "architectures"))
        may_know = any(not known or architecture in known for _, known in found)
        return [] if may_know else sorted({version for version, _ in found})


class HostWorkerManager(models.Manager.from_queryset(HostWorkerQuerySet)):  # type: ignore[misc]
    """Leaves the long list of architectures where it is."""

    def get_queryset(self) -> HostWorkerQuerySet:
        return super().get_queryset().defer("architectures")


class HostWorker(models.Model):
    """A worker: what it has, what it is told, and when it was last seen.

    One that serves models with vLLM also says what it has loaded, and the last lines of vLLM's log.
    """

    class State(models.TextChoices):
        IDLE = "idle", "Idle"
        LOADING = "loading", "Loading"
        READY = "ready", "Serving"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    class Control(models.TextChoices):
        WORKS = "", "Works"
        PAUSED = "paused", "Paused"  # claims nothing; its model stays loaded for a while
        DRAINED = "drained", "Drained"  # claims nothing and unloads its model

    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    control = models.CharField(max_length=10, choices=Control.choices, default=Control.WORKS, blank=True)
    serves = models.BooleanField(default=True, help_text="Whether it has a vLLM to serve models with.")
    queues = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    gpus = models.JSONField(
        default=list, blank=True, help_text="Of each: index, name, total and free memory in MiB."
    )
    memory_mib = models.PositiveIntegerField(
        null=True, blank=True, help_text="What a model may take: of all its GPUs, or of the host without any."
    )
    vllm_version = models.CharField(max_length=60, blank=True)
    architectures = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        editable=False,
        help_text="Names that its vLLM may know; empty: not known.",
    )
    host_model = models.ForeignKey(HostModel, models.SET_NULL, null=True, blank=True, related_name="workers")
    log = models.TextField(blank=True)
    message = models.TextField(blank=True, help_text="Why it cannot serve, in a sentence.")
    since = models.DateTimeField(help_text="When it came into this state.")
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()

    objects = HostWorkerManager()

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"

    def fits(self, model: HostModel) -> bool:
        """Whether a model may be loaded here, as far as its needs are known."""
        needed = model.facts.get("memory_mib")
        too_large = bool(needed and self.memory_mib and needed > self.memory_mib)
        gpus: Any = model.options.get("tensor_parallel_size", 1)
        return not too_large and (not self.gpus or gpus <= len(self.gpus))
