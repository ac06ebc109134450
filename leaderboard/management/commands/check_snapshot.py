"""``manage.py check_snapshot``: whether an export gives its own boards again, without a database."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from leaderboard.frozen.export import BadExport, Export, read_export
from leaderboard.services.checking import Checked, check_export, other_software

SHOWN = 10  # differences


class Command(BaseCommand):
    help = (
        "Fit an exported snapshot again and compare every digit. Reads the export alone; no database is "
        "started. Exits with 1 when a figure differs or the file is not as it was written."
    )
    requires_system_checks: list[str] = []  # they would ask the database

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options) -> None:
        try:
            export = self._read(file)
        except BadExport as error:
            raise CommandError(f"{file}: {error}.") from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        checked = self._check(export)
        self.stdout.write(f"Snapshot {export.index['number']} of {export.index['taken_at'][:10]}.")
        self.stdout.write(
            f"Fitted again: {checked.boards:,} boards with {checked.figures:,} figures, from "
            f"{sum(_games(export)):,} votes and rulings."
        )
        if checked.differences:
            self._tell(checked, export)
        self.stdout.write("Every figure is the same, to the last digit. Largest difference: 0.")

    def _read(self, file: Path) -> Export:
        with tqdm(unit="file", desc="reading", file=sys.stderr, disable=None) as bar:

            def progress(name: str) -> None:
                bar.set_postfix_str(name)
                bar.update()

            return read_export(file, progress)

    def _check(self, export: Export) -> Checked:
        boards = sum(len(benchmark.boards) for benchmark in export.benchmarks)
        with tqdm(total=boards, unit="board", desc="fitting", file=sys.stderr, disable=None) as bar:

            def progress(where: str) -> None:
                bar.set_postfix_str(where)
                bar.update()

            return check_export(export, progress=progress)

    def _tell(self, checked: Checked, export: Export) -> None:
        for each in checked.differences[:SHOWN]:
            self.stdout.write(f"{each.where}: {each.recorded}, fitted again {each.fitted}")
        more = len(checked.differences) - SHOWN
        if more > 0:
            self.stdout.write(f"... and {more:,} more")
        for line in other_software(export):
            self.stdout.write(f"Fitted with {line}.")
        raise CommandError(
            f"{len(checked.differences):,} of {checked.figures:,} figures differ; the largest difference of "
            f"two numbers is {checked.largest:.3g}."
        )


def _games(export: Export) -> list[int]:
    return [
        benchmark.inputs.rows(name)
        for benchmark in export.benchmarks
        for name in benchmark.inputs.tables
        if name != "styles"
    ]
