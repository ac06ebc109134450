"""What a judge's page shows of a report below its head: rules, categories, preferences, effort."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from judging.services.effort import TOO_LONG
from leaderboard import charts
from leaderboard.views.estimates import Shown, read_estimate
from leaderboard.views.figures import Figures, Rule, read_rule
from leaderboard.views.formats import counted, decimal

RULES = {
    "each-vote": ("Each vote", "Each scored ruling against each vote; a tie is a third answer."),
    "mtbench-s1": (
        "MT-bench S1",
        "As each vote, but an inconsistent ruling counts as a tie; without its authors’ votes.",
    ),
    "mtbench-s2": ("MT-bench S2", "Only where neither side says tie or is inconsistent."),
    "pandalm": (
        "PandaLM",
        "Against the majority of the votes on a match. What could not be read is a tie, as in the paper.",
    ),
    "judgelm": ("JudgeLM", "As PandaLM, each order by itself."),
    "auto-j": ("Auto-J", "Both orders must name what the majority says."),
    "judgebench": (
        "JudgeBench",
        "Both orders together must lean to the majority’s answer. Without matches that people call a tie.",
    ),
    "llmbar": ("LLMBar", "Mean over both orders; a tie is wrong. Without matches that people call a tie."),
    "rewardbench": (
        "RewardBench",
        "One order; a tie or an unread ruling is worth one half. Without matches that people call a tie.",
    ),
    "alpacaeval": (
        "AlpacaEval",
        "How near its points are to the majority’s, one vote left out; a tie is worth one half.",
    ),
}
BEYOND_CHANCE = {
    "kappa": ("Cohen’s kappa", "Agreement beyond what chance gives, 1 at best."),
    "ac1": ("Gwet’s AC1", "As kappa, but steady where one answer is much commoner than the others."),
    "alpha": ("Krippendorff’s alpha", "As kappa, for any number of people on a match."),
}
MACRO = {
    "precision": (
        "Precision",
        "Of what it calls a win, tie or loss, how much is one: the mean of the three.",
    ),
    "recall": ("Recall", "Of people’s wins, ties and losses, how many it finds: the mean of the three."),
    "f1": ("F1", "Precision and recall in one: the mean of the three."),
}
STYLES = {
    "length": "Longer",
    "headers": "More headers",
    "lists": "More list items",
    "bold": "More bold",
    "code": "More code blocks",
}


class Line(NamedTuple):
    """One figure of a judge beside people's. ``slug`` is for an id on the page."""

    slug: str
    label: str
    about: str
    judge: Shown
    people: Shown
    number: str


class Group(NamedTuple):
    heading: str
    lines: list[Line]


class Category(NamedTuple):
    name: str
    rule: Rule


class Style(NamedTuple):
    """What a typical difference in one style is worth, in log-odds, and where that stands on the scale."""

    label: str
    judge: Shown
    people: Shown
    mark: charts.Interval


class Point(NamedTuple):
    """A bin of soft preferences; places in per cent of the diagram, y downwards."""

    range: str
    said: Shown
    people: Shown
    number: str
    x: float
    y: float
    top: float | None
    bottom: float | None


class Effort(NamedTuple):
    """Words; empty where nobody counted."""

    speed: str
    seconds: str
    tokens_in: str
    tokens_out: str
    cost: str
    too_long: str
    failed: str


def parts_of(figures: Figures, failed: Mapping[str, int]) -> dict[str, Any]:
    """The template's context; ``failed`` are matches given up by now, of which a report hears only later.

    Reports made before a part was measured lack it.
    """
    kept = figures.kept
    return {
        "groups": _groups({name: read_rule(name, row) for name, row in kept.get("rules", {}).items()}),
        "categories": [
            Category(name, read_rule("each-vote", row))
            for name, row in sorted(kept.get("categories", {}).items())
        ],
        "styles": _styles(kept.get("style") or {}),
        "own": _own_family(kept),
        "calibration": _calibration(kept.get("calibration")),
        "effort": _effort(kept.get("effort") or {}, dict(failed)),
        "places": {
            name: read_estimate(row, is_share=name != "first_preference")
            for name, row in figures.position.get("estimates", {}).items()
        },
    }


