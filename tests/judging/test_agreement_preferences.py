"""Self-preference and the calibration of soft preferences."""

import pytest

from arena.outcomes import INCONSISTENT, Order, Winner
from judging.agreement import RulingRow, VoteRow, gather
from judging.agreement_preferences import PreferenceRow, calibrate, measure_self_preference
from judging.families import family_of

A, B, TIE = Winner.MODEL_A, Winner.MODEL_B, Winner.TIE


def opinions_of(rulings, votes, prompt_of=None):
    """From an outcome an item, and (item, winners) of votes."""
    rows = [
        VoteRow(item, f"v{number}", "", winner, Order.AB)
        for item, winners in votes.items()
        for number, winner in enumerate(winners)
    ]
    judged = [RulingRow(item, outcome, Order.FOLDED) for item, outcome in rulings.items()]
    return gather(judged, rows, prompt_of=prompt_of)


def test_a_judge_beside_people_on_its_own_family():
    opinions = opinions_of(
        {0: A, 1: INCONSISTENT, 2: B, 3: A, 4: A, 5: None},
        {0: [A, B], 1: [A], 2: [B, B, TIE], 3: [B], 5: [A]},
    )
    # Own answers: model_a of 0, model_b of 1 and 2. Item 3 has none or two; 4 has no vote, 5 is unread.
    sides = {0: 1, 1: -1, 2: -1, 3: 0, 4: 1, 5: 1}
    found = measure_self_preference(opinions, sides.get)
    # The judge gives 1, 1/2, 1; people 1/2, 0, (1 + 1 + 1/2) / 3 = 5/6.
    assert found.n == 3
    assert found.judge.value == pytest.approx(2.5 / 3)
    assert found.people.value == pytest.approx((1 / 2 + 0 + 5 / 6) / 3)
    assert found.beyond.value == pytest.approx((2.5 - 4 / 3) / 3)
    assert found.beyond.lower is None  # one prompt


def test_a_lead_on_every_prompt_has_an_interval_above_nothing():
    rulings = {item: A if item % 3 else TIE for item in range(30)}
    opinions = opinions_of(rulings, {item: [TIE] for item in range(30)}, lambda item: item // 2)
    found = measure_self_preference(opinions, lambda _: 1)
    assert 0 < found.beyond.lower < found.beyond.value < found.beyond.upper


def test_without_a_match_of_its_own_there_is_nothing_to_say():
    assert measure_self_preference(opinions_of({0: A}, {0: [A]}), lambda _: 0) is None
    assert measure_self_preference(opinions_of({0: A}, {}), lambda _: 1) is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt4", "gpt"),
        ("GPT 3.5 Turbo", "gpt"),
        ("meta-llama/Llama-3.1-8B", "llama"),
        ("Qwen2.5-7B-Instruct", "qwen"),
        ("Mixtral 8x7B", "mistral"),
        ("vicuna-13b", "llama"),
        ("pandalm-7b", ""),  # not PaLM
        ("GPT-NeoXT-Chat-Base (20B)", ""),  # of others, named after it
        ("gpt4all-j", ""),
        ("GPT-JT-6B", ""),
        ("longest", ""),
        ("", ""),
    ],
)
def test_families_are_told_from_names(name, family):
    assert family_of(name) == family


def test_soft_preferences_meet_peoples_points():
    opinions = opinions_of({}, {0: [A, A, B, TIE], 1: [B], 2: []})
    rows = [
        PreferenceRow(0, Order.AB, 0.85),  # people gave the first (1 + 1 + 0 + 1/2) / 4 = 0.625
        PreferenceRow(0, Order.BA, 0.25),  # the first is model_b now: 0.375
        PreferenceRow(1, Order.AB, 0.89),  # 0
        PreferenceRow(7, Order.AB, 0.5),  # nobody voted
    ]
    found = calibrate(opinions, rows)
    low, high = found.bins
    assert (low.low, low.n, low.said, low.people.value) == (0.2, 4, pytest.approx(0.25), 0.375)
    # From 0.8 to 0.9: said (4 * 0.85 + 0.89) / 5 = 0.858, meant (4 * 0.625 + 0) / 5 = 0.5.
    assert (high.low, high.n) == (0.8, 5)
    assert (high.said, high.people.value) == (pytest.approx(0.858), pytest.approx(0.5))
    # (4 * 0.125 + 5 * 0.358) / 9
    assert (found.n, found.error.value) == (9, pytest.approx((0.5 + 1.79) / 9))


def test_a_sure_preference_stands_in_the_last_bin():
    found = calibrate(opinions_of({}, {0: [A]}), [PreferenceRow(0, Order.AB, 1.0)])
    assert [(each.low, each.high) for each in found.bins] == [(0.9, 1.0)]
    assert found.error.value == 0


def test_no_soft_preference_no_calibration():
    assert calibrate(opinions_of({}, {0: [A]}), []) is None
    assert calibrate(opinions_of({0: A}, {}), [PreferenceRow(0, Order.AB, 0.5)]) is None
