"""Figures with intervals by prompt, against what is known of them."""

import itertools
import time
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from arena.outcomes import Order, Verdict, Winner
from judging.agreement import RULES, JudgmentRow, RulingRow, VoteRow, agree, gather, position_report
from judging.agreement_figures import krippendorff_alpha, quotient
from judging.agreement_intervals import FEWEST, Estimate, estimate, estimate_share
from judging.agreement_votes import paired_tables

A, B = Winner.MODEL_A, Winner.MODEL_B


def mean_of(sums):
    return quotient(sums[..., 0], sums[..., 1])


def test_a_mean_of_equal_prompts_has_students_interval():
    # The jackknife of a mean is its standard error: values 0 to 6 have variance 14 / 3, so sqrt(14 / 3 / 7).
    counts = np.stack([np.arange(7.0), np.ones(7)], axis=1)
    found = estimate(counts, mean_of)
    reach = student.ppf(0.975, 6) * sqrt(14 / 3 / 7)
    assert found == Estimate(3.0, pytest.approx(3 - reach), pytest.approx(3 + reach), 7)
    assert estimate(counts, mean_of, low=2).lower == 2


def test_under_six_prompts_there_is_no_interval():
    counts = np.stack([np.arange(float(FEWEST)), np.ones(FEWEST)], axis=1)
    assert estimate(counts, mean_of).lower is not None
    assert estimate(counts[1:], mean_of) == Estimate(3.0, None, None, 5)
    assert estimate_share(counts[1:, 0] > 2, counts[1:, 1]).lower is None


def test_prompts_without_an_observation_do_not_count():
    counts = np.zeros((9, 2))
    counts[:5, 1] = 1
    assert estimate(counts, mean_of).prompts == 5
    assert estimate(counts[5:], mean_of) == Estimate(None, None, None, 0)


def test_a_share_of_one_is_no_certainty():
    found = estimate_share(np.full(10, 5), np.full(10, 5))
    # As if 10 prompts were 10 observations: 1 / (1 + t^2 / 10) below.
    z = student.ppf(0.975, 9)
    assert (found.lower, found.upper) == (pytest.approx(1 / (1 + z * z / 10)), 1.0)


def test_figures_that_do_not_differ_between_prompts_get_no_interval():
    found = estimate(np.full((10, 2), 3), mean_of)
    assert found == Estimate(1.0, None, None, 10)


@pytest.mark.parametrize(("prompts", "correlation"), [(8, 0.3), (20, 0.3), (60, 0.0)])
def test_the_intervals_hold_what_they_promise(prompts, correlation):
    rng = np.random.default_rng(5)
    held, rounds = 0, 600
    spread = correlation * 0.6 * 0.4
    for _ in range(rounds):
        # Beta with mean 0.6 and the variance that makes votes on one prompt correlated.
        size = 0.6 * 0.4 / spread - 1 if spread else 1e9
        own = rng.beta(0.6 * size, 0.4 * size, prompts)
        wholes = rng.integers(3, 30, prompts)
        found = estimate_share(rng.binomial(wholes, own), wholes)
        held += found.lower <= 0.6 <= found.upper
    assert held / rounds > 0.93  # 95 % with a standard error of 0.9 %


@given(st.lists(st.lists(st.sampled_from([A, Winner.TIE, B]), max_size=4), min_size=2, max_size=6))
def test_alpha_is_krippendorffs(items):
    """Against his definition, pair by pair."""
    votes = [
        VoteRow(item, f"v{number}", "", winner, Order.AB)
        for item, own in enumerate(items)
        for number, winner in enumerate(own)
    ]
    usable = [own for own in items if len(own) > 1]
    values = [value for own in usable for value in own]
    unequal = sum(
        sum(one != other for one, other in itertools.permutations(own, 2)) / (len(own) - 1) for own in usable
    )
    drawn = sum(one != other for one, other in itertools.permutations(values, 2))
    _, coincidences = paired_tables(gather([], votes))
    found = float(krippendorff_alpha(coincidences.sum(0)))
    if drawn:
        expected = 1 - (unequal / len(values)) / (drawn / (len(values) * (len(values) - 1)))
        assert found == pytest.approx(expected)
    else:
        assert np.isnan(found)


def test_places_have_intervals_by_prompt():
    # Matches 2p and 2p + 1 belong to prompt p. In seven prompts the first answer wins whatever it is; in the
    # eighth the judge is consistent.
    rows = []
    for match in range(16):
        second = Verdict.FIRST if match < 14 else Verdict.SECOND
        rows += [
            JudgmentRow(match, None, Order.AB, Verdict.FIRST),
            JudgmentRow(match, None, Order.BA, second),
        ]
    report = position_report(rows, lambda item: item[0] // 2)
    assert (report.consistency, report.bias_first, report.bias_second, report.delta) == (
        2 / 16,
        14 / 16,
        0,
        14 / 16,
    )
    found = report.estimates["first_preference"]
    assert found.value == pytest.approx(log(30.5 / 2.5))  # 28 firsts in pairs and 2 + 2 of a consistent one
    assert found.lower < found.value < found.upper
    assert report.estimates["consistency"].lower > 0
    assert report.estimates["delta"].prompts == 8
    assert position_report(rows).estimates["consistency"].lower is None  # without prompts


def test_fifty_thousand_judgments_and_votes_take_a_second():
    rng = np.random.default_rng(1)
    verdicts, winners = [*Verdict, None], list(Winner)
    said = rng.integers(0, 4, 50_000).tolist()
    judgments = [
        JudgmentRow(n // 2, None, (Order.AB, Order.BA)[n % 2], verdicts[each]) for n, each in enumerate(said)
    ]
    rulings = [RulingRow((n, None), winners[n % 4], Order.FOLDED) for n in range(25_000)]
    chosen = rng.integers(0, 4, 50_000).tolist()
    votes = [
        VoteRow((n // 2, None), f"v{n % 97}", "", winners[each], Order.AB) for n, each in enumerate(chosen)
    ]
    start = time.process_time()  # a bound for what would be quadratic; it takes a third of a second here
    opinions = gather(rulings, votes, judgments, lambda item: item[0] % 500)
    results = [rule(opinions) for rule in RULES.values()]
    position_report(judgments, lambda item: item[0] % 500)
    assert time.process_time() - start < 5
    assert all(result.judge["agreement"].lower is not None for result in results)
    assert agree("each-vote", rulings, votes).n == 50_000
