"""95 % intervals of figures whose observations come by prompt.

Answers to one prompt are alike, so they tell less than as many on prompts of their own. The jackknife leaves
out one prompt after the other: the variance is (P - 1) / P times the sum of squared deviations of what the
others say, the quantile Student's with P - 1 degrees of freedom (Tukey 1958). It needs no draws, and errs on
the wide side. Under ``FEWEST`` prompts there is no interval.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from judging.agreement_figures import quotient
from judging.agreement_tables import Floats

FEWEST = 6
LEVEL = 0.95
Figure = Callable[[NDArray], Floats]


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval by ``prompts``, those with an observation; None where there is none."""

    value: float | None
    lower: float | None
    upper: float | None
    prompts: int


UNKNOWN = Estimate(None, None, None, 0)


def estimate(counts: NDArray, figure: Figure, low: float = -np.inf, high: float = np.inf) -> Estimate:
    """``figure`` of summed counts, from counts by prompt (P, ...); the interval is cut off at low and high.

    There is none where every prompt says the same: that they do not differ is no certainty.
    """
    value, error, prompts = _jackknife(counts, figure)
    if value is None or error is None or not error > 0:
        return Estimate(value, None, None, prompts)
    reach = quantile(prompts) * error
    return Estimate(value, max(low, value - reach), min(high, value + reach), prompts)


def estimate_share(parts: NDArray, wholes: NDArray) -> Estimate:
    """A share of counts by prompt (P,): Wilson's interval for the independent observations that it is worth.

    Their number is p (1 - p) over the jackknife's variance (Korn & Graubard 1998), at most what was observed;
    at a share of 0 or 1, where the variance is none, the number of prompts.
    """
    counts = np.stack([parts, wholes], axis=-1)
    value, error, prompts = _jackknife(counts, lambda sums: quotient(sums[..., 0], sums[..., 1]))
    if value is None or error is None:
        return Estimate(value, None, None, prompts)
    spread = value * (1 - value)
    worth = spread / error**2 if error > 0 and spread > 0 else float(prompts)
    number = min(worth, float(np.sum(wholes)))
    z = quantile(prompts)
    centre = (value + z * z / (2 * number)) / (1 + z * z / number)
    reach = z * sqrt(spread / number + z * z / (4 * number * number)) / (1 + z * z / number)
    return Estimate(value, max(0.0, centre - reach), min(1.0, centre + reach), prompts)


@cache
def quantile(prompts: int) -> float:
    """Student's two-sided point."""
    return float(student.ppf((1 + LEVEL) / 2, prompts - 1))


def _jackknife(counts: NDArray, figure: Figure) -> tuple[float | None, float | None, int]:
    """(figure, standard error, prompts with an observation); None where it is undefined or not to be had."""
    counts = counts[counts.reshape(len(counts), -1).any(axis=1)]
    prompts, total = len(counts), counts.sum(axis=0)
    value = float(figure(total[None])[0])
    if not isfinite(value):
        return None, None, prompts
    if prompts < FEWEST:
        return value, None, prompts
    without = figure(total - counts)
    if not np.isfinite(without).all():
        return value, None, prompts
    variance = (prompts - 1) / prompts * float(((without - without.mean()) ** 2).sum())
    # Rounding alone is no spread.
    return value, sqrt(variance) if variance > 1e-20 else 0.0, prompts
