"""The numbers above a board, and the board that stands beside it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from django.urls import reverse

from leaderboard.models import Board, Standing
from leaderboard.views.compare import Comparison
from leaderboard.views.figures import people_agree
from leaderboard.views.formats import counted, decimal
from leaderboard.views.scope import ALL_AT_ONCE, SIDE_BY_SIDE, STYLE, BoardQuery, Scope, Source


class Fact(NamedTuple):
    """A number with its words, where it came from, the exact term, and the part of /methods/ on it."""

    value: str
    label: str
    href: str
    exact: str
    to: str


class Beside(NamedTuple):
    """The board whose places stand in the last column: its heading, and where they are, in a sentence."""

    board: Board
    name: str
    places: str
    source: Source


def find_beside(scope: Scope, query: BoardQuery, source: Source) -> Beside | None:
    """The same source's board as is beside one at equal style; else the best source to compare with."""
    plain = scope.as_is(source) if query.method == STYLE else None
    if plain and plain.board:
        return Beside(plain.board, "As is", "on the board as is", plain)
    other = scope.counterpart(source)
    if other is None or other.board is None:
        return None
    return Beside(other.board, other.name, f"for {other.inline}", other)


def first_fact(rated: Sequence[Standing], query: BoardQuery) -> list[Fact]:
    """How many models may be first; nothing where no range of ranks is known."""
    together = query.ranks == ALL_AT_ONCE
    bests = [row.joint_lower if together else row.rank_lower for row in rated]
    if not any(bests):
        return []
    first = bests.count(1)
    words = "model may be first" if first == 1 else "models may be first"
    exact = f"Models whose 95 % range of ranks begins at 1{', all ranges together' if together else ''}."
    return [Fact(str(first), words, "#board", exact, "ranks")]


def agreement_facts(scope: Scope, source: Source, query: BoardQuery) -> list[Fact]:
    """People with each other; then this judge with people, or on people's board the judge that does best."""
    facts = []
    judges_url = f"{reverse('judges')}?benchmark={scope.benchmark.slug}"
    everywhere = " (all categories)" if query.category else ""
    people = people_agree(scope.figures)
    if people:
        exact = f"{people.human_agreed:,} of {people.human_n:,} pairs of votes on one match name one winner."
        label = f"people agree with each other{everywhere}"
        facts.append(Fact(people.human_percent, label, judges_url, exact, "agreement"))
    judges = scope.plain[1:]
    shown = source if source.judge else next((judge for judge in judges if judge.figures), None)
    if shown and shown.judge and shown.figures and shown.figures.each_vote.n:
        rule = shown.figures.each_vote
        best = "agrees best" if source.judge is None and len(judges) > 1 else "agrees"
        exact = f"The winner of {rule.agreed:,} of {rule.n:,} votes. Cohen’s kappa is {rule.kappa_words}."
        label = f"{shown.judge} {best} with people{everywhere}"
        facts.append(Fact(rule.percent, label, shown.judge.get_absolute_url(), exact, "agreement"))
    return facts


def correlation_fact(
    scope: Scope, source: Source, beside: Beside | None, comparison: Comparison, query: BoardQuery
) -> list[Fact]:
    """How alike this board and the one beside it order the models."""
    if beside is None or comparison.spearman is None:
        return []
    on = replace(query, benchmark=scope.benchmark.slug, format="")
    if beside.source.slug == source.slug:
        label, url = "rank correlation, at equal style and as is", on.url(method="")
    else:
        left, right = (beside.source, source) if source.judge else (source, beside.source)
        label = f"rank correlation, {left.inline} and {right.inline}"
        url = on.url(view=SIDE_BY_SIDE, source=left.slug, other=right.slug)
    models = counted(len(comparison.common), "model")
    exact = f"Spearman’s rho over {models}: 1 is the same order, 0 no relation."
    return [Fact(decimal(comparison.spearman), label, url, exact, "ranks")]
