"""What the rules of agreement count with: rows, opinions as arrays, tables of label pairs by prompt."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.outcomes import INCONSISTENT, Order, Verdict, Winner

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Item = Hashable
PromptOf = Callable[[Any], Hashable]  # of an item


class RulingRow(NamedTuple):
    """A judge's outcome on one item, one row an item: a Winner, ``inconsistent``, or None (unscored)."""

    item: Item
    outcome: str | None
    order: str  # what the judge saw; FOLDED or UNKNOWN when it saw both orders or nobody knows


class VoteRow(NamedTuple):
    """One person's vote on one item. ``voter`` is a name or key that nobody else has."""

    item: Item
    voter: str
    role: str
    winner: str  # a Winner
    order: str  # what the voter saw


class JudgmentRow(NamedTuple):
    """One judgment: its item (match and turn), the order shown, and the verdict by position or None."""

    match: Hashable
    turn: int | None
    order: str
    verdict: Verdict | None


# Labels as numbers: in match terms A is model_a, by position it is the answer shown first. Both bad is a tie
# in every rule. UNREAD and ABSENT are no labels and enter no table.
A, TIE, B, TORN, UNREAD, ABSENT = range(6)
LABELS = 4
POINTS = np.array([1.0, 0.5, 0.0, 0.5])  # of model_a, by label
AB, BA, NEITHER = range(3)  # which answer was shown first, if anybody knows

_LABEL: dict[str, int] = {
    Winner.MODEL_A: A,
    Winner.TIE: TIE,
    Winner.BOTH_BAD: TIE,
    Winner.MODEL_B: B,
    INCONSISTENT: TORN,
}
_SAID: dict[str, int] = {Verdict.FIRST: A, Verdict.TIE: TIE, Verdict.SECOND: B}
_ORDER: dict[str, int] = {Order.AB: AB, Order.BA: BA}


@dataclass(frozen=True, eq=False)
class Opinions:
    """What one judge and people say of the same I items, in match terms; V votes.

    ``prompt`` (I,) numbers each item's prompt among ``prompts``. ``outcome`` (I,) is the judge's,
    ``readings`` (I, 2) what it said in the orders AB and BA. ``frame`` (I,) is the order by which
    labels are read where all votes on an item need one: the first voter's by name, as ``shown``.
    """

    items: Sequence[Item]
    prompt: Indices
    prompts: int
    outcome: Indices
    readings: Indices
    frame: Indices
    item: Indices  # of each vote (V,)
    vote: Indices
    shown: Indices  # AB or BA: as the voter saw it, else as the judge did, else AB
    expert: Mask
    author: Mask

    def voted(self, kept: Mask) -> "Opinions":
        """The same with some of the votes."""
        names = ("item", "vote", "shown", "expert", "author")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def within(self, kept: Mask) -> "Opinions":
        """The same of some of the items (I,), with their votes; numbered as before."""
        gone = ~kept
        alone = self.voted(kept[self.item])
        outcome = np.where(gone, ABSENT, self.outcome)
        readings = np.where(gone[:, None], ABSENT, self.readings)
        return replace(alone, outcome=outcome, readings=readings)

    def tables(self, item: Indices, one: Indices, other: Indices) -> Indices:
        """How often each two labels met, (prompts, LABELS, LABELS), over rows with their items."""
        cell = (self.prompt[item] * LABELS + one) * LABELS + other
        found = np.bincount(cell, minlength=self.prompts * LABELS**2)
        return found.reshape(self.prompts, LABELS, LABELS)

    def sums(self, item: Indices, *values: NDArray) -> Floats:
        """Totals of values by prompt, (prompts, number of values), over rows with their items."""
        return np.stack([np.bincount(self.prompt[item], each, self.prompts) for each in values], axis=1)

    def votes_for(self) -> Indices:
        """How many votes said A, tie and B of each item, (I, 3)."""
        size = len(self.items)
        return np.bincount(self.item * 3 + self.vote, minlength=size * 3).reshape(size, 3)


def by_position(label: Indices, order: Indices) -> Indices:
    """Labels in match terms as they read where ``order`` says who stood first; or the other way round."""
    return np.where((order == BA) & (label <= B), B - label, label)


def order_of(order: str, otherwise: int) -> int:
    """Which answer stood first, where ``order`` says it."""
    return _ORDER.get(order, otherwise)


def read(winner: str, order: int) -> int:
    """A winner's label by position."""
    label = _LABEL[winner]
    return B - label if order == BA and label <= B else label


def gather(
    rulings: Sequence[RulingRow],
    votes: Sequence[VoteRow],
    judgments: Iterable[JudgmentRow] = (),
    prompt_of: PromptOf | None = None,
) -> Opinions:
    """Rows as arrays. Without ``prompt_of`` all items share one prompt, so that nothing gets an interval."""
    placed = [row for row in judgments if row.order in _ORDER]
    judged = [(row.match, row.turn) for row in placed]
    items = list(dict.fromkeys([*(row.item for row in rulings), *(row.item for row in votes), *judged]))
    place = {item: number for number, item in enumerate(items)}
    prompts = [prompt_of(item) for item in items] if prompt_of else [None] * len(items)
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
    outcome, order = np.full(len(items), ABSENT), np.full(len(items), AB)
    at = _whole(place[row.item] for row in rulings)
    outcome[at] = _whole(_LABEL[row.outcome] if row.outcome else UNREAD for row in rulings)
    order[at] = _whole(_ORDER.get(row.order, AB) for row in rulings)
    readings = np.full((len(items), 2), ABSENT)
    seen = _whole(_ORDER[row.order] for row in placed)
    said = _whole(_SAID[row.verdict] if row.verdict else UNREAD for row in placed)
    readings[_whole(place[item] for item in judged), seen] = by_position(said, seen)
    item = _whole(place[row.item] for row in votes)
    shown = _whole(_ORDER.get(row.order, NEITHER) for row in votes)
    shown = np.where(shown == NEITHER, order[item], shown)
    return Opinions(
        items=items,
        prompt=_whole(numbers[prompt] for prompt in prompts),
        prompts=max(len(numbers), 1),
        outcome=outcome,
        readings=readings,
        frame=_frames(order, [row.voter for row in votes], item, shown),
        item=item,
        vote=_whole(_LABEL[row.winner] for row in votes),
        shown=shown,
        expert=np.array([row.role == "expert" for row in votes], bool),
        author=np.array([row.role == "author" for row in votes], bool),
    )


def _frames(order: Indices, voters: list[str], item: Indices, shown: Indices) -> Indices:
    """The order of each item (I,): that of its first voter by name, else the judge's."""
    frame = order.copy()
    last_to_first = np.array(sorted(range(len(voters)), key=voters.__getitem__, reverse=True), np.intp)
    frame[item[last_to_first]] = shown[last_to_first]  # of several values for a place, numpy keeps the last
    return frame


def _whole(values: Iterable[int]) -> Indices:
    return np.fromiter(values, np.intp)


def share(part: float | None, whole: float | None) -> float | None:
    """part / whole, or None where there is no whole."""
    return part / whole if part is not None and whole else None
