import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.outcomes import INCONSISTENT, Order, Winner, mirror
from judging.agreement import RULES, RulingRow, VoteRow, VoterPair, agree, between_voters
from tests.judging.figures import figures, same

A, B, TIE, BAD = Winner.MODEL_A, Winner.MODEL_B, Winner.TIE, Winner.BOTH_BAD
AB, BA, FOLDED, UNKNOWN = Order.AB, Order.BA, Order.FOLDED, Order.UNKNOWN


def votes_on(item, *winners, order=AB, role="", start=0):
    """One vote a winner, by voters v0, v1, ... in turn."""
    return [VoteRow(item, f"v{n}", role, winner, order) for n, winner in enumerate(winners, start)]


def rulings_of(*outcomes, order=FOLDED):
    return [RulingRow(item, outcome, order) for item, outcome in enumerate(outcomes)]


# --- each-vote


def test_each_vote_meets_each_vote():
    # Item 0: A against A, A, B = 2 of 3. Item 1: tie against tie, both bad = 2 of 2.
    votes = votes_on(0, A, A, B) + votes_on(1, TIE, BAD)
    result = agree("each-vote", rulings_of(A, TIE), votes)
    assert (result.rule, result.against) == ("each-vote", "people")
    assert (result.n, result.agreed, result.agreement) == (5, 4, 0.8)
    # Judge said first 3, tie 2; people said first 2, second 1, tie 2. By chance (3*2 + 0*1 + 2*2) / 25 = 0.4;
    # kappa = (0.8 - 0.4) / (1 - 0.4) = 2/3.
    assert result.kappa == pytest.approx(2 / 3)
    # Pairs of people: 3 on item 0, of which AA agrees; 1 on item 1, which agrees (both bad is a tie).
    assert (result.human_n, result.human_agreed, result.human_agreement) == (4, 2, 0.5)
    # Gwet: shares of labels first (3 + 2) / 10, second 1 / 10, tie 4 / 10, so chance is
    # (0.5 * 0.5 + 0.1 * 0.9 + 0.4 * 0.6) / 2 = 0.29; AC1 = (0.8 - 0.29) / 0.71.
    assert result.value("ac1") == pytest.approx(0.51 / 0.71)
    # Krippendorff: 10 labels, 5, 1 and 4 of a kind. Unequal pairs 2 of 10; expected 1 - (20 + 0 + 12) / 90;
    # alpha = 1 - 0.2 / (58 / 90).
    assert result.value("alpha") == pytest.approx(1 - 0.2 * 90 / 58)
    # People, both ways round: first 2 with first, first 2 with second, second 2 with first, tie 2 with tie:
    # margins 4, 2, 2 of 8; chance (16 + 4 + 4) / 64 = 3/8, kappa = (1/2 - 3/8) / (5/8) = 1/5.
    assert result.value("kappa", "people") == pytest.approx(1 / 5)
    # Their alpha weighs a pair on item 0 by 1/2: coincidences AA 1, AB 1, BA 1, tie tie 2; labels 2, 1 and 2.
    # Unequal 2 of 5; expected 1 - (2 + 0 + 2) / 20 = 0.8; alpha = 1 - 0.4 / 0.8.
    assert result.value("alpha", "people") == pytest.approx(0.5)
    assert "f1" not in result.judge


def test_kappa_speaks_of_places_as_the_voter_saw_them():
    # The judge says A of all three; voter 0 saw AB and says A, voters 1 and 2 saw BA and say B and A.
    votes = votes_on(0, A) + votes_on(1, B, order=BA) + votes_on(2, A, order=BA)
    result = agree("each-vote", rulings_of(A, A, A), votes)
    # As shown, (judge, voter): (first, first), (second, first), (second, second). Judge first 1, second 2;
    # voters first 2, second 1: chance (1*2 + 2*1) / 9 = 4/9, kappa = (2/3 - 4/9) / (5/9) = 2/5.
    # In match terms the judge would know one label only, and kappa would be (2/3 - 2/3) / (1/3) = 0.
    assert result.kappa == pytest.approx(2 / 5)


def test_where_the_voters_order_is_unknown_the_judges_stands_in():
    known = agree("each-vote", rulings_of(A, B, order=BA), votes_on(0, A, B, order=BA) + votes_on(1, B))
    unknown = agree(
        "each-vote", rulings_of(A, B, order=BA), votes_on(0, A, B, order=UNKNOWN) + votes_on(1, B)
    )
    assert known == unknown


def test_inconsistent_counts_but_never_agrees_and_unscored_does_not_count():
    votes = votes_on(0, TIE, TIE) + votes_on(1, A) + votes_on(2, B)
    result = agree("each-vote", rulings_of(INCONSISTENT, None, B), votes)
    # Item 0: 2 that do not agree; item 1 unscored; item 2: 1 that agrees.
    assert (result.n, result.agreed, result.inconsistent) == (3, 1, 1)
    # Judge: inconsistent 2, second 1. People: tie 2, second 1. Chance (1*1) / 9;
    # kappa = (1/3 - 1/9) / (8/9) = 1/4.
    assert result.kappa == pytest.approx(1 / 4)


