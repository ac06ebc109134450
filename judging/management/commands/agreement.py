"""``manage.py agreement``: how far judges agree with people."""

from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError

from arena.management.named import benchmark_named
from arena.models import Benchmark
from arena.shell import FORMATS, format_rows
from judging.agreement import RULES, between_voters
from judging.models import Judge
from judging.services.measuring import judges_of, measure_agreement, read_votes

COLUMNS = (
    *("judge", "against", "rule", "turn", "n", "agreed", "agreement", "lower", "upper"),
    *("kappa", "ac1", "alpha", "precision", "recall", "f1", "inconsistent"),
    *("human_n", "human_agreed", "human_agreement", "human_lower", "human_upper"),
)
VOTER_COLUMNS = ("first", "second", "n", "agreement", "kappa")


class Command(BaseCommand):
    help = "Agreement of judges with people's votes, or of voters with each other. Shares are fractions of 1."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument("--judge", help="name of one judge (default: all that ruled on the benchmark)")
        parser.add_argument("--turn", type=int, help="one turn only (default: all turns together)")
        parser.add_argument("--rule", choices=list(RULES), default="each-vote")
        parser.add_argument(
            "--between-voters", action="store_true", help="kappa of each two voters with 20 items in common"
        )
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *, format: str, **options) -> None:
        benchmark = benchmark_named(options["benchmark"])
        if options["between_voters"]:
            pairs = between_voters(read_votes(benchmark, turn=options["turn"]))
            self.stdout.write(format_rows([asdict(pair) for pair in pairs], VOTER_COLUMNS, format))
            return
        rows = [
            {"judge": str(judge), "turn": options["turn"]}
            | measure_agreement(judge, benchmark, rule=options["rule"], turn=options["turn"]).row()
            for judge in self._judges(benchmark, options["judge"])
        ]
        self.stdout.write(format_rows(rows, COLUMNS, format))

    def _judges(self, benchmark: Benchmark, name: str | None) -> list[Judge]:
        judges = list(judges_of(benchmark))
        if name is None:
            return judges
        named = [judge for judge in judges if name in (judge.name, judge.slug, str(judge))]
        if not named:
            known = ", ".join(map(str, judges)) or "none"
            raise CommandError(f"No judge {name!r} ruled on {benchmark.slug}. These did: {known}.")
        return named
