"""Which players can be compared honestly, and in plain words why the others cannot.

A maximum of the Bradley-Terry likelihood exists and is unique exactly when, however the players are cut in
two, each part has taken points from the other (Zermelo 1929; Ford 1957): when the graph with an edge from
everyone who took points to those who gave them is strongly connected. A tie gives points both ways.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from leaderboard.ratings.pairs import PairTotals
from leaderboard.ratings.shapes import Indices, Mask, add_up

NOT_CONNECTED = "not connected to the other models"
NOTHING_COMPARABLE = "every result goes one way, so no two models can be rated yet"


def points_graph(pairs: PairTotals) -> csr_array:
    """Adjacency (K, K): an edge from i to j when i has some points from games against j."""
    gained, given = pairs.won > 0, pairs.lost > 0
    tail = np.concatenate([pairs.low[gained], pairs.high[given]])
    head = np.concatenate([pairs.high[gained], pairs.low[given]])
    return csr_array((np.ones(len(tail), np.int8), (tail, head)), shape=(pairs.size, pairs.size))


def comparable_groups(pairs: PairTotals) -> Indices:
    """For each player (K,) the number of its strongly connected group."""
    if not pairs.size:
        return np.zeros(0, np.intp)
    return connected_components(points_graph(pairs), connection="strong")[1].astype(np.intp)


def main_group(pairs: PairTotals, groups: Indices) -> Mask:
    """The players (K,) of the group with most games inside it, then most players, then the earliest player.

    A player alone is no group: all False when nobody is comparable with anybody.
    """
    if not len(groups):
        return np.zeros(0, bool)
    inside = groups[pairs.low] == groups[pairs.high]
    _, earliest, players = np.unique(groups, return_index=True, return_counts=True)
    games = add_up(groups[pairs.low[inside]], pairs.games[inside], len(players))
    best = np.lexsort((earliest, -players, -games))[0]
    return (groups == best) & (players[best] > 1)


def group_labels(pairs: PairTotals, groups: Indices, main: Mask) -> Indices:
    """1 for the main group, 2, 3, ... for others of two or more by games, then players, 0 for the rest."""
    labels = main.astype(np.intp)
    left = groups.copy()
    left[main] = -1
    count = np.bincount(left[~main], minlength=groups.max(initial=-1) + 1)
    inside = (left[pairs.low] == left[pairs.high]) & (left[pairs.low] >= 0)
    games = add_up(left[pairs.low[inside]], pairs.games[inside], len(count))
    some = np.flatnonzero(count > 1)
    for label, number in enumerate(some[np.lexsort((some, -count[some], -games[some]))].tolist(), start=2):
        labels[left == number] = label
    return labels


def unrated_reasons(pairs: PairTotals, main: Mask) -> tuple[str, ...]:
    """For each player '' when it is in ``main`` (K,), else why it has no rating."""
    beneath, above = _one_way(pairs, main)
    choices = [
        (main, ""),
        (pairs.played == 0, "no matches"),
        (pairs.by_player(pairs.lost, pairs.won) == 0, "won {all}, so no upper bound yet"),
        (pairs.by_player(pairs.won, pairs.lost) == 0, "lost {all}, so no lower bound yet"),
        (above, "no points lost to the rated models, so no upper bound yet"),
        (beneath, "no points from the rated models, so no lower bound yet"),
        (np.full(pairs.size, main.any()), NOT_CONNECTED),
    ]
    which = np.select([mask for mask, _ in choices], range(len(choices)), len(choices))
    texts = [text for _, text in choices] + [NOTHING_COMPARABLE]
    return tuple(
        texts[choice].format(all=_all_matches(games))
        for choice, games in zip(which.tolist(), pairs.played.tolist(), strict=True)
    )


def _one_way(pairs: PairTotals, main: Mask) -> tuple[Mask, Mask]:
    """Who is reached from the main group along points (beneath it), and who reaches it (above)."""
    beneath, above = np.zeros(pairs.size, bool), np.zeros(pairs.size, bool)
    if main.any() and not main.all():
        graph, start = points_graph(pairs), int(main.argmax())
        beneath[breadth_first_order(graph, start, return_predecessors=False)] = True
        above[breadth_first_order(graph.T.tocsr(), start, return_predecessors=False)] = True
    return beneath, above


def _all_matches(games: float) -> str:
    return "its only match" if games == 1 else f"all {games:,.0f} matches"
