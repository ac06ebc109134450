"""Snapshots: all boards at one moment, fitted afresh and kept for ever with what they were fitted from."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.db import transaction

from arena import turns
from arena.models import Benchmark
from leaderboard import sources
from leaderboard.frozen import PEOPLE, FrozenBoard, Inputs, cut, judge_table, pack
from leaderboard.frozen.export import write_export
from leaderboard.frozen.inputs import digest_json
from leaderboard.frozen.tables import squeeze
from leaderboard.models import KeptBenchmark, KeptBoard, KeptPart, Snapshot, SnapshotRequest
from leaderboard.services.freezing import SETTINGS, Fitter, freeze_inputs
from leaderboard.services.software import read_software

LOCK = "take snapshot"
EXPORTS = 20  # that a host keeps for downloads
SLACK = timedelta(minutes=2)  # a tick that comes a little early need not wait for the next one

Progress = Callable[[str], None]
log = logging.getLogger(__name__)


class NoSnapshot(Exception):
    """Why none was taken, in a sentence."""


def take_snapshot(*, now: datetime, by: str, note: str = "", progress: Progress = lambda _: None) -> Snapshot:
    """Keep all boards as they follow from the votes and rulings of now. Raises NoSnapshot.

    One process takes one at a time, and it is there as a whole or not at all.
    """
    with turns.alone(LOCK) as mine, transaction.atomic():
        if not mine:
            raise NoSnapshot("Another snapshot is being taken. Try again in a while.")
        return _take(now, by, note, progress)


def take_due_snapshot(*, now: datetime, hours: int) -> Snapshot | None:
    """Take the snapshot that somebody asked for, or else the one that is due every so many hours (0: never).

    None is due while nothing was counted since the last one.
    """
    with turns.alone(LOCK) as mine, transaction.atomic():
        if not mine:
            return None
        request = SnapshotRequest.objects.order_by("asked_at").first()
        try:
            if request is not None:
                request.delete()
                return _take(now, request.by, request.note)
            return _take(now, "", "") if _is_due(now, hours) else None
        except NoSnapshot as reason:
            log.info("no snapshot: %s", reason)
            return None


def _is_due(now: datetime, hours: int) -> bool:
    last = Snapshot.objects.newest()
    if not hours:
        return False
    if last is None:
        return True
    waited = now - last.taken_at >= timedelta(hours=hours) - SLACK
    return waited and last.signature != _signature(read_software())


def _signature(software: dict[str, str]) -> str:
    """What was counted of every benchmark, and what would fit it."""
    counted = sources.signatures(Benchmark.objects.all())
    return digest_json([software, sorted([*map(str, scope), own] for scope, own in counted.items())])


def _take(now: datetime, by: str, note: str, progress: Progress = lambda _: None) -> Snapshot:
    software = read_software()
    signature = _signature(software)
    kept = []
    for benchmark in Benchmark.objects.order_by("pk"):
        progress(f"reading {benchmark}")
        inputs = freeze_inputs(benchmark)
        if inputs is not None:
            kept.append(_keep(inputs, benchmark, software, progress))
    if not kept:
        raise NoSnapshot("There is nothing to keep yet: no votes, no rulings.")
    last = Snapshot.objects.newest()
    if not by and last and {each.pk for each in kept} == set(last.benchmarks.values_list("pk", flat=True)):
        Snapshot.objects.filter(pk=last.pk).update(signature=signature)
        raise NoSnapshot(f"Nothing has changed since snapshot {last.number}.")
    snapshot = Snapshot.objects.create(
        number=last.number + 1 if last else 1,
        taken_at=now,
        by=by,
        note=note,
        software=software,
        method=SETTINGS,
        signature=signature,
    )
    snapshot.benchmarks.set(kept)
    return snapshot


def _keep(
    inputs: Inputs, benchmark: Benchmark, software: dict[str, str], progress: Progress
) -> KeptBenchmark:
    """The benchmark with its boards as rows; those that are there already when the same was fitted before."""
    sha256 = digest_json({"inputs": inputs.sha256, "software": software, "settings": SETTINGS})
    known = KeptBenchmark.objects.filter(sha256=sha256).first()
    if known is not None:
        return known
    _keep_parts(inputs)
    boards = []
    for board in Fitter(inputs).all():
        progress(f"{inputs.name}: {board.title}")
        boards.append(board)
    kept = KeptBenchmark.objects.create(
        sha256=sha256,
        inputs_sha256=inputs.sha256,
        slug=inputs.slug,
        name=inputs.name,
        is_demo=benchmark.is_demo,
        votes=inputs.rows(PEOPLE),
        rulings=sum(inputs.rows(judge_table(judge.slug)) for judge in inputs.judges),
        board_count=len(boards),
        outline=squeeze(inputs.outline() | {"parts": inputs.parts, "digests": inputs.digests}),
    )
    kept.parts.set(KeptPart.objects.filter(pk__in=_digests(inputs)))
    KeptBoard.objects.bulk_create(
        KeptBoard(
            benchmark=kept,
            judge=board.judge,
            category=board.category,
            method=board.method,
            facts=board.facts,
            places=squeeze(board.standings),
        )
        for board in boards
    )
    return kept


def _keep_parts(inputs: Inputs) -> None:
    """Store those parts of the inputs that no snapshot has yet, one at a time: they may be many."""
    stored = set(KeptPart.objects.filter(pk__in=_digests(inputs)).values_list("pk", flat=True))
    for columns in inputs.tables.values():
        for part in cut(columns):
            if part.sha256 not in stored:
                KeptPart.objects.create(sha256=part.sha256, rows=part.rows, data=pack(part.columns))
                stored.add(part.sha256)


def _digests(inputs: Inputs) -> set[str]:
    return {sha256 for parts in inputs.parts.values() for sha256 in parts}


def export_snapshot(snapshot: Snapshot, file: IO[bytes], *, progress: Progress = lambda _: None) -> None:
    """Write the whole snapshot as a zip. The same snapshot gives the same bytes."""

    def contents() -> Iterator[tuple[Inputs, list[FrozenBoard]]]:
        for kept in snapshot.benchmarks.order_by("slug"):
            progress(kept.name)
            yield kept.read_inputs(), [row.read() for row in kept.boards.all()]

    write_export(file, describe_snapshot(snapshot), snapshot.taken_at, contents())


def exported_snapshot(snapshot: Snapshot, folder: Path) -> Path:
    """The snapshot's export among those that this host keeps, made when it is not there."""
    held = sorted(snapshot.benchmarks.values_list("sha256", flat=True))
    path = folder / f"{snapshot.number}-{digest_json([describe_snapshot(snapshot), held])[:16]}.zip"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            export_snapshot(snapshot, file)
        Path(file.name).rename(path)  # whole or not at all, for whoever asks meanwhile
        for old in sorted(folder.glob("*.zip"), key=lambda each: each.stat().st_mtime)[:-EXPORTS]:
            old.unlink(missing_ok=True)
    return path


def describe_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """What an export says of the snapshot; not who took it."""
    return {
        "number": snapshot.number,
        "taken_at": snapshot.taken_at.isoformat(),
        "how": snapshot.how,
        "note": snapshot.note,
        "software": snapshot.software,
        "scale": snapshot.method["scale"],
        "level": snapshot.method["level"],
        "settings": snapshot.method,
    }


def forget_demo() -> None:
    """Delete the demo's boards from all snapshots, and those snapshots at the end that held nothing else.

    An earlier one stays without boards: its number is never another snapshot's.
    """
    KeptBenchmark.objects.filter(is_demo=True).delete()
    KeptPart.objects.filter(benchmarks=None).delete()
    last = Snapshot.objects.with_boards().newest()
    Snapshot.objects.filter(number__gt=last.number if last else 0).delete()
