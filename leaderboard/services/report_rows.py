"""A judge's report as rows, one a figure, for the shell and for tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from judging.services.effort import TOO_LONG

COLUMNS = (
    *("judge", "benchmark", "part", "category", "figure", "n", "value", "lower", "upper"),
    *("people_n", "people", "people_lower", "people_upper", "note"),
)
FEWEST = 6  # prompts that an interval needs
TOO_FEW = "too few prompts"
ONE_ORDER = "one order only"
PLACES = ("consistency", "bias_first", "bias_second", "delta", "first_share", "first_preference")
Row = dict[str, Any]


def report_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    """Every figure of a report; ``lower`` to ``upper`` is the 95 % interval over prompts, if there is one."""
    for name, rule in figures["rules"].items():
        yield from _rule_rows("agreement", "", name, rule)
    for category, rule in figures["categories"].items():
        yield from _rule_rows("category", category, "each-vote", rule)
    yield from _position_rows(figures["position"])
    yield from _style_rows(figures["style"])
    if own := figures["self_preference"]:
        note = f"points of {figures['family']} models"
        yield _row("self-preference", "points", own["n"], own["judge"], own["people"]) | {"note": note}
        yield _row("self-preference", "beyond people", own["n"], own["beyond"])
    if soft := figures["calibration"]:
        yield _row("calibration", "ece", soft["n"], soft["error"])
        for each in soft["bins"]:
            figure = f"{each['low']:.1f} to {each['high']:.1f}"
            said = {"value": each["said"], "lower": None, "upper": None, "prompts": FEWEST}
            yield _row("calibration", figure, each["n"], said, each["people"])
    yield from _plain_rows(figures)


def _rule_rows(part: str, category: str, name: str, rule: Mapping[str, Any]) -> Iterator[Row]:
    for figure, judge in rule["judge"].items():
        row = _row(part, f"{name} {figure}", rule["n"], judge, rule["people"].get(figure))
        yield row | {"category": category, "people_n": rule["human_n"]}


def _position_rows(position: Mapping[str, Any]) -> Iterator[Row]:
    for figure in PLACES:
        row = _row("position", figure, position["pairs"], position["estimates"][figure])
        yield row | ({"note": ONE_ORDER} if position["one_order"] else {})


def _style_rows(style: Mapping[str, Any]) -> Iterator[Row]:
    people = {each["name"]: each for each in style["people"] or ()}
    for each in style["judge"] or ():
        row = _row("style", each["name"], None, each, people.get(each["name"]))
        yield row | {"note": row["note"] or "log-odds of one typical difference"}


def _plain_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    """Figures without an interval."""
    position, effort, boards = figures["position"], figures["effort"], figures["correlation"] or {}
    yield _plain("reading", "coverage", position["coverage"], position["judgments"])
    yield _plain("reading", "matches unscored", figures["unscored"], figures["items"])
    for code, number in sorted(({TOO_LONG: 0} | effort["failed"]).items()):
        yield _plain("reading", f"failed: {code}", number)
    if panel := figures["panel"]:
        yield from _panel_rows(panel, figures["judges"])
    for figure in ("spearman", "kendall"):
        yield _plain("boards", figure, boards.get(figure), boards.get("n"))
    yield _plain("effort", "pairs per second", effort["pairs_per_second"])
    yield _plain("effort", "seconds a ruling", effort["seconds"])
    for figure in ("tokens_in", "tokens_out", "cost"):
        yield _plain("effort", f"{figure} of 1,000 matches", effort[figure])


def _panel_rows(panel: Mapping[str, Any], shared: Mapping[int, Mapping[str, int]]) -> Iterator[Row]:
    """Shares of a panel's rulings, and of the matches that a member and the panel both read."""
    number, note = panel["rulings"], f"panel by {panel['rule']}"
    for figure in ("unanimous", "split", "abstained", "unscored"):
        yield _plain("panel", figure, panel[figure] / number if number else None, number) | {"note": note}
    for member in panel["members"]:
        each = shared.get(member["judge"], {"n": 0, "agreed": 0})
        share = each["agreed"] / each["n"] if each["n"] else None
        yield _plain("panel", f"agrees with {member['name']}", share, each["n"]) | {"note": note}


def _row(
    part: str, figure: str, n: int | None, judge: Mapping[str, Any], people: Mapping[str, Any] | None = None
) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | {"part": part, "category": "", "figure": figure, "n": n, "note": ""}
    for prefix, each in (("", judge), ("people_", people or {})):
        row[prefix or "value"] = each.get("value")
        row[f"{prefix}lower"], row[f"{prefix}upper"] = each.get("lower"), each.get("upper")
    row["people"] = row.pop("people_", None)
    if judge["value"] is not None and judge["lower"] is None and judge["prompts"] < FEWEST:
        row["note"] = TOO_FEW
    return row


def _plain(part: str, figure: str, value: float | None, n: int | None = None) -> Row:
    return _row(part, figure, n, {"value": value, "lower": None, "upper": None, "prompts": FEWEST})
