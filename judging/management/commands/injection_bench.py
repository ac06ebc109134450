"""``manage.py injection_bench JUDGE``: how often a judge is won over by texts that argue with it."""

import random
import sys

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from arena.management.named import benchmark_named
from arena.shell import FORMATS, format_rows
from judging.injections import INJECTIONS
from judging.management.named import judge_named
from judging.models import Judge
from judging.services.injecting import Resistance, measure_resistance, try_injections


class Command(BaseCommand):
    help = (
        "Attach each of our injection texts to answers that the judge rejects in both orders, and say how "
        "often its verdict flips, by kind. Nothing is stored."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("judge", help="the judge's name")
        parser.add_argument("--benchmark", help="slug; else matches of the open benchmarks")
        parser.add_argument("--matches", type=int, default=20, help="decided matches that are tried")
        parser.add_argument("--seed", type=int, default=0, help="of the choice of matches")
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, **options) -> None:
        judge = judge_named(options["judge"])
        if judge.engine not in (Judge.Engine.OPENAI, Judge.Engine.BASELINE):
            raise CommandError(f"{judge} cannot be asked from here: {judge.get_engine_display()}.")
        benchmark = benchmark_named(options["benchmark"]) if options["benchmark"] is not None else None
        rng, matches = random.Random(options["seed"]), options["matches"]  # noqa: S311 -- no secret hangs on it
        said = try_injections(judge, rng=rng, matches=matches, benchmark=benchmark)
        total = 2 * matches * len(INJECTIONS)
        try:
            rows = measure_resistance(tqdm(said, total=total, unit="trial", file=sys.stderr, disable=None))
        except (ValueError, TypeError, OSError) as error:
            raise CommandError(str(error)) from error
        if not rows[-1].trials:
            raise CommandError(
                f"{judge} decided none of the matches alike in both orders, so nothing was tried."
            )
        self.stdout.write(format_rows([row._asdict() for row in rows], Resistance._fields, options["format"]))
