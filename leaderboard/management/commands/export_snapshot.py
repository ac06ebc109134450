"""``manage.py export_snapshot``"""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from leaderboard.models import Snapshot
from leaderboard.services.snapshots import export_snapshot


class Command(BaseCommand):
    help = "Write a snapshot into one zip: its boards, every game behind them, and what fitted them."

    def add_arguments(self, parser) -> None:
        parser.add_argument("number", type=int)
        parser.add_argument("--output", type=Path, help="default: snapshot-NUMBER.zip, here")

    def handle(self, *, number: int, output: Path | None, **options) -> None:
        snapshot = Snapshot.objects.filter(number=number).first()
        if snapshot is None:
            newest = Snapshot.objects.newest()
            known = (
                f"The newest is {newest.number}." if newest else "There is none yet: take_snapshot makes one."
            )
            raise CommandError(f"There is no snapshot {number}. {known}")
        path = output or Path(f"snapshot-{number}.zip")
        with tqdm(unit="benchmark", file=sys.stderr, disable=None) as bar:

            def progress(what: str) -> None:
                bar.set_description(what)
                bar.update()

            try:
                with path.open("wb") as file:
                    export_snapshot(snapshot, file, progress=progress)
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from None
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes.")
