"""Figures of tables of label pairs: one side's labels in rows, the other's in columns.

Each takes tables (..., L, L) and gives an array (...), NaN where there is nothing to measure, so that it can
be asked of a whole and of the whole without each prompt at once.
"""

import numpy as np
from numpy.typing import NDArray

from judging.agreement_tables import TIE, A, B, Floats

VERDICTS = [A, TIE, B]


def agreement(tables: NDArray) -> Floats:
    """The share of equal labels."""
    return quotient(np.trace(tables, axis1=-2, axis2=-1), tables.sum((-2, -1)))


def cohen_kappa(tables: NDArray) -> Floats:
    """(p - e) / (1 - e): p the share of equal labels, e the share that both margins lead one to expect.

    NaN without labels, or when both sides use a single common one (e = 1). Cohen (1960).
    """
    n = tables.sum((-2, -1))
    by_chance = (tables.sum(-1) * tables.sum(-2)).sum(-1)  # e * n^2, a whole number
    return quotient(n * np.trace(tables, axis1=-2, axis2=-1) - by_chance, n * n - by_chance)


def gwet_ac1(tables: NDArray, labels: int) -> Floats:
    """As kappa with e = sum of q (1 - q) / (labels - 1), q the mean share of a label on both sides.

    ``labels`` are those in use. Unlike kappa it does not fall when one label is much commoner. Gwet (2008).
    """
    if labels < 2:
        return np.full(tables.shape[:-2], np.nan)
    n = tables.sum((-2, -1))
    common = quotient(tables.sum(-1) + tables.sum(-2), 2 * n[..., None])
    by_chance = (common * (1 - common)).sum(-1) / (labels - 1)
    return quotient(agreement(tables) - by_chance, 1 - by_chance)


def krippendorff_alpha(coincidences: NDArray) -> Floats:
    """1 - D / E of nominal labels: D the share of unequal pairs, E that of pairs drawn without replacement.

    A symmetric table: each item with m labels brings m (m - 1) ordered pairs of weight 1 / (m - 1).
    Krippendorff (2011).
    """
    n = coincidences.sum((-2, -1))
    each = coincidences.sum(-1)
    unequal = n - np.trace(coincidences, axis1=-2, axis2=-1)
    expected = n * n - (each * each).sum(-1)  # E times n (n - 1)
    return 1 - quotient((n - 1) * unequal, expected)


def macro_precision(tables: NDArray) -> Floats:
    """The plain mean over three verdicts of how often the row's label is right; 0 where it is not said."""
    return _macro(tables, tables.sum(-1))


def macro_recall(tables: NDArray) -> Floats:
    """The plain mean over three verdicts of how much of the column's label the row finds."""
    return _macro(tables, tables.sum(-2))


def macro_f1(tables: NDArray) -> Floats:
    """The plain mean over three verdicts of 2 hits / (said + meant), the harmonic mean of both."""
    return _macro(2 * tables, tables.sum(-1) + tables.sum(-2))


def _macro(tables: NDArray, of: NDArray) -> Floats:
    hits = np.diagonal(tables, axis1=-2, axis2=-1)[..., VERDICTS]
    terms = np.nan_to_num(quotient(hits, of[..., VERDICTS]))
    return np.where(tables.sum((-2, -1)) > 0, terms.sum(-1) / len(VERDICTS), np.nan)


def quotient(part: NDArray, whole: NDArray) -> Floats:
    """part / whole, NaN where there is no whole."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.divide(part, whole, out=np.full(shape, np.nan), where=np.asarray(whole) != 0)
