"""What was added to the votes and taken from them since the boards last counted."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Change(models.Model):
    """One row came into play (``sign`` 1) or left it (-1), with what a count needs to know of it.

    Triggers of the database write changes in the transaction that they belong to, and whoever counts deletes
    them in the transaction that counts them: so each is counted once, however many write at a time, and
    whether or not the rows that they name are still there.
    """

    benchmark_id = models.BigIntegerField()
    tags = ArrayField(models.CharField(max_length=60), help_text="Of the prompt, when it changed.")
    match_id = models.BigIntegerField()
    competitor_a_id = models.BigIntegerField()
    competitor_b_id = models.BigIntegerField()
    winner = models.CharField(max_length=12)
    sign = models.SmallIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.sign:+} {self.winner} on {self.match_id}"


class VoteChange(Change):
    """A vote given, withdrawn, or one of a voter who was quarantined or released."""
