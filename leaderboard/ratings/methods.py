"""What a method of rating is, how a board is asked for, and what a fit found."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from leaderboard.ratings.clusters import ClusteredProblem
from leaderboard.ratings.games import Games
from leaderboard.ratings.newton import Problem
from leaderboard.ratings.pairs import PairTotals
from leaderboard.ratings.results import Coefficient, Limits
from leaderboard.ratings.shapes import Floats, Indices


class Likelihood(Problem, ClusteredProblem, Protocol):
    """A negative log-likelihood of K strengths and E further parameters, in the games-weighted gauge."""

    def start(self) -> Floats: ...

    def meat(self, theta: Floats) -> Floats:
        """Summed outer products (D, D) of the scores of single games."""
        ...


class Solution(NamedTuple):
    """Parameters (D,), covariance (D, D), clusters that each player was seen in (K,) if any were asked."""

    theta: Floats
    covariance: Floats
    seen: Indices | None


@dataclass(frozen=True)
class Method:
    """One model of how games end; ``likelihood`` may raise ValueError where it has no finite maximum."""

    name: str
    scale: Callable[[PairTotals], str]
    likelihood: Callable[[PairTotals, Games | None], Likelihood]
    coefficients: Callable[[Floats, Floats, float], tuple[Coefficient, ...]] = lambda *_: ()
    by_row: bool = False  # whether counts are not enough


@dataclass(frozen=True)
class Options:
    """How a board is asked for; the same words as the arguments of the fits."""

    level: float = 0.95
    mean: float = 1000.0
    anchor: Mapping[Hashable, float] = field(default_factory=dict)
    cluster: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


class Unrateable(ValueError):
    """The model has no finite maximum on these games, though they connect the players."""