def test_turns_are_items_of_their_own():
    rulings = [RulingRow((7, 1), A, FOLDED), RulingRow((7, 2), B, FOLDED)]
    votes = [VoteRow((7, 1), "v", "", A, AB), VoteRow((7, 2), "v", "", A, AB)]
    assert agree("each-vote", rulings, votes).agreed == 1


# --- MT-bench


def test_mtbench_setups():
    votes = [
        *votes_on(0, A, A, TIE, role="expert"),
        *votes_on(0, B, role="author", start=9),
        *votes_on(1, TIE, B, role="expert"),
        *votes_on(2, B, role="expert"),
    ]
    rulings = rulings_of(A, INCONSISTENT, B)
    s1 = agree("mtbench-s1", rulings, votes)
    # Item 0: A against A, A, tie = 2 of 3; the author is left out. Item 1: a tie against tie, B = 1 of 2.
    # Item 2: 1 of 1.
    assert (s1.n, s1.agreed, s1.inconsistent, s1.against) == (6, 4, 1, "experts")
    # Experts: 3 pairs on item 0, one agrees; 1 on item 1, none.
    assert (s1.human_n, s1.human_agreed) == (4, 1)
    s2 = agree("mtbench-s2", rulings, votes)
    # Without ties: item 0 A against A, A; item 1 nothing; item 2 B against B. Experts: only A with A.
    assert (s2.n, s2.agreed, s2.agreement) == (3, 3, 1.0)
    assert (s2.human_n, s2.human_agreed, s2.human_agreement) == (1, 1, 1.0)
    assert s2.inconsistent == 1  # of the judge's items, whether or not the rule compares them


def test_mtbench_is_against_people_where_none_is_an_expert():
    assert agree("mtbench-s1", rulings_of(A), votes_on(0, A)).against == "people"


# --- PandaLM


def test_pandalm_takes_the_majority():
    votes = [
        *votes_on(0, A, A, B),  # A
        *votes_on(1, B, B, B),  # B
        *votes_on(2, TIE, BAD, A),  # a tie: both bad is one
        *votes_on(3, A, B, TIE),  # none: left out
        *votes_on(4, A, A),  # A, unread: counts as a tie
        *votes_on(5, B),  # no ruling: left out
    ]
    result = agree("pandalm", rulings_of(A, A, INCONSISTENT, A, None), votes)
    assert result.against == "majority"
    # (judge, majority): 0 first first; 1 first second; 2 tie tie; 4 tie first. 2 of 4.
    assert (result.n, result.agreed, result.agreement) == (4, 2, 0.5)
    # Precision: first 1/2, second 0 of 0 = 0, tie 1/2. Recall: first 1/2, second 0/1, tie 1/1.
    assert result.value("precision") == pytest.approx((1 / 2 + 0 + 1 / 2) / 3)
    assert result.value("recall") == pytest.approx((1 / 2 + 0 + 1) / 3)
    # F1 = 2 hits / (said + meant): first 2/4, second 0/1, tie 2/3.
    assert result.value("f1") == pytest.approx((1 / 2 + 0 + 2 / 3) / 3)
    # Chance: judge first 2, tie 2; majority first 2, second 1, tie 1: (4 + 0 + 2) / 16 = 3/8;
    # kappa = (1/2 - 3/8) / (5/8) = 1/5.
    assert result.kappa == pytest.approx(1 / 5)
    # A person against the majority of the others. Item 0 without B: A A, so B misses; without an A: none.
    # Item 1: 3 of 3. Item 2: A against ties, 0 of 1. Item 3: none. Item 4: each A against A, 2 of 2.
    assert (result.human_n, result.human_agreed) == (7, 5)


def test_half_of_the_votes_is_no_majority():
    assert agree("pandalm", rulings_of(A), votes_on(0, A, A, B, TIE)).n == 0


# --- all rules


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("rulings", "votes"),
    [([], []), (rulings_of(A), []), ([], votes_on(0, A)), (rulings_of(A), votes_on(9, A))],
)
def test_nothing_in_common_gives_no_figures(rule, rulings, votes):
    result = agree(rule, rulings, votes)
    assert (result.n, result.agreed) == (0, 0)
    assert {estimate.value for estimate in result.judge.values()} == {None}


@pytest.mark.parametrize("rule", RULES)
def test_kappa_is_none_when_both_sides_know_one_word_only(rule):
    result = agree(rule, rulings_of(A, A), votes_on(0, A) + votes_on(1, A))
    assert (result.agreement, result.kappa) == (1.0 if result.n else None, None)


