"""``manage.py take_snapshot``"""

import sys

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from leaderboard.services.snapshots import NoSnapshot, take_snapshot

SHELL = "the shell"  # who took it


class Command(BaseCommand):
    help = "Keep all boards as they are now, numbered and for ever, with the games from which they follow."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--note", default="", help="what it is for; shown with it")

    def handle(self, *, note: str, **options) -> None:
        if len(note) > 200:
            raise CommandError("A note has at most 200 characters.")
        with tqdm(unit="step", file=sys.stderr, disable=None) as bar:

            def progress(what: str) -> None:
                bar.set_description(what)
                bar.update()

            try:
                snapshot = take_snapshot(now=timezone.now(), by=SHELL, note=note, progress=progress)
            except NoSnapshot as reason:
                raise CommandError(str(reason)) from None
        boards = sum(kept.boards.count() for kept in snapshot.benchmarks.all())
        self.stdout.write(f"{snapshot} holds {boards} boards: {snapshot.get_absolute_url()}")
