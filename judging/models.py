"""Tables of opinions: judges and what they said."""

import zlib
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import connection, models
from django.db.models import Q
from django.urls import reverse

from arena.engines import ENGINES
from arena.models import Benchmark, Match
from arena.models.changes import Change
from arena.outcomes import INCONSISTENT, Order, Verdict, Winner
from judging.baselines import BASELINES
from judging.protocols import PROTOCOLS

DIGITS = 12  # of the hash of a recipe's texts, in the name of a protocol
KIND = "judge"  # of Job: the owner is the judge, the subject the match
REASONS = "reasons"  # of Job: the owner is the judge, the subject the judgment
PEOPLE = "people"  # the other source of boards

# A judge's server is sent the variable's value, so nothing else of the workers' environment may be named.
a_key_variable = RegexValidator(
    r"^(?!SECRET_KEY$)[A-Z][A-Z0-9_]*_KEY$", "Name a variable that ends in _KEY, such as JUDGE_KEY."
)


class InstalledRecipeQuerySet(models.QuerySet["InstalledRecipe"]):
    def behind(self, protocol: str) -> "InstalledRecipe | None":
        """The texts that a protocol such as ``name@hash`` or ``name/single@hash`` names."""
        name, _, digits = protocol.partition("@")
        return self.filter(name=name.partition("/")[0], sha256__startswith=digits).first() if digits else None


class InstalledRecipe(models.Model):
    """The words of a judge's own prompt, as they were fetched; judges name them by a part of their hash.

    Rows are added, never changed: what a judge was asked with stays what it was.
    """

    name = models.CharField(max_length=40, help_text="Of the recipe.")
    texts = models.JSONField(help_text="Each text by its name in the recipe.")
    sha256 = models.CharField(max_length=64, help_text="Of the texts.")
    source = models.TextField(help_text="Address and SHA-256 of each file, one a line.")
    installed_at = models.DateTimeField()

    objects = InstalledRecipeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-installed_at"]
        constraints = [models.UniqueConstraint(fields=["name", "sha256"], name="recipe_texts_once")]

    def __str__(self) -> str:
        return self.protocol()

    def protocol(self, asks: str = "") -> str:
        """What a judge names that is asked by these texts."""
        return f"{self.name}{asks and f'/{asks}'}@{self.sha256[:DIGITS]}"


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

    name = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField(default=1)
    slug = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    engine = models.CharField(max_length=20, choices=Engine.choices)
    protocol = models.CharField(
        max_length=40,
        blank=True,
        help_text="Empty: the pairwise form that fits each prompt (reference, two turns).",
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
        if self.protocol not in ("", *PROTOCOLS) and not InstalledRecipe.objects.behind(self.protocol):
            known = ", ".join(PROTOCOLS)
            raise ValidationError(
                {"protocol": f"The protocols are {known}, and what install_judge has stored (name@hash)."}
            )
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


class Difference(NamedTuple):
    """A match on which most people said something else than a judge; counts of votes in match terms."""

    match: Match
    turn: int | None
    winner: str
    votes: int
    model_a: int
    tie: int
    model_b: int


def differences(judge: Judge, benchmark: Benchmark, *, limit: int) -> list[Difference]:
    """Where people differ most from ``judge``: by how many votes another outcome leads over the judge's own.

    A vote for both bad counts as a tie. Matches that the judge left unscored or ruled on inconsistently
    are left out: there it holds no opinion.
    """
    ids = {"judge": judge.pk, "benchmark": benchmark.pk, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES, ids)
        rows = cursor.fetchall()
    related = ("prompt", "competitor_a", "competitor_b")
    matches = Match.objects.select_related(*related).in_bulk({row[0] for row in rows})
    return [Difference(matches[row[0]], *row[1:]) for row in rows]


_DIFFERENCES = """
WITH ruled AS (
    SELECT judgment.match_id, judgment.turn, min(judgment.winner) AS winner
    FROM judging_judgment judgment
    JOIN arena_match ON arena_match.id = judgment.match_id
    JOIN arena_prompt ON arena_prompt.id = arena_match.prompt_id
    WHERE judgment.judge_id = %(judge)s AND arena_prompt.benchmark_id = %(benchmark)s
    GROUP BY judgment.match_id, judgment.turn
    HAVING min(judgment.winner) = max(judgment.winner) AND min(judgment.winner) NOT IN ('', 'inconsistent')
), counted AS (
    SELECT ruled.match_id, ruled.turn, ruled.winner, count(*) AS votes,
        count(*) FILTER (WHERE vote.winner = 'model_a') AS model_a,
        count(*) FILTER (WHERE vote.winner IN ('tie', 'both_bad')) AS tie,
        count(*) FILTER (WHERE vote.winner = 'model_b') AS model_b
    FROM ruled
    JOIN arena_vote vote ON vote.match_id = ruled.match_id AND vote.turn IS NOT DISTINCT FROM ruled.turn
    JOIN arena_voter voter ON voter.id = vote.voter_id AND voter.quarantined_at IS NULL
    GROUP BY ruled.match_id, ruled.turn, ruled.winner
), weighed AS (
    SELECT *, CASE winner WHEN 'model_a' THEN model_a WHEN 'tie' THEN tie ELSE model_b END AS with_judge,
        CASE winner WHEN 'model_a' THEN greatest(tie, model_b) WHEN 'tie' THEN greatest(model_a, model_b)
            ELSE greatest(model_a, tie) END AS against
    FROM counted
)
SELECT match_id, turn, winner, votes, model_a, tie, model_b FROM weighed
WHERE 2 * (votes - with_judge) > votes
ORDER BY against - with_judge DESC, votes DESC, match_id, turn LIMIT %(limit)s
"""


class JudgmentChange(Change):
    """A ruling stored or removed; a judge's game changes when all of its orders are there."""

    judge_id = models.BigIntegerField()
    turn = models.PositiveSmallIntegerField(null=True)
    order = models.CharField(max_length=8)

    class Meta:
        indexes = [models.Index(fields=["judge_id", "match_id"], name="judgment_change")]
