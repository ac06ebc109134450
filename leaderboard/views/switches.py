"""The switches above a board: whose opinions, by which method, ranks for one model or for all at once."""

from dataclasses import replace
from typing import NamedTuple

from leaderboard.models import Standing
from leaderboard.views.scope import (
    ALL_AT_ONCE,
    BOARD,
    CHARTS,
    ELO,
    ONE_BY_ONE,
    PEOPLE,
    POWERED,
    SIDE_BY_SIDE,
    STYLE,
    BoardQuery,
    Scope,
    Source,
)

METHODS = (
    ("", "Bradley–Terry", "Strengths that explain the results best, with intervals"),
    (ELO, "Elo", "Ratings that follow the games in time; without intervals"),
    (STYLE, "Equal style", "Bradley–Terry as if all answers were equally long and equally formatted"),
)
RANKS = (
    (ONE_BY_ONE, "one at a time", "Each range holds for its model, at 95 %"),
    (ALL_AT_ONCE, "all at once", "The ranges hold for all models together, at 95 %"),
)


class Choice(NamedTuple):
    """One link of a switch; ``share`` is how far a source agrees with people, where that is known."""

    name: str
    url: str
    current: bool
    title: str = ""
    share: str = ""


def page_choices(query: BoardQuery, source: Source) -> list[Choice]:
    """From a board's table to its charts and back."""
    table = replace(query, page=BOARD)
    charts = table.url(page=CHARTS, source=source.slug, view="", format="")
    return [
        Choice("Table", table.url(view="", format=""), query.page == BOARD),
        Choice("Charts", charts, query.page == CHARTS),
    ]


def source_choices(scope: Scope, query: BoardQuery, source: Source) -> list[Choice]:
    """People, each judge, and people together with one of them; each by the method of the page if it can."""
    stray = not query.view and not source.powered and all(each.slug != source.slug for each in scope.plain)
    found = []
    for each in [*scope.plain, *([source] if stray else [])]:
        share = each.figures.each_vote.percent if each.figures and each.figures.each_vote.n else ""
        only_as_is = scope.has(each, "") and not scope.has(each, query.method)
        method = "" if query.method == POWERED or only_as_is else query.method
        found.append(
            Choice(
                name=each.name,
                url=query.url(source=each.slug, method=method, view="", format=""),
                current=not query.view and not source.powered and each.slug == source.slug,
                title=share and f"{each.name} agrees with {share} of people's votes on this benchmark",
                share=share,
            )
        )
    together = _together(scope, source)
    if together:
        found.append(
            Choice(
                name=together.name,
                url=query.url(source=together.slug, method=POWERED, view="", format=""),
                current=source.powered and not query.view,
                title=f"People’s votes decide; {together.judge} takes out what is luck",
            )
        )
    return found


def _together(scope: Scope, source: Source) -> Source | None:
    """People with the judge of this page, or with the best that there is a board with."""
    if source.powered and source.judge:
        return source
    candidates = [each for each in [source, *scope.plain] if each.judge and scope.has(each, POWERED)]
    return next((replace(each, powered=True) for each in candidates), None)


def method_choices(scope: Scope, query: BoardQuery, source: Source) -> list[Choice]:
    """The methods by which this source has a board; none where there is nothing to choose.

    Elo is offered beside any board, since it needs no more than a game.
    """
    if source.powered:
        return []
    offered = [row for row in METHODS if row[0] != STYLE or query.method == STYLE or scope.has(source, STYLE)]
    return [
        Choice(name, query.url(method=value, format=""), value == query.method, title)
        for value, name, title in offered
    ]


def rank_choices(query: BoardQuery, rated: list[Standing]) -> list[Choice]:
    """What the ranges of ranks hold for; none where the board has but one kind."""
    if query.method == ELO or not any(row.joint_lower for row in rated):
        return []
    return [Choice(name, query.url(ranks=value), value == query.ranks, title) for value, name, title in RANKS]


def side_by_side_url(scope: Scope, query: BoardQuery, source: Source) -> str:
    """People beside this judge (or the best one); empty when there are no two boards."""
    if sum(each.board is not None for each in scope.sources) < 2:
        return ""
    other = source.slug if source.judge else ""
    return query.url(
        view=SIDE_BY_SIDE, source=PEOPLE, other=other, benchmark=scope.benchmark.slug, format="", page=BOARD
    )
