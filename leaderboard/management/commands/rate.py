"""``manage.py rate``: ratings from a file of games, without the site and its database."""

import sys
from collections.abc import Callable, Hashable, Iterator
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

COLUMNS = (
    *("rank", "rank_lower", "rank_upper", "model", "rating", "rating_lower", "rating_upper"),
    *("matches", "status", "group", "note"),
)
FITS: dict[str, Callable[..., Ratings]] = {"bt": fit_bradley_terry, "davidson": fit_davidson}
Boards = list[tuple[dict[str, Any], Ratings]]


class Command(BaseCommand):
    help = (
        "Rate the models of a file: CSV, JSONL or Parquet with the columns model_a, model_b and winner "
        "(model_a, model_b, tie, both_bad), or model_a, model_b, win, loss and tie (counts). No database is "
        "started. Elo is averaged over shuffles, and its interval is one standard deviation over them."
    )
    requires_system_checks: list[str] = []  # they would ask the database

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--method", choices=[*FITS, "elo"], default="bt")
        parser.add_argument(
            "--cluster",
            type=_names,
            default=(),
            help="one or two columns, such as prompt,voter: votes with equal labels depend on each other",
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
            help="NAME=1114 fixes the scale; repeatable",
        )
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *, file: Path, format: str, **options) -> None:
        from leaderboard.ratings.tables import BadTable  # Arrow, which no other command needs

        if options["method"] == "elo" and (options["cluster"] or options["anchor"]):
            raise CommandError("Elo has no clustered intervals and no anchor: use --method bt or davidson.")
        if options["style"] and options["method"] != "bt":
            raise CommandError("Style control is part of Bradley-Terry: use --method bt.")
        try:
            games = self._read(file, options)
            boards = self._fit_all(games, options)
        except BadTable as error:
            raise CommandError(f"{file}: {_placed(error.row, error.column)}{error.problem}.") from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        except (CommandError, ValueError) as error:
            raise CommandError(f"{file}: {error}") from None
        self._tell(boards)
        extra = tuple(boards[0][0]) if boards else ()
        rows = [named | row for named, ratings in boards for row in _rows(ratings)]
        self.stdout.write(format_rows(rows, (*extra, *COLUMNS), format))

    def _read(self, file: Path, options: dict[str, Any]) -> Games:
        from leaderboard.ratings.files import read_games_file

        keep = [*options["cluster"], *([options["by"]] if options["by"] else [])]
        with tqdm(total=100, unit="%", desc="reading", file=sys.stderr, disable=None) as bar:
            games = read_games_file(
                file,
                keep=keep,
                style=options["style"],
                progress=lambda share: bar.update(100 * share - bar.n),
            )
        if not len(games):
            raise CommandError("there is no game in it.")
        both = set(options["cluster"]) == {"prompt", "voter"}
        once = games.without_repeats(options["cluster"]) if both else games
        if len(once) < len(games):
            self.stderr.write(f"{len(games) - len(once):,} votes repeat an earlier one and are left out.")
        return once

    def _fit_all(self, games: Games, options: dict[str, Any]) -> Boards:
        parts = 1 + (len(games.column(options["by"]).labels) if options["by"] else 0)
        with tqdm(total=parts, unit="board", desc="fitting", file=sys.stderr, disable=None) as bar:
            boards: Boards = []
            for named, own in _parts(games, options["by"]):
                try:
                    boards += _fit(named, own, options)
                except (ValueError, NotConverged) as error:
                    where = "".join(f"{column} {label}: " for column, label in named.items())
                    raise CommandError(f"{where}{error}") from None
                bar.update()
        return boards

    def _tell(self, boards: Boards) -> None:
        for scale in dict.fromkeys(ratings.scale for _, ratings in boards):
            self.stderr.write(f"Scale: {scale}.")
        for named, ratings in boards:
            for each in ratings.coefficients:
                where = ", ".join(str(value) for value in named.values())
                known = "" if each.lower is None else f" ({each.lower:.2f} to {each.upper:.2f})"
                self.stderr.write(f"{where}{where and ': '}{each.name} {each.value:.2f}{known}, {each.unit}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _anchor(text: str) -> tuple[str, float]:
    name, _, points = text.rpartition("=")
    if not name:
        raise ValueError(text)
    return name, float(points)


def _placed(row: int | None, column: str | None) -> str:
    """Rows of a file count from 1, without the line of names."""
    place = [f"row {row + 1:,}"] if row is not None else []
    place += [f"column {column}"] if column is not None else []
    return ", ".join(place) + ": " if place else ""


def _parts(games: Games, by: str | None) -> Iterator[tuple[dict[str, Any], Games]]:
    """All games, and if asked those of each label of a column, with what their rows say of them."""
    yield {by: "all"} if by else {}, games
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
    asked: dict[str, Any] = {"cluster": options["cluster"], "anchor": dict(options["anchor"])}
    if not options["style"]:
        return [(named, FITS[options["method"]](games, **asked))]
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
