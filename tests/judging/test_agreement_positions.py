from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.outcomes import Order, Verdict
from judging.agreement import JudgmentRow, position_report

FIRST, SECOND, TIE = Verdict.FIRST, Verdict.SECOND, Verdict.TIE
AB, BA, FOLDED, UNKNOWN = Order.AB, Order.BA, Order.FOLDED, Order.UNKNOWN


def both_orders(*verdicts):
    """Two judgments a match: what was said in order AB, and in order BA."""
    return [
        JudgmentRow(match, None, order, verdict)
        for match, pair in enumerate(verdicts)
        for order, verdict in zip((AB, BA), pair, strict=True)
    ]


def test_pairs_of_orders():
    report = position_report(
        both_orders(
            (FIRST, SECOND),  # A both times: consistent
            (TIE, TIE),  # consistent
            (FIRST, FIRST),  # toward the first
            (FIRST, TIE),  # answer_a wins shown first, ties shown second: toward the first
            (TIE, SECOND),  # answer_a wins shown second, ties shown first: toward the second
            (FIRST, None),  # unread in one order: no pair
        )
    )
    assert (report.judgments, report.scored, report.coverage) == (12, 11, 11 / 12)
    assert (report.pairs, report.consistent, report.consistency) == (5, 2, 0.4)
    assert (report.bias_first, report.bias_second) == (0.4, 0.2)
    # All that was read: first 1 + 2 + 1 + 1, second 1 + 1, tie 2 + 1 + 1.
    assert (report.first, report.second, report.tie) == (5, 2, 4)
    # In pairs alone: first 4, second 2.
    assert report.first_share == pytest.approx(4 / 6)
    assert report.first_preference == pytest.approx(log(4.5 / 2.5))
    assert not report.one_order


def test_judgelm_sees_the_same_bias_from_either_answer():
    # From answer_b: shown second in AB it loses (0), shown first in BA it wins (1): seq' < rev, toward 1st.
    # From answer_a: shown second in BA it loses, shown first in AB it wins: the same.
    assert position_report(both_orders((FIRST, FIRST))).bias_first == 1.0
    assert position_report(both_orders((SECOND, SECOND))).bias_second == 1.0


def test_one_order_says_nothing_of_preference():
    # Matches are stored in an order of their own, so the one shown is AB for some matches and BA for others.
    rows = [JudgmentRow(1, None, AB, FIRST), JudgmentRow(2, None, BA, FIRST), JudgmentRow(3, None, BA, TIE)]
    report = position_report(rows)
    assert report.one_order
    assert (report.first, report.second, report.tie) == (2, 0, 1)
    assert (report.pairs, report.consistency, report.bias_first) == (0, None, None)
    assert (report.first_share, report.first_preference) == (None, None)


def test_turns_are_not_two_orders():
    report = position_report([JudgmentRow(1, 1, AB, FIRST), JudgmentRow(1, 2, BA, SECOND)])
    assert (report.one_order, report.pairs) == (True, 0)


def test_an_unread_second_order_is_still_a_second_order():
    report = position_report(both_orders((FIRST, None)))
    assert (report.one_order, report.pairs) == (False, 0)


def test_folded_rulings_are_left_out_and_unknown_orders_count_for_coverage_only():
    rows = [
        JudgmentRow(1, None, FOLDED, None),
        JudgmentRow(2, None, UNKNOWN, FIRST),
        JudgmentRow(3, None, UNKNOWN, None),
    ]
    report = position_report(rows)
    assert (report.judgments, report.scored, report.coverage) == (2, 1, 0.5)
    assert (report.first, report.pairs, report.one_order) == (0, 0, False)


def test_ties_alone_give_no_preference():
    report = position_report(both_orders((TIE, TIE)))
    assert (report.consistency, report.first_share, report.first_preference) == (1.0, None, None)


def test_a_judge_that_always_says_first_has_a_finite_preference():
    # Two matches, four times first: ln(4.5 / 0.5) = ln 9.
    report = position_report(both_orders((FIRST, FIRST), (FIRST, FIRST)))
    assert (report.first_share, report.first_preference) == (1.0, pytest.approx(log(9)))


def test_no_judgments():
    report = position_report([])
    assert (report.judgments, report.coverage, report.consistency, report.one_order) == (0, None, None, False)


said = st.none() | st.sampled_from(Verdict)
pairs = st.lists(st.tuples(said, said), max_size=12)


@given(pairs, st.randoms(use_true_random=False))
def test_rows_in_any_order_and_matches_either_way_round(verdicts, rng):
    rows = both_orders(*verdicts)
    report = position_report(rows)
    assert position_report(rng.sample(rows, len(rows))) == report
    flipped = [row._replace(order=BA if row.order == AB else AB) for row in rows]
    assert position_report(flipped) == report


@given(pairs)
def test_consistency_and_both_biases_share_the_pairs_out(verdicts):
    report = position_report(both_orders(*verdicts))
    if report.pairs:
        assert report.consistency + report.bias_first + report.bias_second == pytest.approx(1)
    else:
        assert (report.consistency, report.bias_first, report.bias_second) == (None, None, None)
