"""What an answer's place does to a judge: consistency of its two orders, bias, first-slot preference."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arena.outcomes import Order, Verdict
from judging.agreement_intervals import UNKNOWN, Estimate, estimate, estimate_share
from judging.agreement_tables import (
    ABSENT,
    UNREAD,
    A,
    B,
    Floats,
    JudgmentRow,
    Opinions,
    PromptOf,
    gather,
    share,
)

_PAIRS, _SAME, _FIRST, _SECOND, _FIRSTS, _SECONDS = range(6)  # columns of the counts by prompt
_SCORE = np.array([1, 0, -1])  # of model_a, by label in match terms


@dataclass(frozen=True)
class PositionReport:
    """Shares are fractions of 1, and None where there is nothing to take them of.

    Rulings whose orders were folded elsewhere say nothing of places and are left out of everything;
    rulings of unknown order only enter ``judgments``, ``scored`` and ``coverage``.
    A *pair* is an item whose two orders were both read. ``estimates`` hold consistency, bias_first,
    bias_second, delta, first_share and first_preference with their intervals.
    """

    judgments: int
    scored: int
    coverage: float | None  # scored / judgments
    pairs: int
    consistent: int  # pairs that name the same winner (or a tie) in both orders
    consistency: float | None  # consistent / pairs
    bias_first: float | None  # share of pairs in which an answer fares better when shown first
    bias_second: float | None  # share of pairs in which it fares better when shown second
    delta: float | None  # how far apart the two are
    first: int  # how often each verdict was read, where the order is known
    second: int
    tie: int
    first_share: float | None  # of the decisive verdicts in pairs, those for the answer shown first
    first_preference: float | None  # log-odds of the same, ln((firsts + 1/2) / (seconds + 1/2))
    one_order: bool  # judged, and no item was asked in both orders
    estimates: dict[str, Estimate] = field(default_factory=dict)


def position_report(judgments: Sequence[JudgmentRow], prompt_of: PromptOf | None = None) -> PositionReport:
    """Measure one judge. Each (match, turn, order) stands in ``judgments`` at most once.

    ``first_share`` counts only items read in both orders: there every answer stands in both places once,
    so better answers cannot tilt it. ``bias_first``, ``bias_second`` and ``delta`` are JudgeLM's (Zhu et al.
    2023) biases toward 1st and 2nd and their difference; with ``consistency`` both biases sum to 1.
    """
    rows = [row for row in judgments if row.order != Order.FOLDED]
    scored = sum(1 for row in rows if row.verdict)
    said = Counter(row.verdict for row in rows if row.order in (Order.AB, Order.BA))
    opinions = gather([], [], rows, prompt_of)
    counts = _count_places(opinions)
    pairs, same, first, second, firsts, seconds = counts.sum(axis=0).tolist()
    estimates = _estimates(counts)
    asked = opinions.readings != ABSENT
    return PositionReport(
        judgments=len(rows),
        scored=scored,
        coverage=share(scored, len(rows)),
        pairs=pairs,
        consistent=same,
        consistency=share(same, pairs),
        bias_first=share(first, pairs),
        bias_second=share(second, pairs),
        delta=share(abs(first - second), pairs),
        first=said[Verdict.FIRST],
        second=said[Verdict.SECOND],
        tie=said[Verdict.TIE],
        first_share=share(firsts, firsts + seconds),
        first_preference=estimates["first_preference"].value,
        one_order=bool(asked.any() and not asked.all(axis=1).any()),
        estimates=estimates,
    )


def _count_places(opinions: Opinions) -> NDArray[np.intp]:
    """The six columns by prompt (P, 6)."""
    item = np.flatnonzero((opinions.readings < UNREAD).all(axis=1))
    ab, ba = opinions.readings[item].T
    # +: an answer fares better shown first; -: shown second; 0: the orders agree. Both answers of a match
    # give the same sign: model_a gains from AB what it has there beyond BA, model_b the reverse.
    gain = _SCORE[ab] - _SCORE[ba]
    firsts = (ab == A).astype(int) + (ba == B)
    seconds = (ab == B).astype(int) + (ba == A)
    columns = (np.ones(len(item)), gain == 0, gain > 0, gain < 0, firsts, seconds)
    return opinions.sums(item, *columns).astype(np.intp)


def _estimates(counts: NDArray[np.intp]) -> dict[str, Estimate]:
    pairs = counts[:, _PAIRS]
    lean = estimate(counts, lambda sums: _per_pair(sums[..., _FIRST] - sums[..., _SECOND], sums), -1, 1)
    return {
        "consistency": estimate_share(counts[:, _SAME], pairs),
        "bias_first": estimate_share(counts[:, _FIRST], pairs),
        "bias_second": estimate_share(counts[:, _SECOND], pairs),
        "delta": _without_sign(lean),
        "first_share": estimate_share(counts[:, _FIRSTS], counts[:, _FIRSTS] + counts[:, _SECONDS]),
        "first_preference": estimate(counts, _log_odds),
    }


def _per_pair(part: NDArray, sums: NDArray) -> Floats:
    pairs = sums[..., _PAIRS]
    return np.divide(part, pairs, out=np.full(np.shape(part), np.nan), where=pairs > 0)


def _log_odds(sums: NDArray) -> Floats:
    firsts, seconds = sums[..., _FIRSTS], sums[..., _SECONDS]
    return np.where(firsts + seconds > 0, np.log((firsts + 0.5) / (seconds + 0.5)), np.nan)


def _without_sign(lean: Estimate) -> Estimate:
    """The size of a difference; an interval of the difference that holds 0 reaches down to 0."""
    if lean.value is None:
        return UNKNOWN
    if lean.lower is None or lean.upper is None:
        return Estimate(abs(lean.value), None, None, lean.prompts)
    near, far = sorted((abs(lean.lower), abs(lean.upper)))
    return Estimate(abs(lean.value), 0.0 if lean.lower <= 0 <= lean.upper else near, far, lean.prompts)
