"""``manage.py rate``: ratings from a file of games, without the site and its database."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from arena.shell import FORMATS, format_rows
from leaderboard.ratings import (
    Games,
    NotConverged,
    Ratings,
    fit_bradley_terry,
    fit_davidson,
    fit_shuffled_elo,
    fit_style,
)
from leaderboard.ratings.bad_tables import BadTable

COLUMNS = (
    *("rank", "rank_lower", "rank_upper", "model", "rating", "rating_lower", "rating_upper"),
    *("matches", "status", "group", "note"),
)
FITS: dict[str, Callable[..., Ratings]] = {"bt": fit_bradley_terry, "davidson": fit_davidson}
ALL = "all"  # the board of all games, beside those of the labels of a column
Boards = list[tuple[dict[str, Any], Ratings]]


class Command(BaseCommand):
    help = (
        "Rate the models of a file: CSV, JSONL or Parquet with the columns model_a, model_b and winner "
        "(model_a, model_b, tie, both_bad), or model_a, model_b, win, loss and tie (counts). Messages count "
        "rows from 1, without the line of names. No database is started. Elo is averaged over shuffles, and "
        "its interval is one standard deviation over them."
    )
    requires_system_checks: list[str] = []  # they would ask the database

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--method", choices=[*FITS, "elo"], default="bt")
        parser.add_argument(
            "--cluster",
            type=_names,
            default=(),
            help="one or two columns, such as prompt,voter: votes with equal labels depend on each other; of "
            "votes of one voter on the same pair, prompt and turn (if the file has it) the first counts",
        )
        parser.add_argument("--by", metavar="COLUMN", help="also a board for each label of a column")
        parser.add_argument(
            "--style",
            action="store_true",
            help="also a board at equal style: from columns such as length_a and length_b (length, headers, "
            "lists, bold, code), or from the texts response_a and response_b",
        )
        parser.add_argument(
            "--anchor",
            type=_anchor,
            action="append",
            default=[],
            metavar="NAME=POINTS",
            help="such as gpt-4=1114: fixes the scale; repeated, the mean of those named",
        )
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *, file: Path, format: str, **options) -> None:
        _refuse(options)
        try:
            games = self._read(file, options)
            boards = self._fit_all(games, options)
        except BadTable as error:
            raise CommandError(f"{file}: {_placed(error.row, error.column)}{error.problem}.") from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        except (CommandError, ValueError) as error:
            raise CommandError(f"{file}: {error}") from None
        self._tell(boards, options["by"])
        extra = tuple(boards[0][0]) if boards else ()
        rows = [named | row for named, ratings in boards for row in _rows(ratings)]
        self.stdout.write(format_rows(rows, (*extra, *COLUMNS), format))

    def _read(self, file: Path, options: dict[str, Any]) -> Games:
        from leaderboard.ratings.files import (
            columns_of,
            read_games_file,
        )  # Arrow: slow to load

        once: tuple[str, ...] = ()
        if set(options["cluster"]) == {"prompt", "voter"}:
            once = (*options["cluster"], *(["turn"] if "turn" in columns_of(file) else []))
        keep = [*dict.fromkeys([*options["cluster"], *once, *([options["by"]] if options["by"] else [])])]
        with tqdm(total=100, unit="%", desc="reading", file=sys.stderr, disable=None) as bar:
            games = read_games_file(
                file,
                keep=keep,
                style=options["style"],
                progress=lambda share: bar.update(100 * share - bar.n),
            )
        if not len(games):
            raise CommandError("there is no game in it.")
        kept = games.without_repeats(once) if once else games
        if len(kept) < len(games):
            self.stderr.write(f"{len(games) - len(kept):,} votes repeat an earlier one and are left out.")
        return kept

    def _fit_all(self, games: Games, options: dict[str, Any]) -> Boards:
        """Every board; a label whose games do not allow one is told and left out, as the others stand."""
        labels = games.column(options["by"]).labels if options["by"] else ()
        if ALL in labels:
            raise CommandError(f"column {options['by']}: {ALL!r} is the name of the board of all games")
        left_out = []
        with tqdm(total=1 + len(labels), unit="board", desc="fitting", file=sys.stderr, disable=None) as bar:
            boards: Boards = []
            for named, own in _parts(games, options["by"]):
                try:
                    boards += _fit(named, own, options)
                except (ValueError, NotConverged) as error:
                    if not boards:
                        raise CommandError(str(error)) from None
                    left_out += [f"{options['by']} {named[options['by']]} is left out: {error}."]
                bar.update()
        for line in left_out:
            self.stderr.write(line)
        return boards

    def _tell(self, boards: Boards, by: str | None) -> None:
        scales: dict[str, list[str]] = {}
        for named, ratings in boards:
            scales.setdefault(ratings.scale, []).append(str(named[by]) if by else ALL)
        every = {label for labels in scales.values() for label in labels}
        for scale, labels in scales.items():
            where = "" if len(labels) == len(every) else f" of {', '.join(labels)}"
            self.stderr.write(f"Scale{where}: {scale}.")
        for named, ratings in boards:
            for each in ratings.coefficients:
                where = ", ".join(str(value) for value in named.values())
                known = "" if each.lower is None else f" ({each.lower:.2f} to {each.upper:.2f})"
                self.stderr.write(f"{where}{where and ': '}{each.name} {each.value:.2f}{known}, {each.unit}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _anchor(text: str) -> tuple[str, float]:
    name, _, points = text.rpartition("=")
    try:
        if name and isfinite(float(points)):
            return name, float(points)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text!r} is not NAME=POINTS, such as gpt-4=1114")


def _refuse(options: dict[str, Any]) -> None:
    """What does not go together, before a file is read."""
    if options["method"] == "elo" and (options["cluster"] or options["anchor"]):
        raise CommandError("Elo has no clustered intervals and no anchor: use --method bt or davidson.")
    if options["style"] and options["method"] != "bt":
        raise CommandError("Style control is part of Bradley-Terry: use --method bt.")
    if options["by"] in (*COLUMNS, "style"):
        raise CommandError(f"--by {options['by']}: the boards have a column of that name; rename the file's.")
    names = [name for name, _ in options["anchor"]]
    for name in names:
        if names.count(name) > 1:
            raise CommandError(f"--anchor: {name} is named twice.")


def _placed(row: int | None, column: str | None) -> str:
    """Rows of a file count from 1, without the line of names."""
    place = [f"row {row + 1:,}"] if row is not None else []
    place += [f"column {column}"] if column is not None else []
    return ", ".join(place) + ": " if place else ""


def _parts(games: Games, by: str | None) -> Iterator[tuple[dict[str, Any], Games]]:
    """All games, and if asked those of each label of a column, with what their rows say of them."""
    yield {by: ALL} if by else {}, games
    if by:
        labels, place = games.column(by)
        for at in sorted(range(len(labels)), key=lambda at: str(labels[at])):
            yield {by: labels[at]}, games.take(place == at)


def _fit(named: dict[str, Any], games: Games, options: dict[str, Any]) -> Boards:
    if options["method"] == "elo":
        first, second = ([games.players[at] for at in side.tolist()] for side in (games.first, games.second))
        if games.count is not None:
            raise ValueError("online Elo needs games in their order, not counts")
        return [(named, fit_shuffled_elo(first, second, games.score, rounds=20))]
    spoken = {str(player): player for player in games.players}  # a model may be a number
    anchor = {spoken.get(name, name): points for name, points in options["anchor"]}
    asked: dict[str, Any] = {"cluster": options["cluster"], "anchor": anchor}
    if not options["style"]:
        return [(named, FITS[options["method"]](games, **asked))]
    if named.get(options["by"], ALL) != ALL:  # a part may show no bold at all where the whole does
        seen = {name: values for name, values in games.covariates.items() if values.any()}
        games = replace(games, covariates=seen or games.covariates)
    boards = fit_style(games, **asked)
    return [(named | {"style": "as is"}, boards.without), (named | {"style": "equal"}, boards.controlled)]


def _rows(ratings: Ratings) -> Iterator[dict[str, Any]]:
    """The rated first, then the groups that are rated apart, then the unrated with the reason."""
    elsewhere: set[Hashable] = {player for board in ratings.apart for player in board.players}
    rows = [row for row in ratings.rows() if row.player not in elsewhere]
    apart = [
        row._replace(group=label)
        for label, board in enumerate(ratings.apart, start=2)
        for row in board.rows()
    ]
    rated = [row for row in rows if row.rank]
    for row in (*rated, *apart, *(row for row in rows if not row.rank)):
        yield row._asdict() | {"model": row.player, "note": row.reason or row.note}
