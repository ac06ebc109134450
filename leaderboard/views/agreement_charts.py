"""The charts of judges: how far each agrees with people, and with each other judge."""

from collections.abc import Sequence
from dataclasses import replace

from django.urls import reverse

from leaderboard import charts
from leaderboard.views.chart import WHOLE, Chart, Column, Line, Named, matrix, squares
from leaderboard.views.estimates import NOTHING, Shown
from leaderboard.views.figures import Figures, Rule, people_agree
from leaderboard.views.formats import NBSP, UNKNOWN, percent

GUESS = 100 / 3  # per cent: a guess among first, second and tie agrees with a third of any votes
PEOPLE = "People among themselves"


def chart_people(rows: Sequence[Figures]) -> Chart | None:
    """Each judge's agreement with people's votes, and people's with each other's."""
    measured = [row for row in rows if row.each_vote.n]
    people = people_agree(rows)
    if not measured:
        return None
    estimates, lines = [], []
    if people and people.human_n:
        estimate = _estimate(PEOPLE, _of_people(people), people.human_n, "pairs of votes", True)
        estimates.append(estimate)
        lines.append(_line(estimate, reverse("judges"), people.human_n))
    for row in measured:
        rule = row.each_vote
        estimate = _estimate(str(row.judge), _of_judge(rule), rule.n, "votes", False)
        estimates.append(estimate)
        lines.append(_line(estimate, row.judge.get_absolute_url(), rule.n))
    places = [GUESS, *(each.middle for each in estimates)]
    places += [end for each in estimates for end in (each.low, each.high) if end is not None]
    told = f"{measured[0].judge} agrees with people on {measured[0].each_vote.percent} of votes"
    told += f"; people agree with each other on {people.human_percent}." if people else "."
    return Chart(
        key="people",
        heading="How far judges agree with people",
        told=told,
        note="Each ruling against each vote on its match, ties counted, over all categories. The line is "
        "the 95 % interval over prompts. Filled: people, the ceiling. Dotted: a guess.",
        figure=charts.interval_figure(
            estimates,
            max(0.0, min(places) - 3),
            min(100.0, max(places) + 3),
            percent=True,
            lines=[charts.Line(GUESS, "a guess")],
        ),
        corner="Who",
        columns=[Column("Agrees with people"), Column("From"), Column("To"), Column("Compared")],
        lines=lines,
    )


def _of_judge(rule: Rule) -> Shown:
    return replace(rule.of_judge("agreement"), value=rule.agreement)


def _of_people(rule: Rule) -> Shown:
    return replace(rule.of_people("agreement"), value=rule.human_agreement)


def _estimate(name: str, shown: Shown, n: int, noun: str, stands_out: bool) -> charts.Estimate:
    middle, low, high = (
        value if value is None else round(100 * value, 1) for value in (shown.value, shown.lower, shown.upper)
    )
    interval = "" if low is None else f" ({_percent(low)} to {_percent(high)})"
    words = f"{name}\n{_percent(middle)}{interval}\n{n:,} {noun}"
    return charts.Estimate(name, middle or 0.0, low, high, words, stands_out)


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}{NBSP}%"


def _line(each: charts.Estimate, href: str, n: int) -> Line:
    return Line(each.name, href, [*map(_percent, (each.middle, each.low, each.high)), f"{n:,}"])


def chart_judges(rows: Sequence[Figures]) -> Chart | None:
    """Everybody against everybody: people and judges; nothing where no two judges ruled on the same match."""
    known = [row for row in rows if any(shared(row, other)[0] for other in rows if other is not row)]
    if not known:
        return None
    people = people_agree(rows)
    everybody = [None, *known]  # people come first

    def cell_at(row: int, column: int) -> charts.Cell:
        one, other = everybody[row], everybody[column]
        if one is None or other is None:
            return _with_people(one or other, people)
        if one is other:
            return charts.Cell(None, UNKNOWN, str(one.judge))
        n, agreed = shared(one, other)
        return _share(f"{one.judge} and {other.judge}", Shown(agreed / n if n else None), n, "matches")

    cells = squares(len(everybody), cell_at)
    pairs = [cell for row in cells[1:] for cell in row[1:] if cell.value is not None]
    best = max(pairs, key=lambda cell: cell.value or 0.0)
    names = best.told.partition("\n")[0]
    words = {
        "key": "judges",
        "heading": "Who agrees with whom",
        "told": f"Of the judges, {names} are most alike: the same winner on {best.words} of matches.",
        "note": "Two judges: matches that both read in every order that they are asked for. A ruling that "
        "changes with the order agrees with nothing; two ties agree. All categories.",
        "corner": "Row and column",
    }
    named = [Named("People", reverse("judges"))]
    named += [Named(str(row.judge), row.judge.get_absolute_url()) for row in known]
    return matrix(words, named, cells, colours=charts.UPWARDS, high=100, scale=WHOLE)


def _with_people(judge: Figures | None, people: Rule | None) -> charts.Cell:
    """A judge and people, or (None) people among themselves."""
    if judge:
        return _share(f"People and {judge.judge}", _of_judge(judge.each_vote), judge.each_vote.n, "votes")
    if people is None:
        return _share(PEOPLE, NOTHING, 0, "")
    return _share(PEOPLE, _of_people(people), people.human_n, "pairs of votes")


def _share(names: str, shown: Shown, n: int, noun: str) -> charts.Cell:
    if shown.value is None:
        return charts.Cell(None, UNKNOWN, f"{names}\nnothing in common, so unknown")
    each = _estimate(names, shown, n, noun, False)
    return charts.Cell(each.middle, percent(shown.value), each.told)


def shared(one: Figures, other: Figures) -> tuple[int, int]:
    """Matches that two judges share and those they agree on, by whichever report saw more of them."""
    return max(one.shared.get(other.judge.pk, (0, 0)), other.shared.get(one.judge.pk, (0, 0)))
