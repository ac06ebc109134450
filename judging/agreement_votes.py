"""Rules that let a judge's outcome meet each vote on its item."""

import numpy as np
from numpy.typing import NDArray

from judging.agreement_results import Agreement, Shares, beyond_chance, both_ways, result
from judging.agreement_tables import AB, BA, LABELS, TIE, TORN, B, Opinions, by_position


def each_vote(opinions: Opinions) -> Agreement:
    """Each scored outcome against each vote on its item, ties included.

    ``inconsistent`` is a label of its own, which no vote has, so it never agrees. Against each other,
    people are every pair of votes on one item.
    """
    return _compared("each-vote", "people", opinions, judged_tables(opinions))


def mtbench_s1(opinions: Opinions) -> Agreement:
    """MT-bench's setup S1 (Zheng et al. 2023, Table 5): as each-vote, but inconsistent counts as a tie.

    The authors' own votes are left out.
    """
    opinions = opinions.voted(~opinions.author)
    return _compared("mtbench-s1", _crowd(opinions), opinions, _torn_as_tie(judged_tables(opinions)))


def mtbench_s2(opinions: Opinions) -> Agreement:
    """MT-bench's setup S2: only where neither side says tie or is inconsistent. Authors are left out."""
    opinions = opinions.voted(~opinions.author & (opinions.vote != TIE))
    tables = judged_tables(opinions)
    tables[:, [TIE, TORN]] = 0
    return _compared("mtbench-s2", _crowd(opinions), opinions, tables)


def judged_tables(opinions: Opinions) -> NDArray:
    """How often the judge's label (rows) met a vote's, by prompt; by position as the voter saw the pair."""
    said = opinions.outcome[opinions.item]
    kept = said <= TORN
    shown, item = opinions.shown[kept], opinions.item[kept]
    labels = by_position(said[kept], shown), by_position(opinions.vote[kept], shown)
    return opinions.tables(item, *labels)


def paired_tables(opinions: Opinions) -> tuple[NDArray, NDArray]:
    """Every ordered pair of votes on an item by prompt, each read as its first voter saw it: tables, and
    coincidences, in which an item with m votes weighs m instead of m (m - 1).
    """
    size = len(opinions.items)
    own = np.zeros((size, 2, LABELS))
    np.add.at(own, (opinions.item, opinions.shown, by_position(opinions.vote, opinions.shown)), 1)
    everybody = own.copy()  # as read in each order
    for order in (AB, BA):
        everybody[:, order, : B + 1] += own[:, 1 - order, B::-1]
    pairs = np.einsum("iol,iom->ilm", own, everybody)
    at = np.arange(LABELS)
    pairs[:, at, at] -= own.sum(axis=1)  # nobody pairs with oneself
    others = np.maximum(own.sum((1, 2)) - 1, 1)
    cells = [pairs, (pairs + pairs.transpose(0, 2, 1)) / 2 / others[:, None, None]]
    sums = [opinions.sums(np.arange(size), *each.reshape(size, LABELS**2).T) for each in cells]
    tables, coincidences = (each.reshape(-1, LABELS, LABELS) for each in sums)
    return tables, coincidences


def _compared(rule: str, against: str, opinions: Opinions, tables: NDArray) -> Agreement:
    pairs, coincidences = paired_tables(opinions)
    people = Shares.of_tables(pairs / 2)  # each two people once
    return result(
        rule,
        against,
        opinions,
        (Shares.of_tables(tables), people),
        beyond_chance(tables, both_ways(tables)),
        beyond_chance(pairs, coincidences),
    )


def _torn_as_tie(tables: NDArray) -> NDArray:
    tables = tables.copy()
    tables[:, TIE] += tables[:, TORN]
    tables[:, TORN] = 0
    return tables


def _crowd(opinions: Opinions) -> str:
    return "experts" if opinions.expert.any() else "people"
