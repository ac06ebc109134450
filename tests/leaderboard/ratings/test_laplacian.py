"""Sums over pairs as matrices."""

import numpy as np

from leaderboard.ratings.laplacian import inverse_over_differences, laplacian


def test_a_laplacian_by_hand():
    # Pair 0-1 weighs 2 and, given again, 3; pair 1-2 weighs 4.
    found = laplacian(np.array([0, 0, 1]), np.array([1, 1, 2]), np.array([2.0, 3.0, 4.0]), 3)
    assert found.tolist() == [[5, -5, 0], [-5, 9, -4], [0, -4, 4]]


def test_the_order_of_a_pair_does_not_matter():
    one, other, weight = np.array([0, 2]), np.array([1, 0]), np.array([1.0, 7.0])
    np.testing.assert_array_equal(laplacian(one, other, weight, 3), laplacian(other, one, weight, 3))


def test_the_inverse_is_the_pseudo_inverse():
    low, high = np.triu_indices(6, 1)
    matrix = laplacian(low, high, np.random.default_rng(1).uniform(1, 9, 15), 6)
    found = inverse_over_differences(matrix)
    np.testing.assert_allclose(found, np.linalg.pinv(matrix), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-12)
