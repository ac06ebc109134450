"""Rules that know one right label an item, on judges that were asked in both orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.outcomes import INCONSISTENT, Order, Verdict, Winner, fold, winner_of
from judging.agreement import RULES, JudgmentRow, RulingRow, VoteRow, agree
from tests.judging.figures import figures, same

A, B, TIE = Winner.MODEL_A, Winner.MODEL_B, Winner.TIE
AB, BA, FOLDED = Order.AB, Order.BA, Order.FOLDED
FIRST, SECOND, DRAW = Verdict.FIRST, Verdict.SECOND, Verdict.TIE


def votes_on(item, *winners):
    return [VoteRow((item, None), f"v{number}", "", winner, AB) for number, winner in enumerate(winners)]


def judged(*pairs):
    """(rulings, judgments) of a judge asked in both orders: what it said in AB and in BA of each item."""
    rulings, judgments = [], []
    for item, (ab, ba) in enumerate(pairs):
        judgments += [JudgmentRow(item, None, AB, ab), JudgmentRow(item, None, BA, ba)]
        rulings.append(RulingRow((item, None), fold(winner_of(ab, AB), winner_of(ba, BA)), FOLDED))
    return rulings, judgments


VOTES = [
    *votes_on(0, A, A, A),  # A
    *votes_on(1, A, A, B),  # A
    *votes_on(2, B, B, B),  # B
    *votes_on(3, B, B, TIE),  # B
    *votes_on(4, TIE, TIE, A),  # a tie
    *votes_on(5, A, B),  # nothing
]
RULINGS, JUDGMENTS = judged(
    (FIRST, SECOND),  # A, A: right twice
    (FIRST, FIRST),  # A, B: right once, wrong once
    (SECOND, DRAW),  # B, tie: right once
    (DRAW, None),  # tie, unread
    (DRAW, DRAW),  # tie, tie: right twice
    (FIRST, SECOND),  # no majority: left out
)


def measure(rule):
    return agree(rule, RULINGS, VOTES, JUDGMENTS)


def test_judgelm_counts_each_order_by_itself():
    result = measure("judgelm")
    # 5 items in 2 orders; right 2 + 1 + 1 + 0 + 2; the unread one is a tie, by that paper's rule.
    assert (result.n, result.agreed) == (10, 6)
    # As shown (said, right): item 0 first first, second second; 1 first first, first second; 2 second second,
    # tie first; 3 tie second, tie first; 4 tie tie twice.
    # Precision: first 2/3, second 2/2, tie 2/5. Recall: first 2/4, second 2/4, tie 2/2.
    assert result.value("precision") == pytest.approx((2 / 3 + 1 + 2 / 5) / 3)
    assert result.value("recall") == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert result.value("f1") == pytest.approx((4 / 7 + 4 / 6 + 4 / 7) / 3)


def test_a_ruling_folded_elsewhere_counts_once():
    result = agree("judgelm", RULINGS, VOTES)
    # Item 0 right; 1 and 2 inconsistent, 3 unread, which count as ties; 4 right.
    assert (result.n, result.agreed) == (5, 2)


def test_auto_j_asks_for_both_orders():
    result = measure("auto-j")
    assert (result.n, result.agreed) == (5, 2)  # items 0 and 4
    # Items 0 and 4 are alike in both orders; an unread one is like nothing.
    assert result.value("consistency") == pytest.approx(2 / 5)


def test_judgebench_adds_up_both_orders():
    # Item 4 is a tie and left out. Sums: 2, 1 - 1, 1 + 0, 0 + 0.
    result = measure("judgebench")
    assert (result.n, result.agreed) == (4, 2)


def test_llmbar_is_the_mean_of_both_orders():
    result = measure("llmbar")
    # (2 + 1 + 1 + 0) / 2 of 4 items; alike: item 0 alone.
    assert (result.n, result.agreed, result.value("consistency")) == (4, 2, 0.25)


def test_rewardbench_gives_half_for_what_is_undecided():
    result = measure("rewardbench")
    # Item 0: 1 + 1; 1: 1 + 0; 2: 1 + 1/2; 3: 1/2 + 1/2.
    assert (result.n, result.agreed) == (8, 5.5)


def test_alpacaeval_measures_the_distance_to_the_others():
    result = measure("alpacaeval")
    # Each vote left out in turn. Item 0: A of all three, distance 0. Item 1 (inconsistent, 1/2): only without
    # B do the others agree, on A: distance 1/2. Item 2 (inconsistent): B three times, 1/2 each. Item 3 is
    # unread. Item 4 (tie): only without A, on a tie: 0. Item 5: the other one of two decides, and the judge
    # said A: against A distance 0, against B 1.
    assert (result.n, result.agreed) == (10, pytest.approx(10 - 1 / 2 - 3 / 2 - 1))
    # People: item 1's B against A, 1; item 3's tie against B, 1/2; item 4's A against a tie, 1/2; item 5
    # twice 1.
    assert (result.human_n, result.human_agreed) == (11, pytest.approx(11 - 1 - 1 / 2 - 1 / 2 - 2))


def test_people_are_held_against_the_others_votes():
    # Item 0: 3 of 3. Item 1: only B has agreeing others, and misses. Item 2: 3 of 3. Item 3: the tie misses.
    # Item 4: A against ties. Item 5: each against the other.
    assert (measure("auto-j").human_n, measure("auto-j").human_agreed) == (11, 6)
    # Without what the others call a tie; a vote for a tie is worth a half with RewardBench alone.
    assert (measure("judgebench").human_n, measure("judgebench").human_agreed) == (10, 6)
    assert (measure("rewardbench").human_n, measure("rewardbench").human_agreed) == (10, 6.5)


@pytest.mark.parametrize("rule", ["auto-j", "judgebench", "llmbar"])
def test_one_order_alone_has_no_figure_of_both(rule):
    one_order = [row for row in JUDGMENTS if row.order == AB]
    assert agree(rule, RULINGS, VOTES, one_order).n == 0


said = st.none() | st.sampled_from(Verdict)
pairs = st.lists(st.tuples(said, said), min_size=1, max_size=8)
votes = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from("abc"), st.sampled_from(Winner), st.sampled_from([AB, BA])),
    max_size=20,
    unique_by=lambda row: row[:2],
)
MIRRORED = {A: B, B: A, INCONSISTENT: INCONSISTENT, TIE: TIE, Winner.BOTH_BAD: Winner.BOTH_BAD}


@given(pairs, votes, st.sampled_from(sorted(RULES)))
def test_matches_stored_the_other_way_round_say_the_same(pairs, votes, rule):
    rulings, judgments = judged(*pairs)
    rows = [VoteRow((item, None), voter, "", winner, order) for item, voter, winner, order in votes]
    result = agree(rule, rulings, rows, judgments)
    turned = agree(
        rule,
        [row._replace(outcome=row.outcome and MIRRORED[row.outcome]) for row in rulings],
        [row._replace(winner=MIRRORED[row.winner], order=BA if row.order == AB else AB) for row in rows],
        [row._replace(order=BA if row.order == AB else AB) for row in judgments],
    )
    assert same(result, turned)
    assert all(each.value is None or -1 <= each.value <= 1 for each in figures(result).values())
