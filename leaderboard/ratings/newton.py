"""Damped Newton for a smooth, strictly convex objective, which refuses to stop early."""

from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from leaderboard.ratings.shapes import Floats

# All in natural units (1 is 174 points on the 400-point scale). Near the end Newton squares its error, so a
# step this small leaves less than a ten-millionth of a point, which the gradient then has to confirm.
_LAST_STEP = 1e-5
_LEFT = 1e-8
_SHORTEST = 2.0**-40
_ROUNDING = 1e-13
_TRACE = 1e-11
_FLAT = "the curvature vanished: some result is too one-sided to be rated"


class NotConverged(ArithmeticError):
    """The fit did not reach the maximum of the likelihood; no figures are better than wrong ones."""


class Problem(Protocol):
    """What is minimised, over parameters (D,)."""

    def objective(self, theta: Floats) -> float: ...

    def gradient(self, theta: Floats) -> Floats: ...

    def hessian(self, theta: Floats) -> Floats:
        """Second derivatives (D, D), positive definite."""
        ...


class Minimum(NamedTuple):
    """Where the gradient vanishes, theta (D,), and the second derivatives (D, D) there."""

    theta: Floats
    hessian: Floats


def minimise(problem: Problem, start: Floats, *, limit: int = 100) -> Minimum:
    """Find the minimum, from any start.

    Raises NotConverged when ``limit`` steps do not suffice, the curvature is lost to rounding, or at the
    end some part of the gradient, divided by its parameter's own curvature, exceeds 1e-8.
    """
    theta, value = start, problem.objective(start)
    for _ in range(limit):
        gradient = problem.gradient(theta)
        hessian = problem.hessian(theta)
        try:
            factor = cho_factor(hessian)
        except LinAlgError:
            raise NotConverged(_FLAT) from None
        step = -cho_solve(factor, gradient)
        theta, value = _descend(problem, theta, value, step, slope=float(gradient @ step))
        if np.abs(step).max(initial=0) <= _LAST_STEP:
            # What of a parameter's curvature the others do not explain; rounding alone may leave a trace.
            if (np.diagonal(factor[0]) ** 2 <= _TRACE * np.diagonal(hessian)).any():
                raise NotConverged(_FLAT)
            return _confirm(problem, theta)
    raise NotConverged(f"no minimum after {limit} Newton steps")


def _descend(
    problem: Problem, theta: Floats, here: float, step: Floats, slope: float
) -> tuple[Floats, float]:
    """Halve the step until it lowers the objective by a share of what the slope promises (Armijo).

    ``here`` is the objective at ``theta``; gives the new place and the objective there.
    """
    slack = _ROUNDING * abs(here)
    share = 1.0
    while share > _SHORTEST:
        there = theta + share * step
        value = problem.objective(there)
        if value <= here + 1e-4 * share * slope + slack:
            return there, value
        share /= 2
    raise NotConverged("no step along the Newton direction lowers the objective")


def _confirm(problem: Problem, theta: Floats) -> Minimum:
    # Relative to its own curvature: a rarely played model must not hide behind the games of the others.
    hessian = problem.hessian(theta)
    left = (np.abs(problem.gradient(theta)) / np.diagonal(hessian)).max(initial=0)
    if not left <= _LEFT:
        raise NotConverged(f"the gradient did not vanish: {left:.2g} per unit of curvature is left")
    return Minimum(theta, hessian)
