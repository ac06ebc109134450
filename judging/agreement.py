"""How far a judge agrees with people, by the rules of many sources, and how far people agree with each other.

An *item* is a match at one turn. Judges' outcomes and people's votes name winners in the match's own
terms. Where a figure needs labels (kappa and its like; precision, recall, F1), they are first, second and tie
by position as the voter saw the pair, the judge's outcome included. If the voter's order is not known,
the judge's stands in, and if that is not known either, answer_a counts as first. ``both_bad`` is a tie in
every rule. Shares are fractions of 1; a figure without anything to measure is None, never 0.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan

import numpy as np

from judging import agreement_majority, agreement_votes
from judging.agreement_figures import cohen_kappa
from judging.agreement_intervals import Estimate
from judging.agreement_positions import PositionReport, position_report
from judging.agreement_results import Agreement
from judging.agreement_tables import (
    AB,
    LABELS,
    Indices,
    JudgmentRow,
    Opinions,
    PromptOf,
    RulingRow,
    VoteRow,
    gather,
    order_of,
    read,
)

__all__ = [
    "RULES",
    "Agreement",
    "Estimate",
    "JudgmentRow",
    "Opinions",
    "PositionReport",
    "PromptOf",
    "RulingRow",
    "VoteRow",
    "VoterPair",
    "agree",
    "agree_by_category",
    "between_voters",
    "gather",
    "position_report",
]

RULES: dict[str, Callable[[Opinions], Agreement]] = {
    "each-vote": agreement_votes.each_vote,
    "mtbench-s1": agreement_votes.mtbench_s1,
    "mtbench-s2": agreement_votes.mtbench_s2,
    "pandalm": agreement_majority.pandalm,
    "judgelm": agreement_majority.judgelm,
    "auto-j": agreement_majority.auto_j,
    "judgebench": agreement_majority.judgebench,
    "llmbar": agreement_majority.llmbar,
    "rewardbench": agreement_majority.rewardbench,
    "alpacaeval": agreement_majority.alpacaeval,
}


@dataclass(frozen=True)
class VoterPair:
    """Two voters, by name, and their agreement on the ``n`` items that both voted on."""

    first: str
    second: str
    n: int
    agreement: float
    kappa: float | None


def agree(
    rule: str,
    rulings: Sequence[RulingRow],
    votes: Sequence[VoteRow],
    judgments: Iterable[JudgmentRow] = (),
    prompt_of: PromptOf | None = None,
) -> Agreement:
    """What one of RULES says. ``judgments`` tell both orders apart; ``prompt_of`` is for intervals."""
    return RULES[rule](gather(rulings, votes, judgments, prompt_of))


def agree_by_category(
    rule: str, opinions: Opinions, prompts_of: Mapping[str, Collection[Hashable]], prompt_of: PromptOf
) -> dict[str, Agreement]:
    """What a rule says of the items of some prompts only, by the name of the category that holds them."""
    prompts = [prompt_of(item) for item in opinions.items]
    found = {}
    for name, own in prompts_of.items():
        kept = np.array([prompt in own for prompt in prompts], bool)
        found[name] = RULES[rule](opinions.within(kept))
    return found


def between_voters(votes: Sequence[VoteRow], minimum: int = 20) -> list[VoterPair]:
    """Agreement of each two voters with ``minimum`` items in common; most in common first, then by name.

    Kappa's labels are by position as the first of the two saw the pair.
    """
    by_item: defaultdict[Hashable, list[VoteRow]] = defaultdict(list)
    for vote in votes:
        by_item[vote.item].append(vote)
    tables: defaultdict[tuple[str, str], Indices] = defaultdict(lambda: np.zeros((LABELS, LABELS), np.intp))
    for own in by_item.values():
        for one, other in combinations(sorted(own, key=lambda vote: vote.voter), 2):
            if one.voter != other.voter:
                order = order_of(one.order, order_of(other.order, AB))
                tables[one.voter, other.voter][read(one.winner, order), read(other.winner, order)] += 1
    pairs = []
    for (first, second), table in tables.items():
        if table.sum() >= max(minimum, 1):
            kappa = float(cohen_kappa(table))
            alike = float(np.trace(table) / table.sum())
            pairs.append(VoterPair(first, second, int(table.sum()), alike, None if isnan(kappa) else kappa))
    return sorted(pairs, key=lambda pair: (-pair.n, pair.first, pair.second))
