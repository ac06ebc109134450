"""How far a judge agrees with people, by the rules of four sources, and how far people agree with each other.

An *item* is a match at one turn. Judges' outcomes and people's votes name winners in the match's own
terms. Where a figure needs labels (Cohen's kappa; precision, recall, F1), they are first, second and tie
by position as the voter saw the pair, the judge's outcome included. If the voter's order is not known,
the judge's stands in, and if that is not known either, answer_a counts as first. ``both_bad`` is a tie in
every rule. Shares are fractions of 1; a figure without anything to measure is None, never 0.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from arena.outcomes import INCONSISTENT, Verdict, Winner
from judging.agreement_positions import JudgmentRow, PositionReport, position_report
from judging.agreement_tables import (
    RulingRow,
    Table,
    VoteRow,
    agreeing,
    cohen_kappa,
    frame_order,
    group_by_item,
    macro_scores,
    read_by_position,
    share,
    tie_if_both_bad,
    tie_if_inconsistent,
)

__all__ = [
    "RULES",
    "Agreement",
    "JudgmentRow",
    "PositionReport",
    "RulingRow",
    "VoteRow",
    "VoterPair",
    "between_voters",
    "cohen_kappa",
    "position_report",
]


@dataclass(frozen=True)
class Agreement:
    """What one rule says of one judge. ``human_*`` hold voters against each other by the same rule."""

    rule: str
    against: str  # people, experts, or majority (of the votes on an item)
    n: int  # compared: pairs of an outcome and a vote, or items under a majority rule
    agreed: int
    agreement: float | None
    kappa: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    inconsistent: int  # of the judge's items, whether or not people voted on them
    human_n: int | None
    human_agreed: int | None
    human_agreement: float | None


@dataclass(frozen=True)
class VoterPair:
    """Two voters, by name, and their agreement on the ``n`` items that both voted on."""

    first: str
    second: str
    n: int
    agreement: float
    kappa: float | None


def each_vote(rulings: Sequence[RulingRow], votes: Sequence[VoteRow]) -> Agreement:
    """Each scored outcome against each vote on its item, ties included.

    ``inconsistent`` is a label of its own, which no vote has, so it never agrees. Against each other,
    people are every pair of votes on one item.
    """
    table = Counter(_labels(rulings, votes))
    return _result("each-vote", "people", table, rulings, human=_human(votes, decisive=False))


def mtbench_s1(rulings: Sequence[RulingRow], votes: Sequence[VoteRow]) -> Agreement:
    """MT-bench's setup S1 (Zheng et al. 2023, Table 5): as each-vote, but inconsistent counts as a tie.

    The authors' own votes are left out.
    """
    votes = _without_authors(votes)
    table = Counter((tie_if_inconsistent(said), vote) for said, vote in _labels(rulings, votes))
    return _result("mtbench-s1", _crowd(votes), table, rulings, human=_human(votes, decisive=False))


def mtbench_s2(rulings: Sequence[RulingRow], votes: Sequence[VoteRow]) -> Agreement:
    """MT-bench's setup S2: only where neither side says tie or is inconsistent. Authors are left out."""
    votes = _without_authors(votes)
    table = Counter(
        (said, vote)
        for said, vote in _labels(rulings, votes)
        if Verdict.TIE not in (vote, tie_if_inconsistent(said))
    )
    return _result("mtbench-s2", _crowd(votes), table, rulings, human=_human(votes, decisive=True))


def pandalm(rulings: Sequence[RulingRow], votes: Sequence[VoteRow]) -> Agreement:
    """PandaLM's rule: the outcome against the majority of the votes on its item (more than half of them).

    Items without a majority are left out. Unread text counts as a tie, which is that paper's rule and no
    other's here; so does ``inconsistent``. Precision, recall and F1 are unweighted means over first,
    second and tie; a term whose class is empty counts as 0. The rule has no figure for people.
    """
    ruling_of = {ruling.item: ruling for ruling in rulings}
    table: Table = Counter()
    for item, own in group_by_item(votes).items():
        majority = _majority(own)
        if majority is None or item not in ruling_of:
            continue
        ruling = ruling_of[item]
        # The votes on an item share one order as a rule; else the first voter by name stands for all.
        order = frame_order(min(own, key=lambda vote: str(vote.voter)).order, ruling.order)
        said = tie_if_inconsistent(read_by_position(ruling.outcome or Winner.TIE, order))
        table[said, read_by_position(majority, order)] += 1
    return _result("pandalm", "majority", table, rulings, macro=macro_scores(table))


