"""The words for what a person or a judge can say of two answers, and how they turn into each other.

A *verdict* speaks of positions (what was shown first, what second); a *winner* speaks of the match
(its ``answer_a`` and ``answer_b``). The *order* says which answer stood first.
"""

from enum import StrEnum


class Order(StrEnum):
    """Which answer of the match was shown first."""

    AB = "AB"
    BA = "BA"
    FOLDED = "folded"  # recorded elsewhere, both orders merged into one ruling
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What a judge's text said, by position. Unreadable text has no verdict (None), never a tie."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"


class Winner(StrEnum):
    """Who won, in the match's own terms."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"
    TIE = "tie"
    BOTH_BAD = "both_bad"


INCONSISTENT = "inconsistent"  # the two orders of one judge disagree: an outcome of its own, not a tie

_MIRROR = {Winner.MODEL_A: Winner.MODEL_B, Winner.MODEL_B: Winner.MODEL_A}
_BY_POSITION = {Verdict.FIRST: Winner.MODEL_A, Verdict.SECOND: Winner.MODEL_B, Verdict.TIE: Winner.TIE}
_BY_WINNER = {Winner.MODEL_A: Verdict.FIRST, Winner.MODEL_B: Verdict.SECOND}


def mirror(winner: Winner) -> Winner:
    """The same winner when the two answers change places."""
    return _MIRROR.get(winner, winner)


def winner_of(verdict: Verdict | None, order: Order) -> Winner | None:
    """Turn a verdict by position into a winner of the match; None stays None (unscored)."""
    if verdict is None:
        return None
    winner = _BY_POSITION[verdict]
    return mirror(winner) if order == Order.BA else winner


def verdict_of(winner: Winner, order: Order) -> Verdict:
    """How a winner reads by position. Both bad reads as a tie; an unknown order reads as AB."""
    shown = mirror(winner) if order == Order.BA else winner
    return _BY_WINNER.get(shown, Verdict.TIE)


def fold(first: Winner | None, second: Winner | None) -> str | None:
    """One outcome of a judge's two orders: their winner, ``inconsistent``, or None if either is unread."""
    if first is None or second is None:
        return None
    return first if first == second else INCONSISTENT