def _groups(rules: Mapping[str, Rule]) -> list[Group]:
    each, labelled = rules.get("each-vote"), rules.get("judgelm")
    groups = [
        Group(
            "The same answer",
            [
                Line(name, *words, rule.of_judge("agreement"), rule.of_people("agreement"), rule.count)
                for name, words in RULES.items()
                if (rule := rules.get(name))
            ],
        )
    ]
    if labelled and labelled.n:
        groups.append(Group("By JudgeLM’s rule, over win, tie and loss alike", _lines(labelled, MACRO)))
    if each and each.n:
        groups.append(Group("Beyond chance, each vote", _lines(each, BEYOND_CHANCE)))
    return groups


def _lines(rule: Rule, words: Mapping[str, tuple[str, str]]) -> list[Line]:
    return [
        Line(name, label, about, rule.of_judge(name), rule.of_people(name), rule.count)
        for name, (label, about) in words.items()
    ]


def _styles(kept: Mapping[str, Any]) -> dict[str, Any] | None:
    """Style coefficients on one scale with a line at nothing."""
    judge, people = ({row["name"]: row for row in kept.get(side) or ()} for side in ("judge", "people"))
    if not judge:
        return None
    ends = [row[end] or 0.0 for row in judge.values() for end in ("value", "lower", "upper")]
    reach = max(0.1, *map(abs, ends))
    scale = charts.Scale(-reach, reach)
    rows = []
    for name, row in judge.items():
        shown = read_estimate(row)
        mark = charts.interval(scale, shown.value or 0.0, shown.lower, shown.upper)
        rows.append(Style(STYLES.get(name, name), shown, read_estimate(people.get(name)), mark))
    return {"rows": rows, "ticks": [charts.Tick(scale.x(0.0), "0")], "people": bool(people)}


def _own_family(kept: Mapping[str, Any]) -> dict[str, Any] | None:
    if not kept.get("family"):
        return None
    found = kept.get("self_preference")
    if not found:
        return {"family": kept["family"], "count": 0}
    shares = {side: read_estimate(found[side], is_share=True) for side in ("judge", "people", "beyond")}
    beyond = shares["beyond"]
    return shares | {
        "family": kept["family"],
        "count": found["n"],
        "matches": counted(found["n"], "match", "matches"),
        "beyond": _in_points(beyond),
        "interval": _in_points_interval(beyond),
    }


def _in_points(share: Shown) -> str:
    value = 100 * (share.value or 0.0)
    return f"{'+' if value > 0 else ''}{decimal(value, 0)}"


def _in_points_interval(share: Shown) -> str:
    if share.ends is None:
        return share.interval_words
    low, high = share.ends
    return f"{decimal(100 * low, 0)} to {decimal(100 * high, 0)}"


def _calibration(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not kept:
        return None
    return {
        "error": read_estimate(kept["error"]),
        "count": f"{kept['n']:,}",
        "points": [_point(row) for row in kept["bins"]],
    }


def _point(row: Mapping[str, Any]) -> Point:
    people = read_estimate(row["people"], is_share=True)
    low, high = people.ends or (None, None)
    return Point(
        range=f"{100 * row['low']:.0f}–{100 * row['high']:.0f}",
        said=Shown(row["said"], is_share=True),
        people=people,
        number=f"{row['n']:,}",
        x=round(100 * row["said"], 1),
        y=round(100 - 100 * (people.value or 0.0), 1),
        top=None if high is None else round(100 - 100 * high, 1),
        bottom=None if low is None else round(100 - 100 * low, 1),
    )


def _effort(kept: Mapping[str, Any], failed: dict[str, int]) -> Effort:
    too_long = failed.pop(TOO_LONG, 0)
    others = sum(failed.values())
    return Effort(
        speed=_number(kept.get("pairs_per_second")),
        seconds=_number(kept.get("seconds")),
        tokens_in=_whole(kept.get("tokens_in")),
        tokens_out=_whole(kept.get("tokens_out")),
        cost="" if kept.get("cost") is None else f"{kept['cost']:,.2f}",
        too_long=counted(too_long, "match", "matches") if too_long else "",
        failed=counted(others, "match", "matches") if others else "",
    )


def _number(value: float | None) -> str:
    """Two figures that count."""
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
