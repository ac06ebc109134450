"""Rules that know one right label an item: here what more than half of its votes say.

Benchmarks of judges have one recorded label; a benchmark with votes has their majority, and items without one
are left out. People's own figure holds each vote against the majority of the other votes on its item.
"""

import numpy as np
from numpy.typing import NDArray

from judging.agreement_results import (
    Agreement,
    Shares,
    beyond_chance,
    both_ways,
    macro_scores,
    result,
)
from judging.agreement_tables import (
    ABSENT,
    POINTS,
    TIE,
    TORN,
    UNREAD,
    A,
    B,
    Indices,
    Mask,
    Opinions,
    by_position,
)

NONE = -1  # no majority


def pandalm(opinions: Opinions) -> Agreement:
    """PandaLM's rule: the outcome against the majority of the votes on its item.

    Unread text counts as a tie, which is the rule of that paper and of JudgeLM's and of no other's here; so
    does ``inconsistent``. Precision, recall and F1 are unweighted means over first, second and tie; a term
    whose class is empty counts as 0.
    """
    right = majority(opinions.votes_for())
    item = np.flatnonzero((right != NONE) & (opinions.outcome != ABSENT))
    frame = opinions.frame[item]
    said = by_position(_tie_unless_decided(opinions.outcome[item]), frame)
    return _labelled("pandalm", opinions, opinions.tables(item, said, by_position(right[item], frame)))


def judgelm(opinions: Opinions) -> Agreement:
    """JudgeLM's rule (Zhu et al. 2023): each ruling in the order that was asked, otherwise as PandaLM's.

    The paper measures one order; where both were asked, both count, each by itself. A ruling folded elsewhere
    counts once.
    """
    right = majority(opinions.votes_for())
    item, order, said = _rulings(opinions)
    kept = right[item] != NONE
    item, order, said = item[kept], order[kept], _tie_unless_decided(said[kept])
    tables = opinions.tables(item, by_position(said, order), by_position(right[item], order))
    return _labelled("judgelm", opinions, tables)


def auto_j(opinions: Opinions) -> Agreement:
    """Auto-J's rule (Li et al. 2023): right when both orders name the right label; consistent when alike."""
    right = majority(opinions.votes_for())
    item = np.flatnonzero(_in_both_orders(opinions) & (right != NONE))
    hits = (opinions.readings[item] == right[item, None]).all(axis=1)
    voted, vote, others = _others(opinions)
    people = Shares(*opinions.sums(voted, vote == others, np.ones(len(voted))).T)
    return _of_both_orders("auto-j", opinions, item, hits, people)


def judgebench(opinions: Opinions) -> Agreement:
    """JudgeBench's rule (Tan et al. 2024): an order for the right answer +1, for the wrong one -1, else 0;
    right when the sum is above 0. Items that people call a tie are left out.
    """
    item, right = _decisive_items(opinions)
    said = opinions.readings[item]
    hits = ((said == right[:, None]).sum(1) - (said == (B - right)[:, None]).sum(1)) > 0
    return _of_both_orders("judgebench", opinions, item, hits, _decisive_people(opinions))


def llmbar(opinions: Opinions) -> Agreement:
    """LLMBar's rule (Zeng et al. 2023): mean accuracy over both orders; consistent when they are alike.

    Items that people call a tie are left out; a judge's tie is wrong.
    """
    item, right = _decisive_items(opinions)
    hits = (opinions.readings[item] == right[:, None]).mean(axis=1)
    return _of_both_orders("llmbar", opinions, item, hits, _decisive_people(opinions))


def rewardbench(opinions: Opinions) -> Agreement:
    """RewardBench's rule (Lambert et al. 2024): one order; a tie or an unread ruling is worth one half.

    Where both orders were asked each counts by itself: what one at random would give on average. Items that
    people call a tie are left out.
    """
    right = majority(opinions.votes_for())
    item, _, said = _rulings(opinions)
    kept = (right[item] == A) | (right[item] == B)
    item, said = item[kept], said[kept]
    points = np.where(said <= TORN, POINTS[np.minimum(said, TORN)], 0.5)
    own = Shares(*opinions.sums(item, np.where(right[item] == A, points, 1 - points), np.ones(len(item))).T)
    people = _decisive_people(opinions, tie=0.5)
    return result("rewardbench", "majority", opinions, (own, people))


