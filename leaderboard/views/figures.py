"""A judge's report on one benchmark in the shape that pages show."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from arena.models import Benchmark
from judging.models import Judge
from leaderboard.charts import wilson
from leaderboard.models import JudgeReport
from leaderboard.views.formats import NBSP, decimal, percent

ENOUGH = 30  # comparisons with people below which a judge is not called the best


@dataclass(frozen=True)
class Rule:
    """One way of counting agreement; shares are fractions of 1, null where there is nothing to count."""

    name: str
    n: int
    agreed: int
    agreement: float | None
    kappa: float | None
    inconsistent: int
    human_n: int
    human_agreed: int
    human_agreement: float | None

    @property
    def percent(self) -> str:
        return percent(self.agreement)

    @property
    def human_percent(self) -> str:
        return percent(self.human_agreement)

    @property
    def count(self) -> str:
        return f"{self.n:,}"

    @property
    def human_count(self) -> str:
        return f"{self.human_n:,}"

    @property
    def kappa_words(self) -> str:
        return decimal(self.kappa)

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.agreed, self.n)

    @property
    def interval_words(self) -> str:
        ends = self.interval
        return f"{100 * ends[0]:.0f}–{100 * ends[1]:.0f}{NBSP}%" if ends else ""


@dataclass(frozen=True)
class Figures:
    """What is known of ``judge`` on ``benchmark``. ``position`` is the report's own dictionary."""

    judge: Judge
    benchmark: Benchmark
    each_vote: Rule
    first_setup: Rule
    second_setup: Rule
    position: dict[str, Any]
    items: int
    unscored_items: int
    spearman: float | None
    correlated: int
    shared: dict[int, tuple[int, int]]  # by another judge's id: items that both ruled on, and agreed on

    @property
    def judgments(self) -> int:
        """Rulings with a text or verdict of their own; those folded elsewhere are not among them."""
        return self.position.get("judgments") or 0

    @property
    def unscored(self) -> int:
        return self.judgments - (self.position.get("scored") or 0)

    @property
    def is_unread(self) -> bool:
        """It ruled, and not one ruling could be read."""
        return self.judgments > 0 and self.unscored == self.judgments

    @property
    def coverage(self) -> str:
        """Never rounded up to 100 %."""
        share = self.position.get("coverage")
        return percent(share, 1) if share is not None and 0.99 <= share < 0.9995 else percent(share)

    @property
    def votes(self) -> str:
        return self.each_vote.count

    @property
    def judged(self) -> str:
        """Matches (at each turn) that it ruled on, in whatever order."""
        return f"{self.items:,}"

    @property
    def consistency(self) -> str:
        return percent(self.position.get("consistency"))

    @property
    def first_share(self) -> str:
        return percent(self.position.get("first_share"))

    @property
    def bias_first(self) -> str:
        return percent(self.position.get("bias_first"))

    @property
    def bias_second(self) -> str:
        return percent(self.position.get("bias_second"))

    @property
    def counts(self) -> dict[str, str]:
        """The report's counts as they are written."""
        return {name: f"{value:,}" for name, value in self.position.items() if type(value) is int}

    @property
    def unscored_words(self) -> str:
        return f"{self.unscored:,}"

    @property
    def inconsistent_share(self) -> str:
        number = self.each_vote.inconsistent
        return percent(number / self.items) if number and self.items else ""

    @property
    def spearman_words(self) -> str:
        return decimal(self.spearman)

    @property
    def is_one_order(self) -> bool:
        return bool(self.position.get("one_order"))


def read_report(report: JudgeReport, judge: Judge, benchmark: Benchmark) -> Figures:
    rules = report.figures.get("rules", {})
    correlation = report.figures.get("correlation") or {}
    return Figures(
        judge=judge,
        benchmark=benchmark,
        each_vote=_rule("each-vote", rules),
        first_setup=_rule("mtbench-s1", rules),
        second_setup=_rule("mtbench-s2", rules),
        position=report.figures.get("position") or {},
        items=report.figures.get("items") or 0,
        unscored_items=report.figures.get("unscored") or 0,
        spearman=correlation.get("spearman"),
        correlated=correlation.get("n") or 0,
        shared={int(key): (row["n"], row["agreed"]) for key, row in report.figures.get("judges", {}).items()},
    )


def _rule(name: str, rules: dict[str, dict[str, Any]]) -> Rule:
    row = rules.get(name) or {}
    counts = ("n", "agreed", "inconsistent", "human_n", "human_agreed")
    shares = ("agreement", "kappa", "human_agreement")
    values: dict[str, Any] = {key: row.get(key) or 0 for key in counts} | {
        key: row.get(key) for key in shares
    }
    return Rule(name=name, **values)


def figures_of(benchmark: Benchmark) -> list[Figures]:
    """Every judge's figures on a benchmark, the one that agrees best with people first.

    A judge that met few votes stands after those that met enough, whatever its share.
    """
    rows = [
        read_report(report, report.judge, benchmark) for report in JudgeReport.objects.of_benchmark(benchmark)
    ]
    return sorted(rows, key=_by_agreement, reverse=True)


def _by_agreement(row: Figures) -> tuple[bool, float, int]:
    rule = row.each_vote
    return rule.n >= ENOUGH, -1.0 if rule.agreement is None else rule.agreement, rule.n


def people_agree(rows: Iterable[Figures]) -> Rule | None:
    """A rule row that knows how often two people agree on the benchmark; the same in every report."""
    known = [row.each_vote for row in rows if row.each_vote.human_agreement is not None]
    return max(known, key=lambda rule: rule.human_n, default=None)
