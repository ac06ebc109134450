"""What is drawn: data in, places of marks out."""

from leaderboard.charts.marks import (
    Interval,
    Scale,
    Slope,
    Tick,
    interval,
    round_step,
    scale_of,
    slopes,
    ticks,
    wilson,
)

__all__ = [
    "Interval",
    "Scale",
    "Slope",
    "Tick",
    "interval",
    "round_step",
    "scale_of",
    "slopes",
    "ticks",
    "wilson",
]
