"""``manage.py judge --judge NAME``: judge now, in this process."""

import socket
import sys
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from arena import jobs
from arena.management.named import benchmark_named
from arena.models import Benchmark, Job
from judging.management.named import judge_named
from judging.models import Judge
from judging.services.budgets import budget_in_words
from judging.services.estimating import Estimate, estimate
from judging.services.judging import Tally, judge_pending, kind_of, plan_judging


class Command(BaseCommand):
    help = (
        "Let a judge rule on the matches that it has not ruled on: of the open benchmarks, or of one named."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--judge", required=True, help="the judge's name")
        parser.add_argument("--benchmark", help="slug; a closed benchmark is judged only when it is named")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what it would take, in matches, tokens, money and time",
        )
        parser.add_argument("--retry-failed", action="store_true", help="give failed matches new attempts")

    def handle(self, **options) -> None:
        judge = judge_named(options["judge"])
        if judge.engine == Judge.Engine.RECORDED:
            raise CommandError(
                f"{judge} is a recorded judge: its rulings were imported, it cannot rule on more."
            )
        benchmark = benchmark_named(options["benchmark"]) if options["benchmark"] is not None else None
        if options["dry_run"]:
            self.stdout.write(told(judge, estimate(judge, benchmark)))
            return
        if options["retry_failed"]:
            jobs.retry_failed(kind_of(benchmark), judge.pk)
        if judge.engine == Judge.Engine.VLLM:
            raise CommandError(
                f"{judge} is served by vLLM: a worker with VLLM_PYTHON judges by itself what is pending."
            )
        while plan_judging(judge, benchmark=benchmark):
            pass
        self._run(judge, benchmark)

    def _run(self, judge: Judge, benchmark: Benchmark | None) -> None:
        mine = Job.objects.filter(kind=kind_of(benchmark), owner=judge.pk)
        waiting = mine.unfinished()
        total = Tally()
        with tqdm(total=waiting.count(), unit="match", file=sys.stderr, disable=None) as bar:
            for tally in judge_pending(judge, worker=f"shell@{socket.gethostname()}", benchmark=benchmark):
                total += tally
                bar.update(tally.done + tally.failed)
        left = waiting.count()
        self.stdout.write(
            f"{judge}: {total.done} matches judged ({total.judgments} judgments), "
            f"{total.failed} failed, {left} left."
        )
        failure = mine.exclude(error="").order_by("-id").first()
        if (total.failed or total.retried) and failure:
            raise CommandError(f"Last failure: {failure.error} ({failure.error_code})")


def told(judge: Judge, found: Estimate) -> str:
    """An estimate in lines."""
    basis = "by the mean of its rulings" if found.measured else "by the prompts’ lengths; out at most"
    if judge.engine == Judge.Engine.PANEL:
        basis = "its members have ruled already"
    ranked = "" if found.requests == found.rulings else f" for {found.rulings:,} rulings, many at once"
    rows = [
        ("matches", f"{found.matches:,} ({found.planned:,} to plan, {found.waiting:,} planned before)"),
        ("requests", f"{found.requests:,}{ranked}"),
        ("tokens", f"{_number(found.tokens_in)} in, {_number(found.tokens_out)} out ({basis})"),
        ("cost", "unknown: no prices, or no tokens" if found.cost is None else f"{found.cost:,.4f}"),
        ("time", "unknown: it has not ruled on enough yet" if found.seconds is None else _time(found)),
        ("budget", budget_in_words(judge)),
    ]
    return "\n".join([str(judge), *(f"  {name:<9} {text}" for name, text in rows)])


def _number(tokens: float | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,.0f}"


def _time(found: Estimate) -> str:
    span = timedelta(seconds=round(found.seconds or 0))
    return f"{span} at {found.rate:,.2f} rulings a second, as in its latest run"
