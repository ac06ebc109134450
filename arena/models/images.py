"""Images that prompts show."""

from collections.abc import Iterable

from django.db import models
from django.db.models.expressions import RawSQL


class ImageQuerySet(models.QuerySet["Image"]):
    def unused(self) -> "ImageQuerySet":
        """Those that no prompt shows any more."""
        shown = (
            "SELECT picture->>'sha256' FROM arena_prompt, jsonb_array_elements(images) turn, "
            "jsonb_array_elements(turn) picture"
        )
        return self.exclude(sha256__in=RawSQL(shown, []))  # noqa: S611 -- no words from outside


class Image(models.Model):
    """A still picture, stored once whatever shows it; its row never changes."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    data = models.BinaryField()
    created_at = models.DateTimeField()

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="image_named_by_hash"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} ({self.width} × {self.height})"


def hashes_of(images: Iterable[Iterable[dict]]) -> tuple[tuple[str, ...], ...]:
    """The SHA-256 of each image of each turn, as ``Prompt.images`` holds them."""
    return tuple(tuple(str(each["sha256"]) for each in turn) for turn in images)
