"""Who sits on a panel."""

from django.core.exceptions import ValidationError
from django.db import models

from judging.models.judges import Judge


class Seat(models.Model):
    """A judge that is a member of a panel, which is another judge. Fixed once the panel has ruled."""

    panel = models.ForeignKey(Judge, models.CASCADE, related_name="seats")
    # A panel without one of its members would be another one.
    member = models.ForeignKey(Judge, models.RESTRICT, related_name="seats_taken")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["panel", "member"], name="seat_once"),
            models.CheckConstraint(
                condition=~models.Q(panel=models.F("member")),
                name="seat_of_another",
                violation_error_message="A panel cannot be its own member.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} on {self.panel}"


class Panel(Judge):
    """A judge made of several, as staff see it."""

    class Meta:
        proxy = True

    def shape(self, rule: str, members: list[Judge]) -> None:
        """Be a panel of these: asked in both orders if a member is, and gone with the demo if a member is."""
        self.engine, self.protocol = Judge.Engine.PANEL, rule
        self.both_orders = any(each.both_orders for each in members)
        self.is_demo = any(each.is_demo for each in members)

    def seat(self, members: list[Judge]) -> None:
        """Let exactly these be its members. Raises ValidationError once it has ruled."""
        if set(self.members.all()) == set(members):
            return
        if self.judgments.exists():
            raise ValidationError(f"{self} has ruled already, so its members can no longer change.")
        self.seats.all().delete()
        Seat.objects.bulk_create([Seat(panel=self, member=each) for each in members])


def find_fault(members: list[Judge]) -> str:
    """Why these cannot be a panel's members, in a sentence; "" if they can."""
    if len(members) < 2:
        return "A panel has at least two members."
    nested = [str(each) for each in members if each.engine == Judge.Engine.PANEL]
    if nested:
        return f"A panel has no panels as members: {', '.join(nested)}."
    return ""
