"""Totals of pairs as squares."""

from leaderboard.charts import PairTotal, matrix_of


def test_both_orders_of_a_pair_add_up():
    # 7 wins 2 of 3 as the first, and as the second loses 0.5 of 1: 2.5 points of 4
    matrix = matrix_of([7, 8], [PairTotal(7, 8, 3, 2.0), PairTotal(8, 7, 1, 0.5)])
    assert matrix.games == [[0, 4], [4, 0]]
    assert matrix.points == [[0, 2.5], [1.5, 0]]
    assert matrix.share(0, 1) == 0.625
    assert matrix.share(1, 0) == 0.375
    assert matrix.most == 4


def test_who_never_met_is_unknown():
    matrix = matrix_of([7, 8, 9], [PairTotal(7, 8, 3, 0.0)])
    assert matrix.share(0, 1) == 0.0
    assert matrix.share(0, 2) is None
    assert matrix.share(0, 0) is None
    assert (matrix.pairs, matrix.met) == (3, 1)


def test_others_are_left_out():
    assert matrix_of([7], [PairTotal(7, 8, 3, 1.0)]).games == [[0]]
    assert matrix_of([], []).met == 0
