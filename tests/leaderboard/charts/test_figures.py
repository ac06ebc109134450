"""Figures: what plotly takes, with the numbers that were given."""

import plotly.graph_objects as go
import pytest

from leaderboard.charts import (
    AROUND_HALF,
    UPWARDS,
    Cell,
    Estimate,
    Line,
    interval_figure,
    matrix_figure,
    plain,
)

ROWS = [
    Estimate("Alder", 1200.0, 1150.0, 1260.5, "Alder: 1200", True),
    Estimate("Birch", 1100.0, None, None, "Birch: 1100"),
]
CELLS = [
    [Cell(None, "–", "Alder"), Cell(62.5, "62\u00a0%", "Alder against Birch")],
    [Cell(37.5, "38\u00a0%", "Birch against Alder"), Cell(None, "–", "Birch")],
]


def test_plotly_knows_every_property():
    dots = interval_figure(ROWS, 1000, 1300, percent=True, lines=[Line(33.3, "a guess")])
    squares = matrix_figure(["Alder", "Birch"], CELLS, colours=AROUND_HALF, high=100)
    for figure in (dots, squares, interval_figure([], 0, 1), matrix_figure([], [], colours=UPWARDS, high=0)):
        go.Figure(figure)  # raises ValueError for a property or value that it does not know
    with pytest.raises(ValueError, match="hoovertext"):
        go.Figure({"data": [{"type": "scatter", "hoovertext": []}]})


def test_an_interval_reaches_from_the_dot_to_its_ends():
    [trace] = interval_figure(ROWS, 1000, 1300)["data"]
    assert (trace["x"], trace["y"]) == ([1200.0, 1100.0], [0, 1])
    # 1260.5 - 1200 and 1200 - 1150; an unknown end stays unknown
    assert trace["error_x"]["array"] == [60.5, None]
    assert trace["error_x"]["arrayminus"] == [50.0, None]
    assert trace["marker"]["symbol"] == ["circle", "circle-open"]


def test_without_any_interval_none_is_drawn():
    [trace] = interval_figure(ROWS[1:], 1000, 1300)["data"]
    assert "error_x" not in trace


def test_the_first_stands_at_the_top():
    layout = interval_figure(ROWS, 1000, 1300)["layout"]
    bottom, top = layout["yaxis"]["range"]
    assert bottom > top
    assert layout["yaxis"]["ticktext"] == ["Alder", "Birch"]
    assert layout["xaxis"]["range"] == [1000, 1300]


def test_an_unknown_square_has_no_number():
    [trace] = matrix_figure(["Alder", "Birch"], CELLS, colours=AROUND_HALF, high=100)["data"]
    assert trace["z"] == [[None, 62.5], [37.5, None]]
    assert trace["text"] == [["–", "62"], ["38", "–"]]
    # Three colours from 0 to 100: paper stands at one half.
    assert trace["colorscale"] == [[0, "var(--heat-b)"], [0.5, "var(--panel)"], [1, "var(--heat-a)"]]


def test_small_squares_mark_only_what_is_unknown():
    [trace] = matrix_figure(["Alder", "Birch"], CELLS, colours=UPWARDS, high=100, written=False)["data"]
    assert trace["text"] == [["·", ""], ["", "·"]]


def test_long_names_are_cut_and_keep_their_place():
    layout = matrix_figure(["A" * 40, "Birch"], CELLS, colours=UPWARDS, high=9)["layout"]
    assert layout["yaxis"]["ticktext"] == ["A" * 27 + "…  1", "Birch  2"]
    assert layout["meta"]["short"] == ["A" * 13 + "…  1", "Birch  2"]
    assert layout["xaxis"]["ticktext"] == ["1", "2"]


def test_names_are_no_markup():
    assert plain("<a href='x'>&</a>") == "&lt;a href='x'&gt;&amp;&lt;/a&gt;"
    assert plain("$x$") == "&#36;x&#36;"
    name = "<b>Alder"
    figure = interval_figure([Estimate(name, 1.0, None, None, name)], 0, 2)
    assert figure["layout"]["yaxis"]["ticktext"] == ["&lt;b&gt;Alder"]
    assert figure["data"][0]["hovertext"] == ["&lt;b&gt;Alder"]
