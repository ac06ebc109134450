"""``manage.py import_data llmfao|pandalm|mtbench PATH``"""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from judging.importers import IMPORTERS, DatasetError
from judging.services.importing import AlreadyImported, import_dataset


class Command(BaseCommand):
    help = (
        "Load a published data set as a closed benchmark: models, prompts, answers, votes, recorded judges."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("name", choices=sorted(IMPORTERS), help="which data set")
        parser.add_argument("path", type=Path, help="the folder that holds its files")

    def handle(self, *, name: str, path: Path, **options) -> None:
        if not path.is_dir():
            raise CommandError(f"{path} is not a folder. Give the folder that holds the files of {name}.")
        try:
            data = IMPORTERS[name](path)
        except (DatasetError, KeyError, TypeError, ValueError) as error:
            raise CommandError(f"Nothing was imported. {error or type(error).__name__}") from error
        total = data.size
        with tqdm(total=total, unit="row", file=sys.stderr, disable=None) as bar:

            def progress(what: str, rows: int) -> None:
                bar.set_description(what)
                bar.update(rows)

            try:
                imported = import_dataset(data, now=timezone.now(), progress=progress)
            except AlreadyImported as error:
                self.stdout.write(str(error))
                return
            except KeyError as error:
                raise CommandError(
                    f"Nothing was imported. {name} names {error}, which is not in its files."
                ) from error
        counts = ", ".join(f"{value:,} {key}" for key, value in imported._asdict().items())
        self.stdout.write(f"Imported {name}: {counts}.")
