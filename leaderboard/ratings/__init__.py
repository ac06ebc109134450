"""Ratings from pairwise comparisons, in plain numpy and scipy: no Django, no database.

>>> matchups = Matchups.from_rows(["a", "b", "a"], ["b", "a", "b"], [1, 1, 0.5])
>>> [row.rank for row in fit_bradley_terry(matchups).rows()]
[1, 1]

Tables are read by ``leaderboard.ratings.tables``, which is not imported here, since Arrow costs its start
a tenth of a second and 30 MB that the web processes do not need.
"""

from leaderboard.ratings.bootstrap import bootstrap
from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.correlation import RankCorrelation, rank_correlation
from leaderboard.ratings.davidson import fit_davidson
from leaderboard.ratings.elo import fit_elo
from leaderboard.ratings.games import Games
from leaderboard.ratings.markdown_style import Style, measure_style
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import NotConverged
from leaderboard.ratings.results import Coefficient, Limits, Rating, Ratings
from leaderboard.ratings.separation import (
    overlap_ranks,
    separated,
    simultaneous_ranks,
    tied_with,
    votes_needed,
)
from leaderboard.ratings.shuffles import fit_shuffled_elo
from leaderboard.ratings.style import StyleBoards, fit_style

__all__ = [
    "Coefficient",
    "Games",
    "Limits",
    "Matchups",
    "NotConverged",
    "RankCorrelation",
    "Rating",
    "Ratings",
    "Style",
    "StyleBoards",
    "bootstrap",
    "fit_bradley_terry",
    "fit_davidson",
    "fit_elo",
    "fit_shuffled_elo",
    "fit_style",
    "measure_style",
    "overlap_ranks",
    "rank_correlation",
    "separated",
    "simultaneous_ranks",
    "tied_with",
    "votes_needed",
]
