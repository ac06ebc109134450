"""What the rules of agreement count with: rows, labels by position, figures of a table of label pairs."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from arena.outcomes import INCONSISTENT, Order, Verdict, Winner, verdict_of


class RulingRow(NamedTuple):
    """A judge's outcome on one item, one row an item: a Winner, ``inconsistent``, or None (unscored)."""

    item: Hashable
    outcome: str | None
    order: str  # what the judge saw; FOLDED or UNKNOWN when it saw both orders or nobody knows


class VoteRow(NamedTuple):
    """One person's vote on one item. ``voter`` is a name or key that nobody else has."""

    item: Hashable
    voter: str
    role: str
    winner: str  # a Winner
    order: str  # what the voter saw


Table = Counter[tuple[str, str]]  # (one side's label, the other's) -> how often


def read_by_position(outcome: str, order: Order) -> str:
    """A winner as first, second or tie; ``inconsistent`` stays itself."""
    return INCONSISTENT if outcome == INCONSISTENT else verdict_of(Winner(outcome), order)


def frame_order(order: str, fallback: str) -> Order:
    """``order`` where it says which answer stood first, else ``fallback``."""
    return Order(order if order in (Order.AB, Order.BA) else fallback)


def tie_if_inconsistent(label: str) -> str:
    return Verdict.TIE if label == INCONSISTENT else label


def tie_if_both_bad(winner: str) -> str:
    return Winner.TIE if winner == Winner.BOTH_BAD else winner


def group_by_item(votes: Iterable[VoteRow]) -> dict[Hashable, list[VoteRow]]:
    groups: defaultdict[Hashable, list[VoteRow]] = defaultdict(list)
    for vote in votes:
        groups[vote.item].append(vote)
    return dict(groups)


def agreeing(table: Table) -> int:
    return sum(count for (one, other), count in table.items() if one == other)


def cohen_kappa(table: Table) -> float | None:
    """(p - e) / (1 - e): p the share of equal labels, e the share that both margins lead one to expect.

    None without labels, or when both sides use a single common one (e = 1). Cohen (1960).
    """
    n = table.total()
    rows, columns = _margins(table)
    by_chance = sum(rows[label] * columns[label] for label in rows)  # e * n^2, a whole number
    if by_chance == n * n:
        return None
    return (n * agreeing(table) - by_chance) / (n * n - by_chance)


def macro_scores(table: Table) -> tuple[float, float, float] | None:
    """Precision, recall and F1 of the first label for the second, each the plain mean over three verdicts."""
    if not table:
        return None
    said, meant = _margins(table)
    precision = recall = f1 = 0.0
    for label in Verdict:
        hits = table[label, label]
        precision += share(hits, said[label]) or 0.0
        recall += share(hits, meant[label]) or 0.0
        # 2pr / (p + r), the harmonic mean of the two, with the common factors cancelled.
        f1 += share(2 * hits, said[label] + meant[label]) or 0.0
    return precision / 3, recall / 3, f1 / 3


def share(part: int | None, whole: int | None) -> float | None:
    """part / whole, or None where there is no whole."""
    return part / whole if part is not None and whole else None


def _margins(table: Table) -> tuple[Counter[str], Counter[str]]:
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (row, column), count in table.items():
        rows[row] += count
        columns[column] += count
    return rows, columns
