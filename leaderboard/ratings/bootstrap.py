"""The bootstrap, drawn on counts: a second opinion on the intervals, which needs no formula."""

import numpy as np

from leaderboard.ratings.bradley_terry import PairLikelihood
from leaderboard.ratings.connectivity import comparable_groups, main_group
from leaderboard.ratings.matchups import Matchups
from leaderboard.ratings.newton import minimise
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.shapes import Floats


def bootstrap(matchups: Matchups, *, rounds: int = 100, seed: int = 0, mean: float = 1000.0) -> Floats:
    """Bradley-Terry ratings (rounds, K) of boards drawn anew from the games with replacement (Efron 1979).

    A draw of all games is one multinomial draw of the counts, so a round costs a fit on counts and not a
    pass over the games. NaN for those outside the main comparable group, and in a round whose draw leaves a
    player of it unbeaten or winless: quantiles over the rounds that are left are then too narrow for that
    player. The gauge weighs players by the games of the original board, so that rounds can be compared.
    """
    pairs = total_pairs(matchups)
    main = main_group(pairs, comparable_groups(pairs))
    found = np.full((rounds, pairs.size), np.nan)
    if not main.any():
        return found
    games = matchups.among(main)
    total = int(games.count.sum())
    share = games.count / games.count.sum()
    weight = pairs.within(main).played / pairs.within(main).played.sum()
    rng = np.random.default_rng(seed)
    place, start = np.flatnonzero(main), np.zeros(np.count_nonzero(main))
    for row in found:
        count = rng.multinomial(total, share).astype(np.float64)
        drawn = count > 0
        columns = (games.first[drawn], games.second[drawn], games.score[drawn], count[drawn])
        own = total_pairs(Matchups(games.players, *columns))
        kept = main_group(own, comparable_groups(own))
        if not kept.any():
            continue
        theta = np.full(len(kept), np.nan)
        theta[kept] = minimise(PairLikelihood(own.within(kept)), start[kept]).theta
        theta -= np.average(theta[kept], weights=weight[kept])
        row[place] = mean + POINTS_PER_NAT * theta
    return found
