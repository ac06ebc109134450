"""Where the marks of a chart stand: data in, numbers out. Templates draw them as SVG.

Horizontal places are per cent of the chart's width, so a drawing fits any screen without being distorted;
vertical places are pixels.
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import NamedTuple


class Scale(NamedTuple):
    """A line from data to per cent of the width; ``low`` stands at ``pad``, ``high`` at 100 - pad."""

    low: float
    high: float
    pad: float = 3.0

    def x(self, value: float) -> float:
        if self.high == self.low:
            return 50.0
        share = (value - self.low) / (self.high - self.low)
        return round(self.pad + min(max(share, 0.0), 1.0) * (100 - 2 * self.pad), 2)


class Interval(NamedTuple):
    """One mark: its middle and, where known, the two ends. All in per cent."""

    middle: float
    left: float | None
    right: float | None


class Tick(NamedTuple):
    x: float
    label: str


class Slope(NamedTuple):
    """A line between rows of the left and the right list; y in pixels, ``size`` 0 to 2 for its weight."""

    y_left: float
    y_right: float
    size: int


def scale_of(values: Iterable[float | None], pad: float = 3.0) -> Scale:
    """The scale that just holds every known value; 0 to 1 when none is known."""
    known = [value for value in values if value is not None]
    return Scale(min(known), max(known), pad) if known else Scale(0.0, 1.0, pad)


def interval(scale: Scale, middle: float, low: float | None, high: float | None) -> Interval:
    return Interval(
        scale.x(middle),
        None if low is None else scale.x(low),
        None if high is None else scale.x(high),
    )


def round_step(span: float, about: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts ``span`` into roughly ``about`` parts."""
    if span <= 0:
        return 1.0
    raw = span / max(about, 1)
    power = 10.0 ** floor(log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999999)


def ticks(scale: Scale, about: int = 4, percent: bool = False) -> list[Tick]:
    """Round values inside the scale with their labels (``percent``: data are fractions of 1)."""
    step = round_step(scale.high - scale.low, about)
    first, last = ceil(scale.low / step - 1e-9), floor(scale.high / step + 1e-9)
    values = [number * step for number in range(first, last + 1)]
    return [Tick(scale.x(value), f"{value * 100:.0f} %" if percent else _whole(value)) for value in values]


def _whole(value: float) -> str:
    """A whole number with a true minus sign; zero has none."""
    return f"{round(value)}".replace("-", "−")


def slopes(left: Sequence[int], right: Sequence[int], row_height: float) -> list[Slope]:
    """Join the items of two ordered lists: item k stands at ``left[k]`` and ``right[k]`` (0 is the top).

    The weight says how far an item moves: 2 for at least a quarter of the list, 1 for an eighth.
    """
    count = max(len(left), 1)
    result = []
    for start, end in zip(left, right, strict=True):
        moved = abs(start - end) / count
        size = 2 if moved >= 0.25 else 1 if moved >= 0.125 else 0
        result.append(Slope((start + 0.5) * row_height, (end + 0.5) * row_height, size))
    return result
