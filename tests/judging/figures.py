"""Comparing what rules of agreement say."""

from dataclasses import astuple

import pytest

from judging.agreement import Agreement, Estimate


def figures(result: Agreement) -> dict[str, Estimate]:
    """Every figure of a result, people's too."""
    return {f"judge {name}": each for name, each in result.judge.items()} | {
        f"people {name}": each for name, each in result.people.items()
    }


def same(one: Agreement, other: Agreement) -> bool:
    """The same counts, and the same figures but for rounding (sums in another order)."""
    left, right = figures(one), figures(other)
    counts = ("rule", "against", "n", "agreed", "inconsistent", "human_n", "human_agreed")
    return all(getattr(one, name) == getattr(other, name) for name in counts) and all(
        astuple(left[name]) == pytest.approx(astuple(right[name])) for name in left | right
    )
