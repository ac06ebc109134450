"""Intervals when votes come in clusters: the same prompt, the same voter, or both.

Votes on one prompt share what is odd about it, so they tell less than as many on prompts of their own. The
sandwich then sums scores by cluster before it squares them (Liang & Zeger 1986). Few clusters make it too
narrow: up to ``FEW`` of them each cluster's score is enlarged by what the fit has bent towards it (CR2: Bell
& McCaffrey 2002; Pustejovsky & Tipton 2018). Two columns give V_a + V_b - V_ab (Cameron, Gelbach & Miller
2011), of which negative directions are cut off.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh, solve_triangular
from scipy.sparse import coo_array

from leaderboard.ratings.games import Games
from leaderboard.ratings.shapes import Floats, Indices, group

FEW = 100  # with more clusters the correction is below a percent, and costs an eigenproblem each
_DENSE = 1 << 23  # cells of a table (clusters, parameters) that is cheaper full than sparse
_BENT = 1e-6  # a direction that one cluster alone decides cannot be corrected: nothing is left to compare


class GameScores(NamedTuple):
    """Derivatives of each row's log-likelihood: by the lead of first over second (R,), by the rest (R, E)."""

    lead: Floats
    rest: Floats


class ClusteredProblem(Protocol):
    """A likelihood that can be asked row by row and in parts."""

    def scores(self, theta: Floats, games: Games) -> GameScores: ...

    def information(self, theta: Floats, games: Games) -> Floats:
        """Curvature (D, D) of these games alone, without any gauge."""
        ...


class Clustered(NamedTuple):
    """Covariance (D, D), and in how many clusters each player was seen (K,): the fewest over the columns."""

    covariance: Floats
    seen: Indices


def clustered(
    problem: ClusteredProblem, theta: Floats, hessian: Floats, games: Games, names: Sequence[str]
) -> Clustered:
    """Covariance clustered by one column of ``games`` or by two.

    Raises ValueError for no or more than two columns, and for a column that the games do not have.
    """
    if not 1 <= len(names) <= 2:
        raise ValueError(f"clusters come by one column or two, not {len(names)}")
    scores = problem.scores(theta, games)
    codes = [
        group(games.column(name).place.astype(np.intp), len(games.column(name).labels)) for name in names
    ]
    seen = np.min([_seen(games, place, len(keys)) for keys, place in codes], axis=0)
    parts = [(1.0, place, len(keys)) for keys, place in codes]
    if len(parts) == 2:
        both = group(parts[0][1] * parts[1][2] + parts[1][1], parts[0][2] * parts[1][2])
        parts.append((-1.0, both.place, len(both.keys)))
    factor = cho_factor(hessian)
    total = np.zeros_like(hessian)
    for sign, place, count in parts:
        sums = summed_scores(games, scores, place, count)
        if count <= FEW:
            root = _bent(problem, theta, hessian, games, place, np.asarray(sums))
            total += sign * root
        else:
            meat = sums.T @ sums
            meat = meat if isinstance(meat, np.ndarray) else meat.toarray()
            covariance = cho_solve(factor, cho_solve(factor, meat).T)
            total += sign * count / (count - 1) * (covariance + covariance.T) / 2
    return Clustered(total if len(parts) == 1 else positive_part(total), seen)


def positive_part(matrix: Floats) -> Floats:
    """The symmetric matrix (D, D) without its negative directions; unchanged when it has none."""
    values, vectors = eigh(matrix)
    if not len(values) or values[0] >= 0:
        return matrix
    kept = values > 0
    return (vectors[:, kept] * values[kept]) @ vectors[:, kept].T


def summed_scores(games: Games, scores: GameScores, place: Indices, count: int) -> Any:
    """Sum of the scores of each cluster, (count, D): an array, or a sparse one where that is smaller."""
    size, rest = len(games.players), scores.rest.shape[1]
    weight = games.count
    lead = scores.lead if weight is None else scores.lead * weight
    if count * (size + rest) <= _DENSE:
        cell = place * size
        flat = np.bincount(cell + games.first, lead, count * size)
        flat -= np.bincount(cell + games.second, lead, count * size)
        columns = [
            np.bincount(place, each if weight is None else each * weight, count) for each in scores.rest.T
        ]
        return np.column_stack([flat.reshape(count, size), *columns])
    places = [(games.first, lead), (games.second, -lead)]
    places += [
        (np.full(len(place), size + at), each if weight is None else each * weight)
        for at, each in enumerate(scores.rest.T)
    ]
    values = np.concatenate([value for _, value in places])
    column = np.concatenate([at for at, _ in places])
    return coo_array((values, (np.tile(place, len(places)), column)), shape=(count, size + rest)).tocsr()


def _seen(games: Games, place: Indices, count: int) -> Indices:
    """In how many clusters each player (K,) has a game."""
    size = len(games.players)
    key = np.concatenate([place * size + games.first, place * size + games.second])
    return np.bincount(group(key, count * size).keys % max(size, 1), minlength=size)


def _bent(
    problem: ClusteredProblem, theta: Floats, hessian: Floats, games: Games, place: Indices, sums: Floats
) -> Floats:
    """Bias-reduced covariance: H^-1/2 sum_g a_g a_g' H^-1/2 with a_g = (1 - M_g)^-1/2 H^-1/2 s_g.

    M_g = H^-1/2 H_g H^-1/2 is the share of the curvature that cluster g brings; this is CR2 with the working
    variance of the model, written in the space of the parameters (D,) instead of the games of the cluster.
    """
    root = np.linalg.cholesky(hessian)  # H = L L'; any square root serves
    rows = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[rows], np.arange(len(sums) + 1))
    adjusted = np.empty_like(sums)
    for at, score in enumerate(sums):
        own = problem.information(theta, games.take(rows[ends[at] : ends[at + 1]]))
        half = solve_triangular(root, own, lower=True)
        share = solve_triangular(root, half.T, lower=True)
        values, vectors = eigh((share + share.T) / 2, driver="evd", overwrite_a=True, check_finite=False)
        left = 1 - values
        power = np.where(left > _BENT, np.maximum(left, _BENT) ** -0.5, 0.0)
        adjusted[at] = vectors @ (power * (vectors.T @ solve_triangular(root, score, lower=True)))
    back = solve_triangular(root, adjusted.T, lower=True, trans="T")
    return back @ back.T
