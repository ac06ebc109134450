"""Figures for plotly.js as plain dictionaries of its schema: ``data`` and ``layout``.

They are made without the package plotly, whose import costs a web process 30 MB; a test holds them against
it. A colour is the name of one of the style sheet's tokens, such as "var(--ink)": the page looks it up when
it draws, so that a chart follows light and dark.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

Figure = dict[str, Any]

ROW = 26  # pixels from one line to the next
HEAD = 30  # for the axis above them
FOOT = 14
LONG, SHORT = 28, 14  # letters of a name beside an axis, on a desk and on a phone
LETTER = 8  # pixels of one of them, until the page measures

INK, MUTED, RULE, PANEL = "var(--ink)", "var(--muted)", "var(--rule)", "var(--panel)"
ACCENT, UNKNOWN = "var(--accent)", "var(--rule)"
AROUND_HALF = ("var(--heat-b)", PANEL, "var(--heat-a)")  # orange, paper, blue
UPWARDS = (PANEL, "var(--heat)")
_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "\n": "<br>"}


class Estimate(NamedTuple):
    """A line of an interval chart. ``told`` is shown on hover; ``stands_out`` fills the dot."""

    name: str
    middle: float
    low: float | None
    high: float | None
    told: str
    stands_out: bool = False


class Cell(NamedTuple):
    """A square of a matrix: its number (None: unknown), as it is written, and what is told on hover."""

    value: float | None
    words: str
    told: str


class Line(NamedTuple):
    """A value to compare with, drawn across an interval chart."""

    value: float
    label: str


def plain(text: str) -> str:
    """A text of which plotly takes nothing for markup or, between dollars, for mathematics; lines stay."""
    return "".join(_MARKS.get(letter, letter) for letter in text)


def cut(name: str, letters: int) -> str:
    """A name that is short enough to stand beside an axis."""
    return plain(name if len(name) <= letters else f"{name[: letters - 1].rstrip()}…")


def interval_figure(
    rows: Sequence[Estimate], low: float, high: float, *, percent: bool = False, lines: Sequence[Line] = ()
) -> Figure:
    """A dot and its interval a row, the first at the top, on an axis from ``low`` to ``high``.

    ``percent``: all values are per cent.
    """
    places = list(range(len(rows)))
    trace: Figure = {
        "type": "scatter",
        "mode": "markers",
        "x": [row.middle for row in rows],
        "y": places,
        "hovertext": [plain(row.told) for row in rows],
        "hoverinfo": "text",
        "cliponaxis": False,
        "marker": {
            "size": 9,
            "color": ACCENT,
            "symbol": ["circle" if row.stands_out else "circle-open" for row in rows],
            "line": {"width": 2, "color": ACCENT},
        },
    }
    if any(row.low is not None for row in rows):
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [None if row.high is None else round(row.high - row.middle, 6) for row in rows],
            "arrayminus": [None if row.low is None else round(row.middle - row.low, 6) for row in rows],
            "color": MUTED,
            "thickness": 2,
            "width": 0,
        }
    axis = {
        "range": [low, high],
        "side": "top",
        "tickformat": "d",
        "ticksuffix": "\u00a0%" if percent else "",
        "gridcolor": RULE,
        "zeroline": False,
        "fixedrange": True,
        "tickangle": 0,
        "nticks": 7,
    }
    layout = _layout([row.name for row in rows], axis)
    if lines:  # their labels stand below the rows
        layout["height"] += FOOT
        layout["yaxis"]["range"][0] += FOOT / ROW
    layout["shapes"] = [_across(line.value) for line in lines]
    layout["annotations"] = [_beside(line) for line in lines]
    return {"data": [trace], "layout": layout}


def matrix_figure(
    names: Sequence[str],
    cells: Sequence[Sequence[Cell]],
    *,
    colours: Sequence[str],
    high: float,
    written: bool = True,
) -> Figure:
    """Squares from 0 to ``high``; row and column k are ``names[k]``. An unknown square is grey.

    Columns are headed by their place alone, which stands beside the row's name too. Without ``written`` only
    unknown squares are marked.
    """
    count = len(names)
    steps = max(len(colours) - 1, 1)
    trace: Figure = {
        "type": "heatmap",
        "z": [[cell.value for cell in row] for row in cells],
        "text": [[_written(cell, written) for cell in row] for row in cells],
        "hovertext": [[plain(cell.told) for cell in row] for row in cells],
        "hoverinfo": "text",
        "hoverongaps": True,
        "zmin": 0,
        "zmax": high or 1,
        "colorscale": [[place / steps, colour] for place, colour in enumerate(colours)],
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "texttemplate": "%{text}",
        "textfont": {"color": INK, "size": 12},
    }
    numbers = {
        "range": [-0.5, count - 0.5],
        "side": "top",
        "tickmode": "array",
        "tickvals": list(range(count)),
        "ticktext": [str(place + 1) for place in range(count)],
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "tickangle": 0,
    }
    layout = _layout(names, numbers, numbered=True)
    layout["plot_bgcolor"] = UNKNOWN
    return {"data": [trace], "layout": layout}


def _written(cell: Cell, written: bool) -> str:
    """What stands in a square. The scale under the chart says what is per cent."""
    if written:
        return cell.words.removesuffix("\u00a0%")
    return "·" if cell.value is None else ""


def _layout(names: Sequence[str], across: Figure, numbered: bool = False) -> Figure:
    """``meta`` holds the shorter names that a narrow page takes instead."""
    count = len(names)
    ends = [f"  {place}" if numbered else "" for place in range(1, count + 1)]
    long, short = (
        [f"{cut(name, letters)}{end}" for name, end in zip(names, ends, strict=True)]
        for letters in (LONG, SHORT)
    )
    longest = max((len(text) for text in long), default=0)
    return {
        "height": HEAD + ROW * max(count, 1) + FOOT,
        "margin": {"l": longest * LETTER + 10, "r": 14, "t": HEAD, "b": FOOT},
        "paper_bgcolor": PANEL,
        "plot_bgcolor": PANEL,
        "font": {"color": INK, "size": 13},
        "hoverlabel": {
            "bgcolor": PANEL,
            "bordercolor": MUTED,
            "font": {"color": INK, "size": 13},
            "align": "left",
        },
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": False,
        "meta": {"short": short},
        "xaxis": {**across, "tickfont": {"color": MUTED}},
        "yaxis": {
            "range": [count - 0.5, -0.5],
            "tickmode": "array",
            "tickvals": list(range(count)),
            "ticktext": long,
            "ticks": "outside",
            "ticklen": 6,
            "tickcolor": PANEL,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
    }


def _across(value: float) -> Figure:
    line = {"color": MUTED, "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "x0": value,
        "x1": value,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "below",
        "line": line,
    }


def _beside(line: Line) -> Figure:
    return {
        "x": line.value,
        "y": 0,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "left",
        "text": plain(line.label),
        "showarrow": False,
        "font": {"color": MUTED, "size": 12},
    }
