"""Ratings from pairwise comparisons, in plain numpy and scipy: no Django, no database.

>>> matchups = Matchups.from_rows(["a", "b", "a"], ["b", "a", "b"], [1, 1, 0.5])
>>> [row.rank for row in fit_bradley_terry(matchups).rows()]
[1, 1]
"""

from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.correlation import RankCorrelation, rank_correlation
from leaderboard.ratings.elo import fit_elo
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import NotConverged
from leaderboard.ratings.results import Rating, Ratings

__all__ = [
    "Matchups",
    "NotConverged",
    "RankCorrelation",
    "Rating",
    "Ratings",
    "fit_bradley_terry",
    "fit_elo",
    "rank_correlation",
]
