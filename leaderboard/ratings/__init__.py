"""Ratings from pairwise comparisons, in plain numpy and scipy: no Django, no database.

>>> matchups = Matchups.from_rows(["a", "b", "a"], ["b", "a", "b"], [1, 1, 0.5])
>>> [row.rank for row in fit_bradley_terry(matchups).rows()]
[1, 1]

Tables are read by ``leaderboard.ratings.tables``, which is not imported here, since Arrow costs its start
a tenth of a second and 30 MB that the web processes do not need.
"""

from leaderboard.ratings.anomalies import Anomalies, Flag, flag_raters
from leaderboard.ratings.binary import add_styles, read_counts, read_rows
from leaderboard.ratings.bootstrap import bootstrap
from leaderboard.ratings.bradley_terry import fit_bradley_terry
from leaderboard.ratings.correlation import RankCorrelation, rank_correlation
from leaderboard.ratings.davidson import fit_davidson
from leaderboard.ratings.elo import fit_elo
from leaderboard.ratings.games import Games
from leaderboard.ratings.judged_matches import JudgedMatches
from leaderboard.ratings.markdown_style import Style, measure_style
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import NotConverged
from leaderboard.ratings.next_pairs import NextPairs, Policy, choose_pairs
from leaderboard.ratings.opponents import choose_opponents
from leaderboard.ratings.ppi import PoweredRatings, fit_powered
from leaderboard.ratings.raters import LeftOut, Reliability, rater_reliability, without_raters
from leaderboard.ratings.results import Coefficient, Limits, Rating, Ratings
from leaderboard.ratings.robustness import Robustness, first_place_robustness
from leaderboard.ratings.separation import (
    Ties,
    nearest_ties,
    overlap_ranks,
    separated,
    simultaneous_ranks,
    tied_with,
    votes_needed,
)
from leaderboard.ratings.shuffles import fit_shuffled_elo
from leaderboard.ratings.style import StyleBoards, fit_style
from leaderboard.ratings.votes import Votes

__all__ = [
    "Anomalies",
    "Coefficient",
    "Flag",
    "Games",
    "JudgedMatches",
    "LeftOut",
    "Limits",
    "Matchups",
    "NextPairs",
    "NotConverged",
    "Policy",
    "PoweredRatings",
    "RankCorrelation",
    "Rating",
    "Ratings",
    "Reliability",
    "Robustness",
    "Style",
    "StyleBoards",
    "Ties",
    "Votes",
    "add_styles",
    "bootstrap",
    "choose_opponents",
    "choose_pairs",
    "first_place_robustness",
    "fit_bradley_terry",
    "fit_davidson",
    "fit_elo",
    "fit_powered",
    "fit_shuffled_elo",
    "fit_style",
    "flag_raters",
    "measure_style",
    "nearest_ties",
    "overlap_ranks",
    "rank_correlation",
    "rater_reliability",
    "read_counts",
    "read_rows",
    "separated",
    "simultaneous_ranks",
    "tied_with",
    "votes_needed",
    "without_raters",
]
