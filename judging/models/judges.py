"""Judges: who rules, by which form, and what it may cost."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.functional import cached_property

from arena.engines import ENGINES
from judging.baselines import BASELINES
from judging.models.stored import form_named
from judging.panels import RULES
from judging.protocols import PROTOCOLS

PEOPLE = "people"  # the other source of boards

# A judge's server is sent the variable's value, so nothing else of the workers' environment may be named.
a_key_variable = RegexValidator(
    r"^(?!SECRET_KEY$)[A-Z][A-Z0-9_]*_KEY$", "Name a variable that ends in _KEY, such as JUDGE_KEY."
)


class JudgeQuerySet(models.QuerySet["Judge"]):
    def active(self) -> "JudgeQuerySet":
        return self.filter(is_active=True).exclude(engine=Judge.Engine.RECORDED)

    def elsewhere(self) -> "JudgeQuerySet":
        """Active judges that any worker can ask."""
        return self.active().exclude(engine=Judge.Engine.VLLM)

    def on_hosts(self) -> "JudgeQuerySet":
        """Active judges whose model a worker with vLLM serves."""
        return self.active().filter(engine=Judge.Engine.VLLM).select_related("host_model").order_by("pk")

    def named(self, name: str) -> "Judge | None":
        """The newest judge of that name, or the one whose slug or 'name vN' it is."""
        for judge in self.order_by("name", "-version"):
            if name in (judge.name, judge.slug, str(judge)):
                return judge
        return None


class Judge(models.Model):
    """A judge model with its protocol and sampling: versioned, and immutable once it has ruled."""

    class Engine(models.TextChoices):
        OPENAI = "openai", "OpenAI-compatible server"
        VLLM = "vllm", "Served by vLLM on a worker"
        SCRIPTED = "scripted", "Recorded texts, played back"
        BASELINE = "baseline", "Baseline without a model"
        RECORDED = "recorded", "Imported rulings only"
        PANEL = "panel", "Panel of judges"

    name = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField(default=1)
    slug = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    engine = models.CharField(max_length=20, choices=Engine.choices)
    protocol = models.CharField(
        max_length=40,
        blank=True,
        help_text="Empty: the pairwise form that fits each prompt (reference, math, turns). Or ranking, "
        "grading, rubric, or the name@hash of a rubric, a custom judge or an installed recipe.",
    )
    model = models.CharField(max_length=200, blank=True, help_text="Model name, or the baseline's name.")
    base_url = models.CharField(max_length=300, blank=True, help_text="With the version: http://host:8000/v1")
    host_model = models.ForeignKey(
        "arena.HostModel",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="judges",
        help_text="What a worker with vLLM serves for it.",
    )
    key_variable = models.CharField(
        max_length=80,
        blank=True,
        validators=[a_key_variable],
        help_text="Environment variable of the workers that holds the API key, such as JUDGE_KEY.",
    )
    sampling = models.JSONField(default=dict, blank=True)
    both_orders = models.BooleanField(default=True, help_text="Asked in both orders (imports may hold one).")
    context = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Longest prompt and ruling together, in tokens. Longer ones are refused. Empty: unknown.",
    )
    price_in = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Of a million tokens read."
    )
    price_out = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Of a million tokens written."
    )
    budget_matches = models.PositiveIntegerField(
        null=True, blank=True, help_text="Most matches that it rules on, of all benchmarks. Empty: no end."
    )
    budget_cost = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Most that its rulings may cost together, at its prices, as its server counts tokens.",
    )
    is_active = models.BooleanField(default=True, help_text="Rules on every match of the open benchmarks.")
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(
        "self",
        symmetrical=False,
        through="judging.Seat",
        through_fields=("panel", "member"),
        related_name="panels",
    )

    FIXED = (
        "name",
        "version",
        "engine",
        "protocol",
        "model",
        "base_url",
        "host_model",
        "sampling",
        "both_orders",
    )

    objects = JudgeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="judge_version_once")]

    def __str__(self) -> str:
        return self.name if self.version == 1 else f"{self.name} v{self.version}"

    def save(self, *args, **kwargs) -> None:
        self.refuse_change_once_used()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("judge", args=[self.slug])

    @cached_property
    def seated(self) -> "list[Judge]":
        """The members of a panel, in the order in which they were named; nobody else has any."""
        if self.engine != self.Engine.PANEL:
            return []
        return [seat.member for seat in self.seats.select_related("member")]

    def cost_of(self, tokens_in: float | None, tokens_out: float | None) -> float | None:
        """What so many tokens cost; None where a count or a price is not known."""
        if None in (self.price_in, self.price_out, tokens_in, tokens_out):
            return None
        return (self.price_in * tokens_in + self.price_out * tokens_out) / 1_000_000  # type: ignore[operator]

    def clean(self) -> None:
        self.refuse_change_once_used()
        if self.name.lower() == PEOPLE:
            raise ValidationError({"name": "People are a source of their own. Choose another name."})
        if not isinstance(self.sampling, dict):
            raise ValidationError({"sampling": 'Settings are an object, such as {"temperature": 0}.'})
        if self.engine == self.Engine.PANEL:
            if self.protocol not in RULES:
                raise ValidationError({"protocol": f"The rules of a panel are {', '.join(RULES)}."})
        else:
            self._check_protocol()
        if self.budget_cost is not None and None in (self.price_in, self.price_out):
            raise ValidationError({"budget_cost": "A budget in money needs both prices."})
        if self.engine == self.Engine.BASELINE:
            self._check_baseline()
        if (self.engine == self.Engine.VLLM) != (self.host_model is not None):
            raise ValidationError(
                {"host_model": "A judge served by vLLM has a host model; no other judge has."}
            )
        try:
            if self.engine == self.Engine.OPENAI:
                ENGINES[self.engine](base_url=self.base_url, model=self.model)
        except ValueError as error:
            raise ValidationError({"base_url": str(error)}) from error

    def _check_protocol(self) -> None:
        form = form_named(self.protocol)
        if self.protocol and form is None:
            known = ", ".join(PROTOCOLS)
            raise ValidationError(
                {
                    "protocol": f"The protocols are {known}, and by name@hash what install_judge has stored, "
                    "the rubrics and the custom judges."
                }
            )
        if form and form.apart:
            self.both_orders = False  # one answer by itself has no order: both would be the same requests

    def _check_baseline(self) -> None:
        if self.model not in BASELINES:
            raise ValidationError({"model": f"The baselines are {', '.join(BASELINES)}."})
        if not isinstance(self.sampling.get("seed", 0), int):
            raise ValidationError({"sampling": "The seed must be a whole number."})

    def refuse_change_once_used(self) -> None:
        """Raise ValidationError when a judge that has ruled would become another one."""
        if self.pk is None or not self.judgments.exists():
            return
        stored = Judge.objects.get(pk=self.pk)
        changed = [name for name in self.FIXED if getattr(stored, name) != getattr(self, name)]
        if changed:
            raise ValidationError(
                f"{stored} has ruled already, so {', '.join(changed)} can no longer change. "
                "Register a new version instead."
            )
