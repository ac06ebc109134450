"""Fits that read every vote or ruling: clustered intervals, style, Elo, people and judge together.

They cost more with every vote, so they are made at a distance that keeps them to a small share of the time
(``leaderboard.services.boards``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from arena.models import Benchmark, Competitor
from judging.models import Judge
from leaderboard import sources
from leaderboard.models import AnswerStyle, Board, unmeasured_answers
from leaderboard.ratings import (
    Games,
    JudgedMatches,
    Limits,
    NotConverged,
    Ratings,
    Votes,
    add_styles,
    first_place_robustness,
    fit_bradley_terry,
    fit_elo,
    fit_powered,
    fit_style,
    flag_raters,
    measure_style,
    read_rows,
    without_raters,
)
from leaderboard.ratings.markdown_style import FEATURES
from leaderboard.services.standings import Fitted
from leaderboard.sources import ALL

FEWEST = Limits().fewest_clusters
TESTED = 1_000_000  # votes up to which every voter is tested
AT_ONCE = 500  # answers measured between two writes


@dataclass(frozen=True)
class Facts:
    """All games of a source on a benchmark, and of people too where the source is a judge."""

    judge: Judge | None
    prompts: dict[str, list[int]]  # by category
    games: Games
    people: Games | None
    styles: sources.Columns

    def within(self, games: Games, category: str) -> Games:
        return games if category == ALL else games.labelled("prompt", self.prompts.get(category, []))


def read_facts(benchmark: Benchmark, judge: Judge | None) -> Facts:
    """Read all that the thorough fits of a source start from; measures answers that were not yet."""
    measure_answers(benchmark)
    players = sources.competitors_in_play(benchmark)
    people = read_rows(sources.read_rows(benchmark, None), players) if judge else None
    return Facts(
        judge=judge,
        prompts=sources.prompts_by_category(benchmark),
        games=read_rows(sources.read_rows(benchmark, judge), players),
        people=people,
        styles=sources.read_styles(benchmark, FEATURES),
    )


def measure_answers(benchmark: Benchmark) -> None:
    """Measure the style of every answer that is new."""
    while answers := list(unmeasured_answers(benchmark).only("turns")[:AT_ONCE]):
        AnswerStyle.objects.bulk_create(
            [
                AnswerStyle(answer=answer, **measure_style("\n\n".join(answer.turns or []))._asdict())
                for answer in answers
            ],
            ignore_conflicts=True,
        )


def boards_to_fit(facts: Facts) -> Iterator[tuple[str, str]]:
    """(category, method) of all prompts, and of every category that has a game."""
    for category in facts.prompts or {ALL: []}:
        if category == ALL or len(facts.within(facts.games, category)):
            for method in Board.Method.values:
                yield category, method


def fit_one(facts: Facts, category: str, method: str) -> Fitted | None:
    """One board; None where the method has nothing to start from. Raises NotConverged."""
    fitted = fit_bare(facts, category, method)
    if fitted is None or method != Board.Method.BRADLEY_TERRY or category != ALL:
        return fitted
    details = _robustness(facts.games) | (_flagged(facts.games) if facts.judge is None else {})
    return replace(fitted, details=fitted.details | details)


def fit_bare(facts: Facts, category: str, method: str) -> Fitted | None:
    """``fit_one`` without what is found out about the board besides; asks no database."""
    games = facts.within(facts.games, category)
    match method:
        case Board.Method.ELO:
            return _fitted(_elo(games), games)
        case Board.Method.STYLE:
            return _styled(facts, games)
        case Board.Method.POWERED:
            return _powered(facts, games, category)
    cluster = cluster_of(games)
    return _fitted(fit_bradley_terry(games, cluster=(cluster,)), games, cluster)


def cluster_of(games: Games) -> str:
    """What intervals gather games by: voters; prompts for judges, and where voters are too few."""
    return "voter" if "voter" in games.columns and games.number_of("voter") >= FEWEST else "prompt"


def _fitted(
    ratings: Ratings, games: Games, cluster: str = "", details: dict[str, Any] | None = None
) -> Fitted:
    return Fitted(
        ratings=ratings,
        matches=len(games),
        voters=games.number_of("voter") if "voter" in games.columns else 0,
        clusters=games.number_of(cluster) if cluster else 0,
        details=details or {},
    )


def _elo(games: Games) -> Ratings:
    places = range(len(games.players))
    return replace(fit_elo(games.first, games.second, games.score, players=places), players=games.players)


def _styled(facts: Facts, games: Games) -> Fitted | None:
    styled = add_styles(games, facts.styles)
    if not styled.covariates:
        return None
    cluster = cluster_of(styled)
    try:
        boards = fit_style(styled, cluster=(cluster,))
    except (NotConverged, ValueError):  # one style decides every game, or two go hand in hand
        return None
    details = {"coefficients": [each._asdict() for each in boards.controlled.coefficients]}
    return _fitted(boards.controlled, styled, cluster, details)


def _powered(facts: Facts, games: Games, category: str) -> Fitted | None:
    if facts.people is None:
        return None
    people = facts.within(facts.people, category)
    if not len(people) or not len(games):
        return None
    powered = fit_powered(JudgedMatches.from_games(people, games))
    shown = ("weight", "gain", "labelled", "both", "judge_only", "left_out")
    details = {name: getattr(powered, name) for name in shown}
    return Fitted(powered.ratings, len(people), people.number_of("voter"), details=details)


def _robustness(games: Games) -> dict[str, Any]:
    found = first_place_robustness(games.matchups())
    return {"robustness": {name: getattr(found, name) for name in ("leader", "challenger", "votes", "total")}}


def _flagged(games: Games) -> dict[str, Any]:
    """Voters whose votes do not go with the answers, and what the board would be without them."""
    if not 0 < len(games) <= TESTED:
        return {}
    votes = Votes.from_games(games)
    names = Competitor.objects.in_bulk([int(str(player)) for player in games.players])
    named = replace(votes, players=tuple(names[player].name for player in games.players))
    flags = list(flag_raters(named).flags())
    found: dict[str, Any] = {"tested": len(votes.raters), "flagged": len(flags)}
    if flags:
        left = without_raters(votes, [flag.rater for flag in flags])
        found |= {
            "votes": left.votes,
            "moves": [move._asdict() for move in left.moves()],
            "reasons": sorted(flag.reason for flag in flags),
            "voters": [flag.rater for flag in flags],
        }
    return {"voters": found}
