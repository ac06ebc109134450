"""A figure with its interval in the shape that pages show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaderboard.views.formats import NBSP, decimal, percent

FEWEST = 6  # prompts that an interval needs


@dataclass(frozen=True)
class Shown:
    """A share (a fraction of 1) or another number; ``prompts`` are what its interval is gathered by."""

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    prompts: int = 0
    is_share: bool = False

    @property
    def words(self) -> str:
        return percent(self.value) if self.is_share else decimal(self.value)

    @property
    def ends(self) -> tuple[float, float] | None:
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def interval_words(self) -> str:
        """The interval, or why there is none; nothing beside an unknown figure."""
        if self.value is None:
            return ""
        if self.ends is None:
            return "too few prompts" if self.prompts < FEWEST else ""
        low, high = self.ends
        if self.is_share:
            return f"{100 * low:.0f}–{100 * high:.0f}{NBSP}%"
        return f"{decimal(low)} to {decimal(high)}"

    @property
    def full(self) -> str:
        """ "41 % (38–45 %)"."""
        return f"{self.words} ({self.interval_words})" if self.interval_words else self.words


NOTHING = Shown()


def read_estimate(row: Mapping[str, Any] | None, *, is_share: bool = False) -> Shown:
    """An estimate as a report keeps it."""
    if not row:
        return Shown(is_share=is_share)
    return Shown(row["value"], row["lower"], row["upper"], row["prompts"], is_share)
