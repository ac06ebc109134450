"""Style control: against a naive fit, its derivatives, what trap 2 gets wrong; and the features of a text."""

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize

from leaderboard.ratings import NotConverged, fit_bradley_terry, fit_style, measure_style
from leaderboard.ratings.games import Games
from leaderboard.ratings.pairs import total_pairs
from leaderboard.ratings.results import POINTS_PER_NAT
from leaderboard.ratings.style import StyleLikelihood


def styled_games(seed, games=3000, size=6, beta=(0.6, -0.2), scale=(1.0, 5.0)):
    """Longer answers win more often, and the better half of the players is the longer one."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(-0.7, 0.7, size)
    first, second = rng.integers(0, size, (2, games))
    kept = first != second
    first, second = first[kept], second[kept]
    styles = rng.normal(0, 1, (2, len(first))) + 0.5 * np.sign(first - second)
    lead = strength[first] - strength[second] + np.array(beta) @ styles
    won = rng.random(len(first)) < 1 / (1 + np.exp(-lead))
    quarters = np.where(won, 4, 0).astype(np.int8)
    covariates = {"length": styles[0] * scale[0], "bold": styles[1] * scale[1]}
    return strength, Games(tuple(range(size)), first, second, quarters, None, {}, covariates)


@pytest.mark.parametrize("number", [800, 40_000])  # 40,000 rows are more than one block
def test_a_naive_fit_agrees(number):
    _, games = styled_games(1, games=number)
    styles = np.array(list(games.covariates.values()))
    styles = styles / np.sqrt((styles**2).mean(axis=1, keepdims=True))

    def loss(theta):
        lead = theta[games.first] - theta[games.second] + theta[6:] @ styles
        return (np.logaddexp(0, lead) - games.score * lead).sum() + theta[:6].sum() ** 2

    naive = minimize(loss, np.zeros(8), method="BFGS", options={"gtol": 1e-6}).x
    board = fit_style(games).controlled
    np.testing.assert_allclose(
        board.rating - board.rating.mean(), POINTS_PER_NAT * (naive[:6] - naive[:6].mean()), atol=1e-2
    )
    values = [coefficient.value for coefficient in board.coefficients]
    np.testing.assert_allclose(values, POINTS_PER_NAT * naive[6:], atol=1e-2)


@pytest.mark.parametrize("counted", [False, True])
def test_derivatives(counted):
    _, games = styled_games(2, games=200)
    if counted:
        rng = np.random.default_rng(1)
        games = Games(
            games.players,
            games.first,
            games.second,
            games.quarters,
            rng.integers(1, 4, len(games)).astype(float),
            {},
            games.covariates,
        )
    problem = StyleLikelihood(total_pairs(games.matchups()), games, np.zeros(6))
    theta = np.random.default_rng(2).normal(0, 1, 8)
    assert check_grad(problem.objective, problem.gradient, theta) < 1e-5 * np.linalg.norm(
        problem.gradient(theta)
    )
    for place in range(8):
        error = check_grad(
            lambda at, place=place: problem.gradient(at)[place],
            lambda at, place=place: problem.hessian(at)[place],
            theta,
        )
        assert error < 1e-5 * np.linalg.norm(problem.hessian(theta)[place])


def test_trap_2_no_ridge_shrinks_the_coefficients():
    # True effects per root mean square: 0.6 sqrt(1 + 0.25) = 0.671 and -0.2 sqrt(1.25) = -0.224, in points
    # 116.5 and -38.8. 60,000 games know them to about 2 points.
    _, games = styled_games(13, games=60_000)
    length, bold = fit_style(games).controlled.coefficients
    assert length.value == pytest.approx(116.5, abs=8)
    assert bold.value == pytest.approx(-38.8, abs=8)
    assert length.lower < 116.5 < length.upper
    assert bold.lower < -38.8 < bold.upper


def test_control_gives_back_the_strengths_that_style_had_blown_up():
    strength, games = styled_games(4, games=60_000)
    boards = fit_style(games)
    truth = POINTS_PER_NAT * (strength - strength.mean())
    held = boards.controlled.rating - boards.controlled.rating.mean()
    plain = boards.without.rating - boards.without.rating.mean()
    np.testing.assert_allclose(held, truth, atol=8)
    assert plain[-1] > truth[-1] + 20
    assert (boards.without.method, boards.controlled.method) == ("bt", "bt+style")


def test_intervals_hold():
    # 60 boards of 6 players and 2 coefficients: 480 intervals, with a standard error of about 1 %.
    held = []
    for seed in range(60):
        strength, games = styled_games(seed, games=600)
        board = fit_style(games).controlled
        truth = 1000 + POINTS_PER_NAT * (strength - np.average(strength, weights=board.matches))
        held += ((board.rating_lower <= truth) & (truth <= board.rating_upper)).tolist()
        for coefficient, beta in zip(board.coefficients, (0.6, -0.2), strict=True):
            styles = games.covariates[coefficient.name]
            scaled = beta * np.sqrt(np.mean(styles**2)) * POINTS_PER_NAT
            scaled /= 5.0 if coefficient.name == "bold" else 1.0
            held.append(coefficient.lower <= scaled <= coefficient.upper)
    assert 0.91 <= np.mean(held) <= 0.985


def test_swapping_sides_changes_nothing():
    _, games = styled_games(5)
    swapped = Games(
        games.players,
        games.second,
        games.first,
        (4 - games.quarters).astype(np.int8),
        None,
        {},
        {name: -values for name, values in games.covariates.items()},
    )
    one, other = fit_style(games).controlled, fit_style(swapped).controlled
    np.testing.assert_allclose(one.rating, other.rating, atol=1e-5)
    np.testing.assert_allclose(one.rating_upper, other.rating_upper, atol=1e-5)


def test_without_an_effect_both_boards_agree():
    _, games = styled_games(6, games=20_000, beta=(0.0, 0.0))
    boards = fit_style(games)
    np.testing.assert_allclose(boards.controlled.rating, boards.without.rating, atol=12)
    assert all(each.lower < 0 < each.upper for each in boards.controlled.coefficients)


def with_covariates(games, **covariates):
    return Games(games.players, games.first, games.second, games.quarters, None, {}, covariates)


def test_what_cannot_be_told_is_refused():
    _, games = styled_games(7)
    length = games.covariates["length"]
    with pytest.raises(ValueError, match="needs covariates"):
        fit_style(with_covariates(games))
    with pytest.raises(ValueError, match="bold is the same in both answers of every game"):
        fit_style(with_covariates(games, bold=np.zeros(len(games))))
    with pytest.raises(NotConverged):
        fit_style(with_covariates(games, length=length, again=2 * length))
    with pytest.raises(NotConverged):
        fit_style(with_covariates(games, verdict=games.score - 0.5))


def test_the_unrated_stay_out():
    _, games = styled_games(8)
    unbeaten = (games.first == 0) | (games.second == 0)
    quarters = np.where(unbeaten, np.where(games.first == 0, 4, 0), games.quarters).astype(np.int8)
    boards = fit_style(Games(games.players, games.first, games.second, quarters, None, {}, games.covariates))
    assert boards.controlled.reason[0].startswith("won all")
    assert np.isfinite(boards.controlled.rating[1:]).all()
    alone = fit_bradley_terry(games.take(~unbeaten))
    np.testing.assert_allclose(boards.without.rating[1:], alone.rating[1:], atol=1e-6)


def test_style_of_a_text():
    text = "# Title\n\nSome **bold** and __more__.\n\n- one\n- two\n  1. three\n\n"
    text += "```python\n# no header\n- no item\n```\n## End"
    style = measure_style(text)
    assert style._asdict() == {"length": len(text), "headers": 2, "lists": 3, "bold": 2, "code": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0, 0)),
        ("#hashtag\n1.5 litres\n-5 degrees\n2 ** 3 ** 4", (42, 0, 0, 0, 0)),
        ("~~~\n# inside\n```\n~~~\n# out", (26, 1, 0, 0, 1)),  # another mark does not close it
        ("```\n# never closed", (18, 0, 0, 0, 1)),
        ("````\n```\n````\n- x", (17, 0, 1, 0, 1)),  # a shorter fence does not close it either
        ("    # code by its indent", (24, 0, 0, 0, 0)),
    ],
)
def test_style_of_odd_texts(text, expected):
    assert tuple(measure_style(text)) == expected


def test_a_hostile_text_takes_no_time():
    for text in ("*" * 200_000, "_" * 200_000, "#" * 200_000, "- " * 100_000, "```\n" * 50_000):
        assert measure_style(text).length == 200_000
