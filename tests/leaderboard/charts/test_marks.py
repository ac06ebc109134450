"""Where marks stand: per cent of the width and pixels."""

import pytest

from leaderboard.charts import Interval, Scale, interval, round_step, scale_of, slopes, ticks


def test_a_scale_puts_its_ends_at_the_padding():
    scale = Scale(900, 1100, pad=5)
    assert (scale.x(900), scale.x(1000), scale.x(1100)) == (5, 50, 95)
    assert (scale.x(0), scale.x(9999)) == (5, 95)  # beyond the ends: at the edge


def test_a_scale_without_width_stands_in_the_middle():
    assert Scale(7, 7).x(7) == 50
    assert scale_of([None, None]) == Scale(0.0, 1.0)
    assert scale_of([3, None, 1]) == Scale(1, 3)


def test_an_unknown_end_stays_unknown():
    assert interval(Scale(0, 100, pad=0), 40, 30, None) == Interval(40, 30, None)


@pytest.mark.parametrize(
    # 500 / 4 = 125 -> 200; 0.3 / 4 = 0.075 -> 0.1; 8 / 4 = 2 -> 2; nothing to cut -> 1
    ("span", "step"),
    [(500, 200), (0.3, 0.1), (8, 2), (0, 1)],
)
def test_steps_are_round(span, step):
    assert round_step(span, 4) == pytest.approx(step)


def test_ticks_are_round_values_inside_the_scale():
    found = ticks(Scale(750, 1250, pad=0), about=4)  # step 200: 800, 1000, 1200
    assert [tick.label for tick in found] == ["800", "1000", "1200"]
    assert [tick.x for tick in found] == [10, 50, 90]
    assert [tick.label for tick in ticks(Scale(0.3, 0.61), about=3, percent=True)] == ["40 %", "60 %"]
    assert [tick.label for tick in ticks(Scale(-120, 60))] == ["−100", "−50", "0", "50"]  # step 50


def test_slopes_join_rows_and_weigh_moves():
    # 8 rows of 10 px; item 0 stays, item 1 moves 1 of 8 (an eighth), item 2 moves 2 of 8 (a quarter)
    lines = slopes([0, 1, 2, 3, 4, 5, 6, 7], [0, 2, 4, 3, 1, 5, 6, 7], 10)
    assert (lines[0].y_left, lines[0].y_right) == (5, 5)
    assert (lines[1].y_left, lines[1].y_right) == (15, 25)
    assert [line.size for line in lines[:3]] == [0, 1, 2]
