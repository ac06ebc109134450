from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.outcomes import Verdict
from judging.baselines import BASELINES, rule
from judging.protocols import Question
from judging.verdicts import read_last_verdict

QUESTION = Question(turns=("Name a colour.", "And another."))
texts = st.lists(st.text(max_size=30), min_size=1, max_size=3).map(tuple)


def ask(name, first, second, key="7/AB", seed=1):
    return rule(name, question=QUESTION, first=first, second=second, key=key, seed=seed)


def test_longest_counts_characters_over_all_turns():
    # 4 + 2 = 6 characters against 5 + 0; an umlaut is one character.
    ruling = ask("longest", ("blau", "rö"), ("green", ""))
    assert ruling.verdict is Verdict.FIRST
    assert ruling.raw_text == "First answer 6 characters, second 5. [[A]]"


def test_longest_is_the_same_answer_in_both_orders():
    assert ask("longest", ("ab",), ("abc",)).verdict is Verdict.SECOND
    assert ask("longest", ("abc",), ("ab",)).verdict is Verdict.FIRST


def test_longest_calls_equal_lengths_a_tie():
    ruling = ask("longest", ("red", ""), ("", "sky"))
    assert ruling.verdict is Verdict.TIE
    assert ruling.raw_text == "First answer 3 characters, second 3. [[tie]]"


def test_random_is_fixed_for_a_seed_and_a_key():
    assert ask("random", ("a",), ("b",)) == ask("random", ("other",), ("texts",))


def test_random_depends_on_seed_and_key():
    by_key = {ask("random", ("a",), ("b",), key=f"{n}/AB").verdict for n in range(30)}
    by_seed = {ask("random", ("a",), ("b",), seed=n).verdict for n in range(30)}
    assert by_key == by_seed == set(Verdict)


def test_random_gives_each_verdict_a_third():
    counts = Counter(ask("random", ("a",), ("b",), key=f"{n}/BA").verdict for n in range(3000))
    # Of 3000, 1000 each; the standard deviation is sqrt(3000 * 1/3 * 2/3) = 26, so 130 is five of them.
    assert all(abs(counts[verdict] - 1000) < 130 for verdict in Verdict)


@given(st.sampled_from(sorted(BASELINES)), texts, texts, st.text(max_size=20), st.integers())
def test_the_raw_text_reads_as_the_verdict(name, first, second, key, seed):
    ruling = ask(name, first, second, key, seed)
    assert read_last_verdict(ruling.raw_text) is ruling.verdict


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="'shortest'; there are longest, random"):
        ask("shortest", ("a",), ("b",))
