"""The minimiser on a curve known by hand, and its refusals."""

from dataclasses import dataclass

import numpy as np
import pytest

from leaderboard.ratings.newton import NotConverged, minimise


@dataclass
class Bowl:
    """sqrt(1 + x^2), least at 0; its second derivative (1 + x^2)^(-3/2) is reported ``steepened`` times."""

    steepened: float = 1.0

    def objective(self, theta):
        return float(np.sqrt(1 + theta[0] ** 2))

    def gradient(self, theta):
        return theta / np.sqrt(1 + theta**2)

    def hessian(self, theta):
        return np.array([[self.steepened * (1 + theta[0] ** 2) ** -1.5]])


def test_full_steps_that_overshoot_are_shortened():
    # A full Newton step leads from x to x - x (1 + x^2) = -x^3, so from 3 it would run away.
    found = minimise(Bowl(), np.array([3.0]))
    assert found.theta == pytest.approx([0], abs=1e-12)
    assert found.hessian == pytest.approx(np.array([[1.0]]))


def test_trap_1_small_steps_are_not_mistaken_for_arrival():
    # With the curvature a million times too steep, the step from 1 is about 1e-6, and the gradient stays.
    with pytest.raises(NotConverged, match="the gradient did not vanish"):
        minimise(Bowl(steepened=1e6), np.array([1.0]))


def test_lost_curvature_is_said():
    with pytest.raises(NotConverged, match="the curvature vanished"):
        minimise(Bowl(steepened=0), np.array([1.0]))
