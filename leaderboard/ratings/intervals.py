"""How sure a fit is: robust covariances, and what follows from them."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtri

from leaderboard.ratings.shapes import Floats


def normal_quantile(level: float) -> float:
    """Half-width, in standard deviations, of the central interval that holds ``level`` of a normal law."""
    if not 0 < level < 1:
        raise ValueError(f"level {level:g} is not between 0 and 1")
    return float(ndtri((1 + level) / 2))


def sandwich(hessian: Floats, meat: Floats) -> Floats:
    """Robust covariance (D, D) of a maximum-likelihood fit: H^-1 M H^-1 (Huber 1967; White 1980).

    ``hessian`` (D, D) is the curvature of the objective at its minimum, positive definite; ``meat`` (D, D)
    the summed outer products of the scores of independent observations, or of clusters of them. A parameter
    whose every observation is met exactly (only ties with an equal, say) has no measured spread: its row
    and column are NaN, since a variance of zero would be a lie.
    """
    factor = cho_factor(hessian)
    covariance = cho_solve(factor, cho_solve(factor, meat).T)
    covariance = (covariance + covariance.T) / 2
    # Real squared residuals are near the curvature; those that rounding leaves are below this share of it.
    unknown = np.diagonal(meat) <= 1e-9 * np.diagonal(hessian)
    covariance[unknown, :] = np.nan
    covariance[:, unknown] = np.nan
    return covariance
