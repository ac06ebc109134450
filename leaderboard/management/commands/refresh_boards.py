"""``manage.py refresh_boards``"""

import sys

from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from leaderboard.services.boards import refresh_boards


class Command(BaseCommand):
    help = "Fit the boards and judge reports that have something new."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--all", action="store_true", help="fit everything, changed or not")

    def handle(self, **options) -> None:
        with tqdm(unit="scope", file=sys.stderr, disable=None) as bar:

            def progress(what: str) -> None:
                bar.set_description(what)
                bar.update()

            done = refresh_boards(now=timezone.now(), everything=options["all"], progress=progress)
        self.stdout.write(f"Made {done.boards} boards and {done.reports} reports.")
