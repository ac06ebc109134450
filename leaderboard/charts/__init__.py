"""What is drawn: data in, places of marks and figures out."""

from leaderboard.charts.figures import (
    AROUND_HALF,
    UPWARDS,
    Cell,
    Estimate,
    Figure,
    Line,
    interval_figure,
    matrix_figure,
    plain,
)
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
)
from leaderboard.charts.matrices import Matrix, PairTotal, matrix_of

__all__ = [
    "AROUND_HALF",
    "UPWARDS",
    "Cell",
    "Estimate",
    "Figure",
    "Interval",
    "Line",
    "Matrix",
    "PairTotal",
    "Scale",
    "Slope",
    "Tick",
    "interval",
    "interval_figure",
    "matrix_figure",
    "matrix_of",
    "plain",
    "round_step",
    "scale_of",
    "slopes",
    "ticks",
]
