"""Games for the rating tests: simulated ones, and hypothesis strategies for good and odd shapes."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from leaderboard.ratings import Matchups

laws = settings(deadline=None)  # a busy machine is no counter-example

NAMES = tuple("abcdef")
SCORES = (0.0, 0.25, 0.5, 0.75, 1.0)

game = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(SCORES)).filter(
    lambda row: row[0] != row[1]
)
any_games = st.lists(game, max_size=40)


def ring(names=NAMES):
    """One win each around a ring: every player is then comparable with every other."""
    return [(name, names[(place + 1) % len(names)], 1.0) for place, name in enumerate(names)]


connected_games = any_games.map(lambda rows: ring() + rows)


def matchups_of(rows, count=None, players=None):
    """Matchups from (first, second, score) tuples."""
    first, second, score = zip(*rows, strict=True) if rows else ((), (), ())
    return Matchups.from_rows(first, second, score, count, players=players)


def simulate(strength, games, rng, ties=0.0, share=None):
    """Draw games between random pairs by Bradley-Terry odds; ``ties`` of them end even whoever plays.

    strength (K,) in natural units; ``share`` (K,) is how often each player is drawn. A tie half is worth
    half a point, so the expected score is no longer the odds; leave ``ties`` at 0 to test coverage.
    """
    size = len(strength)
    first = rng.choice(size, games, p=share)
    second = rng.choice(size, games, p=share)
    keep = first != second
    first, second = first[keep], second[keep]
    win = rng.random(len(first)) < 1 / (1 + np.exp(strength[second] - strength[first]))
    even = rng.random(len(first)) < ties
    return first, second, np.where(even, 0.5, win.astype(float))
