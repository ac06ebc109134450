"""Bradley-Terry once more, as plainly as can be, for tests to compare with: slow where the library is fast.

Players are comparable when each can be reached from the other along points taken; strengths come from
Newman's iteration (2023), their covariance from the matrix of all games.
"""

import numpy as np

POINTS = 400 / np.log(10)


def reached(start, games):
    """Everyone that ``start`` took points from, and whom those took points from, and so on."""
    seen, ahead = {start}, [start]
    while ahead:
        player = ahead.pop()
        for first, second, score in games:
            for winner, loser, points in ((first, second, score), (second, first, 1 - score)):
                if winner == player and points > 0 and loser not in seen:
                    seen.add(loser)
                    ahead.append(loser)
    return seen


def main_group(players, games):
    """The comparable players with most games among them, then the most of them, then the earliest."""
    best, most = set(), (0, 0)
    reach = {player: reached(player, games) for player in players}
    for player in players:
        group = {other for other in reach[player] if player in reach[other]}
        size = sum(first in group and second in group for first, second, _ in games), len(group)
        if len(group) > 1 and size > most:
            best, most = group, size
    return [player for player in players if player in best]


def strengths(points):
    """Natural strengths (K,), from the points (K, K) that the row took from the column."""
    strength = np.ones(len(points))
    for _ in range(10_000):
        before = strength.copy()
        for player, (taken, given) in enumerate(zip(points, points.T, strict=True)):  # one after the other
            total = strength[player] + strength
            strength[player] = (taken * strength / total).sum() / (given / total).sum()
        strength /= np.exp(np.log(strength).mean())
        if np.abs(np.log(strength / before)).max() < 1e-12:
            return np.log(strength)
    raise AssertionError("Newman's iteration did not end")


def fit(players, games, mean=1000.0):
    """Ratings (K,) and their standard errors (K,); NaN for the unrated, and where no spread was seen."""
    rated = main_group(players, games)
    rating, error = np.full(len(players), np.nan), np.full(len(players), np.nan)
    if not rated:
        return rating, error
    games = [game for game in games if game[0] in rated and game[1] in rated]
    design, score = np.zeros((len(games), len(rated))), np.array([game[2] for game in games], float)
    points = np.zeros((len(rated), len(rated)))
    for row, (first, second, won) in enumerate(games):
        one, other = rated.index(first), rated.index(second)
        design[row, one], design[row, other] = 1, -1
        points[one, other] += won
        points[other, one] += 1 - won
    theta = strengths(points)
    win = 1 / (1 + np.exp(-design @ theta))
    share = np.abs(design).sum(axis=0) / np.abs(design).sum()
    gauge = np.eye(len(rated)) - share  # takes the mean weighted by games from every column
    inverse = np.linalg.pinv(design.T @ (design * (win * (1 - win))[:, None]))
    residual = design * (score - win)[:, None]
    covariance = gauge @ inverse @ residual.T @ residual @ inverse @ gauge.T
    known = np.abs(residual).max(axis=0) > 1e-6
    places = [players.index(player) for player in rated]
    rating[places] = mean + POINTS * (theta - share @ theta)
    error[places] = np.where(known, POINTS * np.sqrt(np.maximum(np.diagonal(covariance), 0)), np.nan)
    error[error < 1e-6] = np.nan
    return rating, error