RULES: dict[str, Callable[[Sequence[RulingRow], Sequence[VoteRow]], Agreement]] = {
    "each-vote": each_vote,
    "mtbench-s1": mtbench_s1,
    "mtbench-s2": mtbench_s2,
    "pandalm": pandalm,
}


def between_voters(votes: Sequence[VoteRow], minimum: int = 20) -> list[VoterPair]:
    """Agreement of each two voters with ``minimum`` items in common; most in common first, then by name.

    Kappa's labels are by position as the first of the two saw the pair.
    """
    tables: defaultdict[tuple[str, str], Table] = defaultdict(Counter)
    for own in group_by_item(votes).values():
        for one, other in combinations(sorted(own, key=lambda vote: vote.voter), 2):
            if one.voter == other.voter:
                continue
            order = frame_order(one.order, other.order)
            labels = read_by_position(one.winner, order), read_by_position(other.winner, order)
            tables[one.voter, other.voter][labels] += 1
    pairs = [
        VoterPair(first, second, table.total(), agreeing(table) / table.total(), cohen_kappa(table))
        for (first, second), table in tables.items()
        if table.total() >= max(minimum, 1)
    ]
    return sorted(pairs, key=lambda pair: (-pair.n, pair.first, pair.second))


def _human(votes: Iterable[VoteRow], *, decisive: bool) -> tuple[int, int]:
    """(pairs of votes on one item, those that agree); ``decisive`` leaves tied votes out."""
    pairs = alike = 0
    for own in group_by_item(votes).values():
        counts = Counter(tie_if_both_bad(vote.winner) for vote in own)
        if decisive:
            del counts[Winner.TIE]
        pairs += _pairs_among(counts.total())
        alike += sum(map(_pairs_among, counts.values()))
    return pairs, alike


def _result(
    rule: str,
    against: str,
    table: Table,
    rulings: Iterable[RulingRow],
    *,
    human: tuple[int, int] | None = None,
    macro: tuple[float, float, float] | None = None,
) -> Agreement:
    n, agreed = table.total(), agreeing(table)
    precision, recall, f1 = macro or (None, None, None)
    human_n, human_agreed = human or (None, None)
    return Agreement(
        rule=rule,
        against=against,
        n=n,
        agreed=agreed,
        agreement=share(agreed, n),
        kappa=cohen_kappa(table),
        precision=precision,
        recall=recall,
        f1=f1,
        inconsistent=sum(ruling.outcome == INCONSISTENT for ruling in rulings),
        human_n=human_n,
        human_agreed=human_agreed,
        human_agreement=share(human_agreed, human_n),
    )


def _labels(rulings: Iterable[RulingRow], votes: Iterable[VoteRow]) -> Iterator[tuple[str, str]]:
    """(judge's label, voter's label) for each scored outcome and each vote on its item."""
    by_item = group_by_item(votes)
    for ruling in rulings:
        if not ruling.outcome:
            continue
        for vote in by_item.get(ruling.item, ()):
            order = frame_order(vote.order, ruling.order)
            yield read_by_position(ruling.outcome, order), read_by_position(vote.winner, order)


def _majority(votes: Sequence[VoteRow]) -> str | None:
    winner, count = Counter(tie_if_both_bad(vote.winner) for vote in votes).most_common(1)[0]
    return winner if 2 * count > len(votes) else None


def _without_authors(votes: Iterable[VoteRow]) -> list[VoteRow]:
    return [vote for vote in votes if vote.role != "author"]


def _crowd(votes: Iterable[VoteRow]) -> str:
    return "experts" if any(vote.role == "expert" for vote in votes) else "people"


def _pairs_among(count: int) -> int:
    return count * (count - 1) // 2
