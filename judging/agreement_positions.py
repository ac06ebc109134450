"""What an answer's place does to a judge: consistency of its two orders, bias, first-slot preference."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from arena.outcomes import Order, Verdict
from judging.agreement_tables import share

_SCORE = {Verdict.FIRST: 1, Verdict.TIE: 0, Verdict.SECOND: -1}  # of the answer shown first


class JudgmentRow(NamedTuple):
    """One judgment: its item (match and turn), the order shown, and the verdict by position or None."""

    match: Hashable
    turn: int | None
    order: str
    verdict: Verdict | None


@dataclass(frozen=True)
class PositionReport:
    """Shares are fractions of 1, and None where there is nothing to take them of.

    Rulings whose orders were folded elsewhere say nothing of places and are left out of everything;
    rulings of unknown order only enter ``judgments``, ``scored`` and ``coverage``.
    A *pair* is an item whose two orders were both read.
    """

    judgments: int
    scored: int
    coverage: float | None  # scored / judgments
    pairs: int
    consistent: int  # pairs that name the same winner (or a tie) in both orders
    consistency: float | None  # consistent / pairs
    bias_first: float | None  # share of pairs in which an answer fares better when shown first
    bias_second: float | None  # share of pairs in which it fares better when shown second
    first: int  # how often each verdict was read, where the order is known
    second: int
    tie: int
    first_share: float | None  # of the decisive verdicts in pairs, those for the answer shown first
    first_preference: float | None  # log-odds of the same, ln((firsts + 1/2) / (seconds + 1/2))
    one_order: bool  # judged, and no item was asked in both orders


def position_report(judgments: Sequence[JudgmentRow]) -> PositionReport:
    """Measure one judge. Each (match, turn, order) stands in ``judgments`` at most once.

    ``first_share`` counts only items read in both orders: there every answer stands in both places once,
    so better answers cannot tilt it. ``bias_first`` and ``bias_second`` are JudgeLM's (Zhu et al. 2023)
    biases toward 1st and 2nd; with ``consistency`` they sum to 1.
    """
    rows = [row for row in judgments if row.order != Order.FOLDED]
    scored = sum(1 for row in rows if row.verdict)
    placed = [row for row in rows if row.order in (Order.AB, Order.BA)]
    said = Counter(row.verdict for row in placed)
    asked = _by_item(placed)
    both = [(own[Order.AB], own[Order.BA]) for own in asked.values() if len(own) == 2]
    pairs = [(Verdict(ab), Verdict(ba)) for ab, ba in both if ab and ba]
    # +: an answer fares better shown first; -: shown second; 0: the orders agree. Both answers of a match
    # give the same sign: answer_a scores s(AB) shown first and -s(BA) shown second, answer_b the reverse.
    gains = [_SCORE[ab] + _SCORE[ba] for ab, ba in pairs]
    in_pairs = Counter(verdict for pair in pairs for verdict in pair)
    firsts, seconds = in_pairs[Verdict.FIRST], in_pairs[Verdict.SECOND]
    consistent = gains.count(0)
    return PositionReport(
        judgments=len(rows),
        scored=scored,
        coverage=share(scored, len(rows)),
        pairs=len(pairs),
        consistent=consistent,
        consistency=share(consistent, len(pairs)),
        bias_first=share(sum(gain > 0 for gain in gains), len(pairs)),
        bias_second=share(sum(gain < 0 for gain in gains), len(pairs)),
        first=said[Verdict.FIRST],
        second=said[Verdict.SECOND],
        tie=said[Verdict.TIE],
        first_share=share(firsts, firsts + seconds),
        first_preference=log((firsts + 0.5) / (seconds + 0.5)) if firsts + seconds else None,
        one_order=bool(placed) and not both,
    )


def _by_item(rows: Iterable[JudgmentRow]) -> dict[tuple[Hashable, int | None], dict[str, Verdict | None]]:
    items: defaultdict[tuple[Hashable, int | None], dict[str, Verdict | None]] = defaultdict(dict)
    for row in rows:
        items[row.match, row.turn][row.order] = row.verdict
    return dict(items)
