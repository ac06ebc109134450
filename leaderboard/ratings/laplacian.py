"""Sums over pairs of players as matrices, and their inverse over differences."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from leaderboard.ratings.shapes import Floats, Indices, add_up


def laplacian(low: Indices, high: Indices, weight: Floats, size: int) -> Floats:
    """Sum over pairs (P,) of weight (e_low - e_high)(e_low - e_high)', (K, K); pairs may repeat."""
    cells = add_up(low * size + high, weight, size * size).reshape(size, size)
    matrix = -(cells + cells.T)
    np.fill_diagonal(matrix, add_up(low, weight, size) + add_up(high, weight, size))
    return matrix


def inverse_over_differences(matrix: Floats) -> Floats:
    """Pseudo-inverse (K, K) of a Laplacian that connects all players: its rows and columns sum to zero."""
    size = len(matrix)
    mean = np.full((size, size), 1 / max(size, 1))
    scale = np.trace(matrix) / max(size, 1)
    return cho_solve(cho_factor(matrix + scale * mean), np.eye(size)) - mean / scale