winners = st.sampled_from(Winner)
orders = st.sampled_from([AB, BA])
voted = st.lists(
    st.builds(
        VoteRow,
        item=st.integers(0, 5),
        voter=st.sampled_from("abcd"),
        role=st.sampled_from(["", "expert", "author"]),
        winner=winners,
        order=orders,
    ),
    max_size=25,
    unique_by=lambda vote: (vote.item, vote.voter),
)
ruled = st.lists(
    st.builds(
        RulingRow,
        item=st.integers(0, 5),
        outcome=st.none() | st.just(INCONSISTENT) | winners,
        order=st.sampled_from(Order),
    ),
    max_size=6,
    unique_by=lambda ruling: ruling.item,
)
FLIPPED = {AB: BA, BA: AB, FOLDED: FOLDED, UNKNOWN: UNKNOWN}


@given(ruled, voted, st.sampled_from(sorted(RULES)), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rulings, votes, rule, rng):
    shuffled = rng.sample(rulings, len(rulings)), rng.sample(votes, len(votes))
    assert same(agree(rule, *shuffled), agree(rule, rulings, votes))
    assert between_voters(shuffled[1], minimum=1) == between_voters(votes, minimum=1)


@given(ruled, voted, st.sampled_from(sorted(RULES)))
def test_a_match_stored_the_other_way_round_says_the_same(rulings, votes, rule):
    other_rulings = [
        ruling._replace(
            outcome=mirror(ruling.outcome) if ruling.outcome else None, order=FLIPPED[ruling.order]
        )
        for ruling in rulings
    ]
    other_votes = [vote._replace(winner=mirror(vote.winner), order=FLIPPED[vote.order]) for vote in votes]
    assert same(agree(rule, other_rulings, other_votes), agree(rule, rulings, votes))
    assert between_voters(other_votes, minimum=1) == between_voters(votes, minimum=1)


@given(ruled, voted, st.sampled_from(sorted(RULES)))
def test_every_share_is_a_share(rulings, votes, rule):
    result = agree(rule, rulings, votes)
    assert 0 <= result.agreed <= result.n
    assert 0 <= result.human_agreed <= result.human_n
    for name, estimate in figures(result).items():
        if estimate.value is not None:
            assert (-1 if name.endswith(("kappa", "ac1", "alpha")) else 0) <= estimate.value <= 1


@given(voted)
def test_a_judge_that_copies_the_only_voter_agrees_fully(votes):
    only = [vote for vote in votes if vote.voter == "a" and vote.role != "author"]
    rulings = [RulingRow(vote.item, vote.winner, FOLDED) for vote in only]
    for rule in RULES:
        result = agree(rule, rulings, only)
        assert result.agreement in (1.0, None)
        assert result.kappa in (1.0, None)


# --- between voters


def test_two_voters_on_what_both_saw():
    votes = [
        *votes_on(0, A, A),
        *votes_on(1, B, TIE),
        *votes_on(2, TIE, BAD),
        *votes_on(3, A),
        *votes_on(4, B, A, A),
    ]
    # v0 and v1 share items 0, 1, 2, 4 and agree on 0 and 2. v0: first 1, second 2, tie 1; v1: first 2, tie 2;
    # chance (1*2 + 2*0 + 1*2) / 16 = 1/4, kappa = (1/2 - 1/4) / (3/4) = 1/3.
    pair = between_voters(votes, minimum=4)
    assert pair == [VoterPair("v0", "v1", 4, 0.5, pytest.approx(1 / 3))]
    # With 1 in common, v2 joins by item 4: v0 and v2 said B and A, kappa (0 - 0) / (1 - 0) = 0;
    # v1 and v2 said A and A: no kappa.
    assert between_voters(votes, minimum=1)[1:] == [
        VoterPair("v0", "v2", 1, 0.0, 0.0),
        VoterPair("v1", "v2", 1, 1.0, None),
    ]
    assert between_voters(votes, minimum=5) == []


def test_two_voters_who_saw_opposite_orders_agree_on_the_match():
    votes = [VoteRow(0, "b", "", A, BA), VoteRow(0, "a", "", A, AB)]
    assert between_voters(votes, minimum=1) == [VoterPair("a", "b", 1, 1.0, None)]


# --- speed


def test_two_judges_on_nine_thousand_votes_take_a_fifth_of_a_second():
    rng = random.Random(2)
    votes = [
        VoteRow(
            item, f"worker {rng.randrange(31) + 31 * n}", "", rng.choice(list(Winner)), rng.choice([AB, BA])
        )
        for item in range(2250)
        for n in range(4)
    ]
    rulings = [RulingRow(item, rng.choice([A, B, TIE]), AB) for item in range(2250)]
    start = time.process_time()  # not a measure: something quadratic in the votes would take minutes
    for _judge in range(2):
        agree("each-vote", rulings, votes)
    between_rules = time.process_time()
    between_voters(votes)
    assert between_rules - start < 5
    assert time.process_time() - between_rules < 5
