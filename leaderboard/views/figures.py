"""A judge's report on one benchmark in the shape that pages show."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from arena.models import Benchmark
from judging.models import Judge
from leaderboard.models import JudgeReport
from leaderboard.views.estimates import NOTHING, Shown, read_estimate
from leaderboard.views.formats import decimal, percent

ENOUGH = 30  # comparisons with people below which a judge is not called the best


SHARES = {"agreement", "precision", "recall", "f1", "consistency"}  # of a rule's figures; others are -1 to 1


@dataclass(frozen=True)
class Rule:
    """What one rule says of a judge and of people; figures by name, unknown where the rule has none."""

    name: str
    n: int
    agreed: float
    inconsistent: int
    human_n: int
    human_agreed: float
    judge: dict[str, Shown]
    people: dict[str, Shown]

    def of_judge(self, figure: str) -> Shown:
        return self.judge.get(figure, NOTHING)

    def of_people(self, figure: str) -> Shown:
        return self.people.get(figure, NOTHING)

    @property
    def agreement(self) -> float | None:
        return self.agreed / self.n if self.n else None

    @property
    def human_agreement(self) -> float | None:
        return self.human_agreed / self.human_n if self.human_n else None

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
        return self.of_judge("kappa").words

    @property
    def human_kappa_words(self) -> str:
        return self.of_people("kappa").words

    @property
    def interval(self) -> tuple[float, float] | None:
        return self.of_judge("agreement").ends

    @property
    def interval_words(self) -> str:
        return self.of_judge("agreement").interval_words

    @property
    def human_interval_words(self) -> str:
        return self.of_people("agreement").interval_words


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
    kept: dict[str, Any] = field(default_factory=dict)  # the whole report

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
        each_vote=read_rule("each-vote", rules.get("each-vote") or {}),
        first_setup=read_rule("mtbench-s1", rules.get("mtbench-s1") or {}),
        second_setup=read_rule("mtbench-s2", rules.get("mtbench-s2") or {}),
        position=report.figures.get("position") or {},
        items=report.figures.get("items") or 0,
        unscored_items=report.figures.get("unscored") or 0,
        spearman=correlation.get("spearman"),
        correlated=correlation.get("n") or 0,
        shared={int(key): (row["n"], row["agreed"]) for key, row in report.figures.get("judges", {}).items()},
        kept=report.figures,
    )


def read_rule(name: str, row: dict[str, Any]) -> Rule:
    counts = ("n", "agreed", "inconsistent", "human_n", "human_agreed")
    values: dict[str, Any] = {key: row.get(key) or 0 for key in counts}
    for side in ("judge", "people"):
        kept = row.get(side) or {}
        values[side] = {
            figure: read_estimate(each, is_share=figure in SHARES) for figure, each in kept.items()
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
