"""``manage.py board``: one board as rows."""

from django.core.management.base import BaseCommand, CommandError

from arena.management.named import benchmark_named
from arena.models import Competitor
from arena.shell import FORMATS, format_rows
from judging.models import Judge
from leaderboard.models import Board
from leaderboard.services.boards import fit_scope

COLUMNS = (
    *("rank", "rank_lower", "rank_upper", "model"),
    *("rating", "rating_lower", "rating_upper", "matches"),
)


class Command(BaseCommand):
    help = "Print a board, fitted now from all votes or judgments. Unrated models have no rank and no rating."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--source", default="people", help="people, or the name of a judge")
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument("--category", default="", help="a category tag (default: all prompts)")
        parser.add_argument("--method", choices=Board.Method.values, default=Board.Method.BRADLEY_TERRY)
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *, format: str, **options) -> None:
        benchmark = benchmark_named(options["benchmark"])
        category = options["category"]
        if category and category not in benchmark.categories():
            raise CommandError(f"No category {category!r}. There are: {', '.join(benchmark.categories())}.")
        judge = self._judge(options["source"])
        ratings = fit_scope(benchmark, judge, category=category, method=options["method"])
        if ratings is None:
            raise CommandError(f"There is nothing to fit by the method {options['method']} here.")
        names = dict(Competitor.objects.in_bulk([*ratings.players]))
        rows = [row._asdict() | {"model": names[row.player].name} for row in ratings.rows() if row.matches]
        self.stdout.write(format_rows(rows, COLUMNS, format))

    def _judge(self, source: str) -> Judge | None:
        if source == "people":
            return None
        judge = Judge.objects.named(source)
        if judge is None:
            known = ", ".join(map(str, Judge.objects.all())) or "none"
            raise CommandError(f"There is no judge {source!r}. The source is people or one of: {known}.")
        return judge
