"""Rubrics: named sets of criteria that judges grade answers by."""

import hashlib
import json

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from judging.models.recipes import DIGITS
from judging.protocols import Criterion, Grading

PREFIX = "rubric:"
MOST_CRITERIA = 12


class RubricQuerySet(models.QuerySet["Rubric"]):
    def behind(self, protocol: str) -> "Rubric | None":
        """The rubric that a protocol such as ``rubric:name@hash`` names."""
        name, _, digits = protocol.removeprefix(PREFIX).partition("@")
        known = protocol.startswith(PREFIX) and digits
        return self.filter(name=name, sha256__startswith=digits).first() if known else None


class Rubric(models.Model):
    """Criteria with descriptions, each graded in whole numbers; totals are compared.

    A judge names it by its name and a part of its hash, so it is fixed once a judge does.
    """

    name = models.SlugField(max_length=20, help_text="Short, such as legal-advice.")
    criteria = models.JSONField(help_text="Pairs of a name and a description.")
    lowest = models.PositiveSmallIntegerField(default=1, help_text="The worst grade.")
    highest = models.PositiveSmallIntegerField(
        default=4, validators=[MaxValueValidator(100)], help_text="The best grade."
    )
    sha256 = models.CharField(max_length=64, editable=False, help_text="Of all of the above.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RubricQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-created_at"]
        constraints = [models.UniqueConstraint(fields=["name", "sha256"], name="rubric_once")]

    def __str__(self) -> str:
        return self.protocol()

    def save(self, *args, **kwargs) -> None:
        self.sha256 = self.digest()
        super().save(*args, **kwargs)

    def protocol(self) -> str:
        """What a judge names that grades by it."""
        return f"{PREFIX}{self.name}@{self.digest()[:DIGITS]}"

    def digest(self) -> str:
        content = [self.name, self.criteria, self.lowest, self.highest]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def form(self) -> Grading:
        criteria = tuple(Criterion(*pair) for pair in self.criteria)
        return Grading(self.protocol(), criteria, self.lowest, self.highest)

    def clean(self) -> None:
        """Raise ValidationError for what cannot be asked or read."""
        if self.lowest >= self.highest:
            raise ValidationError({"highest": "The best grade must be above the worst."})
        names = [str(name).strip().lower() for name, _ in self.criteria or []]
        if not 1 <= len(names) <= MOST_CRITERIA:
            raise ValidationError({"criteria": f"Give 1 to {MOST_CRITERIA} criteria."})
        if len(set(names)) < len(names):
            raise ValidationError({"criteria": "Two criteria have the same name."})
        inside = next(((a, b) for a in names for b in names if a != b and b.endswith(f" {a}")), None)
        if inside:  # "style: [[3]]" would be found at the end of "code style: [[3]]"
            raise ValidationError(
                {"criteria": f"{inside[1]} ends like {inside[0]}: name one of them otherwise."}
            )
        if Rubric.objects.filter(name=self.name, sha256=self.digest()).exclude(pk=self.pk).exists():
            raise ValidationError("That rubric is there already.")