def alpacaeval(opinions: Opinions) -> Agreement:
    """AlpacaEval's rule (Dubois et al. 2023): 1 less the mean distance of the judge's points from those of
    the majority, one vote left out; a tie is worth one half. Unread rulings are left out.
    """
    item, vote, others = _others(opinions)
    said = opinions.outcome[item]
    kept = said <= TORN
    near = 1 - np.abs(POINTS[np.minimum(said, TORN)] - POINTS[others])
    own = Shares(*opinions.sums(item[kept], near[kept], np.ones(np.count_nonzero(kept))).T)
    people = Shares(*opinions.sums(item, 1 - np.abs(POINTS[vote] - POINTS[others]), np.ones(len(item))).T)
    return result("alpacaeval", "majority", opinions, (own, people))


def majority(votes_for: Indices) -> Indices:
    """The label that more than half of the votes name, or NONE; from counts of A, tie and B (..., 3)."""
    most = votes_for.argmax(axis=-1)
    return np.where(2 * votes_for.max(axis=-1) > votes_for.sum(axis=-1), most, NONE)


def _rulings(opinions: Opinions) -> tuple[Indices, Indices, Indices]:
    """(item, order, label or UNREAD) of each ruling in one order, and of those that are known only as one."""
    item, order = np.nonzero(opinions.readings != ABSENT)
    alone = np.flatnonzero((opinions.readings == ABSENT).all(axis=1) & (opinions.outcome != ABSENT))
    return (
        np.concatenate([item, alone]),
        np.concatenate([order, opinions.frame[alone]]),
        np.concatenate([opinions.readings[item, order], opinions.outcome[alone]]),
    )


def _in_both_orders(opinions: Opinions) -> Mask:
    return (opinions.readings != ABSENT).all(axis=1)


def _decisive_items(opinions: Opinions) -> tuple[Indices, Indices]:
    """(items asked in both orders that people decide, the right answer of each)."""
    right = majority(opinions.votes_for())
    item = np.flatnonzero(_in_both_orders(opinions) & ((right == A) | (right == B)))
    return item, right[item]


def _others(opinions: Opinions) -> tuple[Indices, Indices, Indices]:
    """(item, vote, majority of the other votes on it) of each vote for which there is one."""
    left = opinions.votes_for()[opinions.item]
    left[np.arange(len(left)), opinions.vote] -= 1
    others = majority(left)
    kept = others != NONE
    return opinions.item[kept], opinions.vote[kept], others[kept]


def _decisive_people(opinions: Opinions, tie: float = 0.0) -> Shares:
    """Votes against what the others decide; ``tie`` are the points of a vote for neither."""
    item, vote, others = _others(opinions)
    kept = others != TIE
    item, vote, others = item[kept], vote[kept], others[kept]
    points = np.where(vote == TIE, tie, vote == others)
    return Shares(*opinions.sums(item, points, np.ones(len(item))).T)


def _tie_unless_decided(said: Indices) -> Indices:
    return np.where((said == A) | (said == B), said, TIE)


def _labelled(rule: str, opinions: Opinions, tables: NDArray) -> Agreement:
    item, vote, others = _others(opinions)
    frame = opinions.frame[item]
    people = opinions.tables(item, by_position(vote, frame), by_position(others, frame))
    shares = Shares.of_tables(tables), Shares.of_tables(people)
    found = [macro_scores(each) | beyond_chance(each, both_ways(each)) for each in (tables, people)]
    return result(rule, "majority", opinions, shares, *found)


def _of_both_orders(rule: str, opinions: Opinions, item: Indices, hits: NDArray, people: Shares) -> Agreement:
    ones = np.ones(len(item))
    said = opinions.readings[item]
    alike = (said[:, 0] == said[:, 1]) & (said[:, 0] < UNREAD)
    own = Shares(*opinions.sums(item, hits, ones).T)
    consistency = Shares(*opinions.sums(item, alike, ones).T).estimate
    return result(rule, "majority", opinions, (own, people), {"consistency": consistency})
