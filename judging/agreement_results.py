"""What a rule of agreement says, and how it comes from counts by prompt."""

from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judging import agreement_figures as figures
from judging.agreement_intervals import UNKNOWN, Estimate, estimate, estimate_share
from judging.agreement_tables import TORN, Floats, Opinions

MACRO = {
    "precision": figures.macro_precision,
    "recall": figures.macro_recall,
    "f1": figures.macro_f1,
}


@dataclass(frozen=True)
class Agreement:
    """What one rule says of one judge, and of people: ``human_*`` by the same rule, one person as the judge.

    ``judge`` and ``people`` hold the figures that the rule has, by name: agreement, kappa, ac1, alpha,
    precision, recall, f1, consistency.
    """

    rule: str
    against: str  # people, experts, or majority (of the votes on an item)
    n: int  # compared: pairs of an outcome and a vote, or items or readings under a majority rule
    agreed: float  # points; whole unless the rule gives halves
    inconsistent: int  # of the judge's items, whether or not people voted on them
    human_n: int
    human_agreed: float
    judge: dict[str, Estimate] = field(default_factory=dict)
    people: dict[str, Estimate] = field(default_factory=dict)

    def value(self, name: str, of: str = "judge") -> float | None:
        return getattr(self, of).get(name, UNKNOWN).value

    @property
    def agreement(self) -> float | None:
        return self.value("agreement")

    @property
    def human_agreement(self) -> float | None:
        return self.value("agreement", "people")

    @property
    def kappa(self) -> float | None:
        return self.value("kappa")

    def row(self) -> dict[str, Any]:
        """All figures side by side, as the shell prints them."""
        known = {name: value for name, value in asdict(self).items() if name not in ("judge", "people")}
        ends = self.judge.get("agreement", UNKNOWN), self.people.get("agreement", UNKNOWN)
        for prefix, end in zip(("", "human_"), ends, strict=True):
            known[f"{prefix}agreement"] = end.value
            known[f"{prefix}lower"], known[f"{prefix}upper"] = end.lower, end.upper
        return known | {name: self.value(name) for name in ("kappa", "ac1", "alpha", *MACRO)}


@dataclass(frozen=True, eq=False)
class Shares:
    """Points and how many they are of, by prompt (P,)."""

    points: Floats
    of: Floats

    @classmethod
    def of_tables(cls, tables: NDArray) -> "Shares":
        return cls(np.trace(tables, axis1=1, axis2=2), tables.sum((1, 2)))

    @property
    def estimate(self) -> Estimate:
        return estimate_share(self.points, self.of)


def beyond_chance(tables: NDArray, coincidences: NDArray) -> dict[str, Estimate]:
    """Cohen's kappa, Gwet's AC1 and Krippendorff's alpha of tables by prompt."""
    whole = tables.sum(0)
    labels = int(np.count_nonzero(whole.sum(0) + whole.sum(1)))
    return {
        "kappa": estimate(tables, figures.cohen_kappa, -1, 1),
        "ac1": estimate(tables, partial(figures.gwet_ac1, labels=labels), -1, 1),
        "alpha": estimate(coincidences, figures.krippendorff_alpha, -1, 1),
    }


def both_ways(tables: NDArray) -> NDArray:
    """Coincidences of pairs that are items of two labels each."""
    return tables + np.swapaxes(tables, 1, 2)


def macro_scores(tables: NDArray) -> dict[str, Estimate]:
    return {name: estimate(tables, figure, 0, 1) for name, figure in MACRO.items()}


def result(
    rule: str,
    against: str,
    opinions: Opinions,
    shares: tuple[Shares, Shares],
    judge: dict[str, Estimate] | None = None,
    people: dict[str, Estimate] | None = None,
) -> Agreement:
    """``shares`` of the judge and of people; further figures of both."""
    own, human = shares
    return Agreement(
        rule=rule,
        against=against,
        n=int(own.of.sum()),
        agreed=_points(own),
        inconsistent=int(np.count_nonzero(opinions.outcome == TORN)),
        human_n=int(human.of.sum()),
        human_agreed=_points(human),
        judge={"agreement": own.estimate} | (judge or {}),
        people={"agreement": human.estimate} | (people or {}),
    )


def _points(shares: Shares) -> float:
    points = float(shares.points.sum())
    return int(points) if points.is_integer() else points
