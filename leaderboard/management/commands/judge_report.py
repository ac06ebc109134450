"""``manage.py judge_report``: all that is known of a judge as rows."""

from django.core.management.base import BaseCommand, CommandError

from arena.management.named import benchmark_named
from arena.models import Benchmark
from arena.shell import FORMATS, format_rows
from judging.management.named import judge_named
from judging.models import Judge
from leaderboard.services.report_rows import COLUMNS, report_rows
from leaderboard.services.reports import measure_report


class Command(BaseCommand):
    help = (
        "Measure a judge: agreement with people by every rule, position, style, self-preference, "
        "calibration, effort. Style and rank correlation are those of the last boards."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("name", help="name of the judge")
        parser.add_argument("--benchmark", help="slug of one benchmark (default: all that it ruled on)")
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *, name: str, format: str, **options) -> None:
        judge = judge_named(name)
        rows = [
            row | {"judge": str(judge), "benchmark": benchmark.slug}
            for benchmark in self._benchmarks(judge, options["benchmark"])
            for row in report_rows(measure_report(judge, benchmark))
        ]
        self.stdout.write(format_rows(rows, COLUMNS, format))

    def _benchmarks(self, judge: Judge, slug: str | None) -> list[Benchmark]:
        ruled = Benchmark.objects.filter(prompts__matches__judgments__judge=judge).distinct().order_by("pk")
        if slug is None:
            return list(ruled)
        benchmark = benchmark_named(slug)
        if benchmark not in ruled:
            known = ", ".join(ruled.values_list("slug", flat=True)) or "none"
            raise CommandError(f"{judge} did not rule on {slug}. It ruled on: {known}.")
        return [benchmark]
