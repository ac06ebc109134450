"""Custom judges: prompts and parse rules that admins write."""

import hashlib

from django.core.exceptions import ValidationError
from django.db import models

from judging.custom import CustomProtocol, Faults, Spec, build
from judging.custom.protocol import PATH, PATTERN
from judging.models.recipes import DIGITS
from judging.recipes import PAIR, SINGLE

PREFIX = "custom:"


class CustomJudgeQuerySet(models.QuerySet["CustomJudge"]):
    def behind(self, protocol: str) -> "CustomJudge | None":
        """The row that a protocol such as ``custom:name@hash`` names."""
        name, _, digits = protocol.removeprefix(PREFIX).partition("@")
        known = protocol.startswith(PREFIX) and digits
        return self.filter(name=name, sha256__startswith=digits).first() if known else None


class CustomJudge(models.Model):
    """How a judge is asked and read, in an admin's words.

    A judge names it by its name and a part of its hash, so it is fixed once a judge does.
    """

    class Asks(models.TextChoices):
        PAIR = PAIR, "Two answers, compared with each other"
        SINGLE = SINGLE, "Each answer by itself; the higher score wins"

    class Rule(models.TextChoices):
        PATTERN = PATTERN, "Regular expression (RE2)"
        PATH = PATH, "JSON path (RFC 9535)"

    name = models.SlugField(max_length=20, help_text="Short, such as strict-editor.")
    asks = models.CharField("asks about", max_length=10, choices=Asks, default=Asks.PAIR)
    raw = models.BooleanField(
        "raw text",
        default=False,
        help_text="The prompt is one text to go on with, for models that do not chat; no system text then.",
    )
    system = models.TextField("system text", blank=True, help_text="May be empty.")
    template = models.TextField("prompt", help_text="The user’s message, or the raw text.")
    rule = models.CharField(max_length=10, choices=Rule, default=Rule.PATTERN)
    expression = models.TextField(
        "expression or path",
        help_text="Of an expression the last match in the judge’s text counts: its group verdict or score, "
        "else its first; flags stand in it, as in (?i). A path, such as $.verdict, leads into the last JSON "
        "value of the text. What is not found is unscored.",
    )
    words_first = models.CharField(
        "words for the first",
        max_length=200,
        blank=True,
        help_text="Separated by commas. Case does not matter.",
    )
    words_second = models.CharField("words for the second", max_length=200, blank=True)
    words_tie = models.CharField("words for a tie", max_length=200, blank=True, help_text="May be empty.")
    lowest = models.FloatField("lowest score", default=1, help_text="Scores off the scale are unscored.")
    highest = models.FloatField("highest score", default=10)
    tie_margin = models.FloatField(default=0, help_text="Scores that differ by this or less are a tie.")
    sha256 = models.CharField(max_length=64, editable=False, help_text="Of all of the above.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CustomJudgeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-created_at"]
        constraints = [models.UniqueConstraint(fields=["name", "sha256"], name="custom_judge_once")]

    def __str__(self) -> str:
        return self.protocol()

    def save(self, *args, **kwargs) -> None:
        self.refuse_change_once_named()
        self.sha256 = self.digest()
        super().save(*args, **kwargs)

    def protocol(self) -> str:
        """What a judge names that is asked so."""
        return f"{PREFIX}{self.name}@{self.digest()[:DIGITS]}"

    def spec(self) -> Spec:
        return Spec(**{field: getattr(self, field) for field in Spec.__dataclass_fields__})

    def digest(self) -> str:
        return hashlib.sha256(self.spec().digest_of(self.name).encode()).hexdigest()

    def form(self) -> CustomProtocol:
        """Raises Faults for what cannot be asked or read."""
        return build(self.protocol(), self.spec())

    def clean(self) -> None:
        """Raise ValidationError for what cannot be asked or read."""
        self.refuse_change_once_named()
        try:
            self.form()
        except Faults as faults:
            raise ValidationError(faults.by_field) from faults
        if CustomJudge.objects.filter(name=self.name, sha256=self.digest()).exclude(pk=self.pk).exists():
            raise ValidationError("That custom judge is there already.")

    def is_named(self) -> bool:
        """Whether a judge is asked by what is stored."""
        from judging.models.judges import Judge  # which finds these rows by their names

        stored = CustomJudge.objects.filter(pk=self.pk).first() if self.pk else None
        return stored is not None and Judge.objects.filter(protocol=stored.protocol()).exists()

    def refuse_change_once_named(self) -> None:
        """Raise ValidationError when a judge would be asked otherwise than it was."""
        if self.is_named() and (stored := CustomJudge.objects.get(pk=self.pk)).protocol() != self.protocol():
            raise ValidationError(f"A judge is asked by {stored}, so it stays. Add another one instead.")
