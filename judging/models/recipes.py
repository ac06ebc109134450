"""The words of judges' own prompts."""

from django.db import models

DIGITS = 12  # of the hash of a recipe's texts, in the name of a protocol


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
