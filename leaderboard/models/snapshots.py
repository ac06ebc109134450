"""Boards that are kept for ever, with all that they were fitted from. A refresh leaves them alone."""

from typing import cast

from django.db import connection, models
from django.db.models import Exists, OuterRef, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from leaderboard.frozen import Columns, FrozenBoard, FrozenStanding, Inputs, join, unpack
from leaderboard.frozen.tables import unsqueeze


class KeptPart(models.Model):
    """A part of a table of inputs, stored once however many snapshots hold it."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    rows = models.PositiveIntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.sha256[:12]}"


class KeptBenchmark(models.Model):
    """One benchmark as it was: its inputs and every board. Snapshots between which nothing changed share it.

    Names are written out, because models, judges and the benchmark may be renamed or deleted later.
    ``sha256`` is of the inputs and of what fitted them, ``outline`` the inputs without their tables, of which
    it names the parts in their order.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    inputs_sha256 = models.CharField(max_length=64)
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)
    votes = models.PositiveIntegerField()
    rulings = models.PositiveIntegerField(help_text="Judged matches, of every judge.")
    board_count = models.PositiveIntegerField()
    outline = models.BinaryField()
    parts = models.ManyToManyField(KeptPart, related_name="benchmarks")

    class Meta:
        indexes = [models.Index(fields=["slug"], name="kept_slug")]

    def __str__(self) -> str:
        return self.name

    def read_outline(self) -> dict:
        return cast(dict, unsqueeze(bytes(self.outline)))

    def read_inputs(self) -> Inputs:
        """All of the inputs, its tables included."""
        outline = self.read_outline()
        stored = self.parts.in_bulk()
        tables: dict[str, Columns] = {
            name: join(unpack(bytes(stored[sha256].data)) for sha256 in parts)
            for name, parts in outline["parts"].items()
        }
        return Inputs.from_outline(outline, tables)


class KeptBoard(models.Model):
    """One board of a kept benchmark; ``places`` are its standings, compressed."""

    benchmark = models.ForeignKey(KeptBenchmark, models.CASCADE, related_name="boards")
    judge = models.SlugField(max_length=100, blank=True)
    category = models.CharField(max_length=60, blank=True)
    method = models.CharField(max_length=5)
    facts = models.JSONField()
    places = models.BinaryField()

    class Meta:
        ordering = ["benchmark", "judge", "category", "method"]
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "judge", "category", "method"], name="kept_board_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge or 'people'} {self.category} ({self.method})"

    def read(self) -> FrozenBoard:
        rows = cast(list, unsqueeze(bytes(self.places)))
        return FrozenBoard(
            self.judge, self.category, self.method, self.facts, tuple(FrozenStanding(*row) for row in rows)
        )


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    def newest(self) -> "Snapshot | None":
        return self.order_by("-number").first()

    def of_benchmark(self, slug: str) -> "SnapshotQuerySet":
        """Those that hold a benchmark, newest first."""
        return self.filter(benchmarks__slug=slug).order_by("-number")

    def counted(self) -> "SnapshotQuerySet":
        """Newest first, with ``votes``, ``rulings`` and ``boards``, over all benchmarks."""
        counted = self.annotate(
            votes=Coalesce(Sum("benchmarks__votes"), 0),
            rulings=Coalesce(Sum("benchmarks__rulings"), 0),
            boards=Coalesce(Sum("benchmarks__board_count"), 0),
        )
        return counted.order_by("-number")

    def with_boards(self) -> "SnapshotQuerySet":
        through = Snapshot.benchmarks.through.objects.filter(snapshot=OuterRef("pk"))
        return self.filter(Exists(through))


class Snapshot(models.Model):
    """All boards at one moment, numbered from 1 without gaps, never changed.

    ``by`` is who asked for it, empty when it was time for one. ``signature`` is what had been counted.
    """

    number = models.PositiveIntegerField(unique=True)
    taken_at = models.DateTimeField()
    by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=200, blank=True)
    software = models.JSONField(help_text="What fitted the boards, by version.")
    method = models.JSONField(help_text="Settings that the figures depend on.")
    signature = models.CharField(max_length=64, blank=True, editable=False)
    benchmarks = models.ManyToManyField(KeptBenchmark, related_name="snapshots")

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Snapshot {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("snapshot", args=[self.number])

    @property
    def how(self) -> str:
        return "by hand" if self.by else "daily"


class SnapshotRequest(models.Model):
    """Somebody's wish for a snapshot, until a worker has taken it."""

    by = models.CharField(max_length=150)
    note = models.CharField(max_length=200, blank=True, help_text="What this snapshot is for; shown with it.")
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.note or f"asked for by {self.by}"


def snapshots_stamp() -> tuple:
    """What changes whenever a snapshot is taken, or loses boards with the demo. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT max(number) FROM leaderboard_snapshot),
                (SELECT count(*) FROM leaderboard_snapshot_benchmarks)
            """
        )
        return tuple(cursor.fetchone())
