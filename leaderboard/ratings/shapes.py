"""The array types of this package, and how equal keys are found. K players, R rows, P pairs of players."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

# A table of every possible key is one pass over memory; a sort is the fallback when keys are sparse.
_TABLE_FLOOR = 1 << 22


class Groups(NamedTuple):
    """The distinct keys, ascending, and for each input row the place of its key among them."""

    keys: Indices
    place: Indices


def group(keys: Indices, space: int) -> Groups:
    """Group equal keys, each in ``range(space)``, in O(rows + space) where that space is affordable."""
    if space > max(_TABLE_FLOOR, 4 * len(keys)):
        distinct, place = np.unique(keys, return_inverse=True)
        return Groups(distinct, place)
    present = np.zeros(space, bool)
    present[keys] = True
    distinct = np.flatnonzero(present)
    table = np.empty(space, np.intp)
    table[distinct] = np.arange(len(distinct))
    return Groups(distinct, table[keys])


def add_up(place: Indices, values: Floats, size: int) -> Floats:
    """Sum the values (R,) that share a place, into (size,)."""
    return np.bincount(place, values, size).astype(np.float64, copy=False)  # no rows would give integers


def grouped_sums(keys: Indices, values: Floats | None, space: int) -> tuple[Indices, Floats]:
    """The distinct keys, ascending, each in ``range(space)``, and the sum of the values (1) of each."""
    if space <= max(_TABLE_FLOOR, 4 * len(keys)):
        sums = np.bincount(keys, values, space)
        # Without values a sum of zero is an absent key; with them it may also be a weightless one.
        distinct = np.flatnonzero(sums)
        return distinct, sums[distinct].astype(np.float64)
    if values is None:
        distinct, counts = np.unique(keys, return_counts=True)
        return distinct, counts.astype(np.float64)
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, add_up(place, values, len(distinct))
