"""People, the pairs they were shown, and their choices."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from arena.outcomes import Order, Winner


class VoterQuerySet(models.QuerySet["Voter"]):
    def quarantine(self, *, now: datetime) -> int:
        """Count their votes nowhere from now on. Returns how many voters were free before."""
        return self.filter(quarantined_at=None).update(quarantined_at=now)

    def release(self) -> int:
        """Count their votes again. Returns how many voters were in quarantine."""
        return self.filter(quarantined_at__isnull=False).update(quarantined_at=None)


class Voter(models.Model):
    """A person who votes: signed in, known by a signed cookie, or recorded in an imported data set.

    ``role`` is the imported set's word for the person (worker, annotator, expert, author) or
    "simulated" for the demo's voters. A quarantined voter's votes are kept and count nowhere.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    cookie = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    origin = models.CharField(max_length=80, blank=True, help_text="The data set that this voter came with.")
    name = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    quarantined_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = VoterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "name"], condition=~Q(name=""), name="voter_once_per_origin"
            ),
        ]

    def __str__(self) -> str:
        return self.name or (self.user.get_username() if self.user else f"visitor {self.pk}")


class Ballot(models.Model):
    """A pair shown to a voter. Its random token is all that the page knows of the match.

    A ballot whose vote was withdrawn stays answered: the names were shown, so the pair is spent.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    voter = models.ForeignKey(Voter, models.CASCADE, related_name="ballots")
    match = models.ForeignKey("arena.Match", models.CASCADE, related_name="ballots")
    order = models.CharField(max_length=2, choices=[(o, o) for o in (Order.AB, Order.BA)])
    issued_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="When its vote was taken back.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["voter", "match"], name="ballot_once"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(answered_at__isnull=False),
                name="ballot_withdrawn_once_answered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["voter"], name="ballot_open", condition=Q(answered_at=None, skipped_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"ballot {self.pk}"


class Vote(models.Model):
    """A person's choice on a match. ``turn`` null means the whole conversation.

    ``order`` is what the voter saw; votes given on this site have their ballot, imported ones have none.
    """

    voter = models.ForeignKey(Voter, models.CASCADE, related_name="votes")
    match = models.ForeignKey("arena.Match", models.CASCADE, related_name="votes")
    turn = models.PositiveSmallIntegerField(null=True, blank=True)
    ballot = models.OneToOneField(Ballot, models.RESTRICT, null=True, blank=True, related_name="vote")
    order = models.CharField(max_length=8, choices=[(o, o) for o in Order])
    winner = models.CharField(max_length=8, choices=[(w, w) for w in Winner])
    seconds = models.FloatField(null=True, blank=True, help_text="From issue of the ballot to the vote.")
    reasons = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["voter", "match", "turn"], nulls_distinct=False, name="vote_once"
            ),
            models.CheckConstraint(condition=Q(winner__in=list(Winner)), name="vote_winner_known"),
        ]
        # What the scheduler counts every two seconds, without reading the rows themselves.
        indexes = [models.Index(fields=["match"], include=["id"], name="vote_count")]

    def __str__(self) -> str:
        return f"{self.winner} on {self.match_id}"
