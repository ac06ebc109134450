"""The worked numbers of /methods/, computed by the library that they explain."""

from functools import cache
from itertools import combinations
from math import exp, sqrt
from typing import NamedTuple

from leaderboard.ratings import Matchups, fit_bradley_terry, fit_elo, votes_needed
from leaderboard.ratings.intervals import normal_quantile
from leaderboard.ratings.ranks import differences
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.separation import simultaneous_quantile
from leaderboard.views.formats import decimal, percent

WON, LOST = 58, 42  # of A's games against B
MODELS = 20  # of the board on which all have met all
LEADS = (10, 50, 100, 200, 400)  # points


class Lead(NamedTuple):
    """So many points more, and how often the better of the two then wins."""

    points: int
    wins: str


class Examples(NamedTuple):
    """Numbers as they are written: of A, who won ``won`` of ``games`` against B, and of larger boards."""

    leads: tuple[Lead, ...]
    won: int
    games: int
    ratings: tuple[str, str]
    lead: str
    error: str
    half: str
    more: int
    one_at_a_time: str
    models: int
    all_at_once: str
    elo_win: str
    unit: str


@cache
def work_examples() -> Examples:
    ratings = fit_bradley_terry(Matchups.from_rows(["A", "A"], ["B", "B"], [1, 0], [WON, LOST]))
    assert ratings.covariance is not None
    gap, spread = differences(ratings.rating, ratings.covariance)
    lead, error, quantile = float(gap[0, 1]), sqrt(spread[0, 1]), normal_quantile(ratings.level)
    return Examples(
        leads=tuple(Lead(points, percent(_win(points))) for points in LEADS),
        won=WON,
        games=WON + LOST,
        ratings=(decimal(ratings.rating[0], 0), decimal(ratings.rating[1], 0)),
        lead=decimal(lead, 0),
        error=decimal(error, 0),
        half=decimal(quantile * error, 0),
        more=votes_needed(ratings, "A", "B") or 0,
        one_at_a_time=decimal(quantile),
        models=MODELS,
        all_at_once=decimal(_quantile_of_all(MODELS)),
        elo_win=decimal(float(fit_elo(["A"], ["B"], [1]).rating[0]) - 1000, 0),
        unit=decimal(POINTS_PER_NAT, 0),
    )


def _win(points: float) -> float:
    """How often a model with so many points more wins, by Bradley-Terry."""
    return 1 / (1 + exp(-points / POINTS_PER_NAT))


def _quantile_of_all(models: int) -> float:
    """The quantile for all differences at once where everyone has won and lost against everyone."""
    first, second = zip(*combinations(range(models), 2), strict=True)
    board = Matchups.from_rows(first * 2, second * 2, [1] * len(first) + [0] * len(first))
    return simultaneous_quantile(fit_bradley_terry(board))
