"""The preference that the probabilities of a verdict's tokens hold; each number is reckoned by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.engines import Alternative, TokenLogprob
from judging.preferences import soft_preference
from judging.verdicts import LABELS, find_last_verdict


def token(text, chance, **others):
    """A token that came with this chance, and others by theirs; "_" in a name stands for "["."""
    top = [(name.replace("_", "["), share) for name, share in others.items()]
    ranked = sorted([(text, chance), *top], key=lambda pair: -pair[1])
    return TokenLogprob(text, math.log(chance), tuple(Alternative(name, math.log(p)) for name, p in ranked))


def plain(*texts):
    return [TokenLogprob(text, -0.1, ()) for text in texts]


def preference(tokens):
    text = "".join(each.token for each in tokens).strip()
    found = find_last_verdict(text)
    return found and soft_preference(text, found.place, LABELS, tokens)


A, B, TIE = 0.6, 0.2, 0.1
SPLIT = {
    "a token by itself": [*plain("Verdict:", " [["), token("A", A, B=B, tie=TIE), *plain("]]")],
    "with the brackets before it": [*plain("Verdict: "), token("[[A", A, __B=B, __tie=TIE), *plain("]]")],
    "with one bracket": [*plain("Verdict: ["), token("[A", A, _B=B, _tie=TIE), *plain("]]")],
    "with what follows": [*plain("Verdict: [["), token("A]]", A, **{"B]]": B, "tie]]": TIE})],
    "whole": [*plain("Verdict:"), token(" [[A]]", A, **{" [[B]]": B, " [[tie]]": TIE})],
    "a space before it": [*plain("[["), token(" A", A, **{" B": B, " tie": TIE}), *plain(" ]]")],
    "tie in letters": [*plain("[["), token("A", A, B=B, t=TIE), *plain("]]")],
    "emphasis": [*plain("[[**"), token("A", A, B=B, ti=TIE), *plain("**]]")],
    "C for a tie": [*plain("[["), token("A", A, B=B, C=TIE), *plain("]]")],
    "small letters": [*plain("[["), token("a", A, B=B, Tie=TIE), *plain("]]")],
    "labels split in two ways at once": [
        *plain("[["),
        token("A", A, **{"B": 0.15, "B]]": 0.05, "tie": TIE}),
        *plain("]]"),
    ],
    "an end mark that the text lacks": [*plain(" [["), token("A", A, B=B, tie=TIE), *plain("]]", "")],
}


@pytest.mark.parametrize("tokens", SPLIT.values(), ids=SPLIT)
def test_a_label_however_it_is_split(tokens):
    found = preference(tokens)
    # (0.6 * 1 + 0.1 * 0.5) / 0.9, and 0.1 on no label
    assert found.points == pytest.approx(0.65 / 0.9)
    assert found.mass == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("first", "points", "mass"),
    [
        (token("A", 0.5), 1.0, 0.5),  # nothing listed beside it
        (token("B", 0.9, A=0.1), 0.1, 1.0),
        (token("tie", 0.4, A=0.3, B=0.3), 0.5, 1.0),
        (token("t", 1.0), 0.5, 1.0),
        (token("A", 0.5, An=0.2, Apple=0.1, Both=0.1), 1.0, 0.5),  # words that begin like a label are none
        (token("A", 0.5, the=0.4), 1.0, 0.5),
        (token("A", 1.0, B=1e-9), 1.0, 1.0),
    ],
)
def test_missing_labels_ties_and_other_words(first, points, mass):
    rest = {"A": "]]", "B": "]]", "tie": "]]", "t": "ie]]"}[first.token]
    found = preference([*plain("[["), first, *plain(rest)])
    assert found.points == pytest.approx(points, abs=1e-6)
    assert found.mass == pytest.approx(mass)


def test_the_verdict_that_was_read_counts_not_one_quoted_before():
    tokens = [
        *plain("Not [["),
        token("A", 0.9, B=0.1),
        *plain("]].\nVerdict: [["),
        token("B", 0.8, A=0.2),
        *plain("]]"),
    ]
    assert preference(tokens).points == pytest.approx(0.2)


def test_nothing_is_made_up():
    assert preference(plain("I cannot say.")) is None
    tokens = plain("[[", "A", "]]")
    assert soft_preference("another text [[A]]", 15, LABELS, tokens) is None
    assert soft_preference("[[A]]", 2, LABELS, []) is None
    assert soft_preference("[[A]]", 2, LABELS, [*plain("[["), token("A", 1.0)][:1]) is None


def test_case_tells_labels_apart_only_where_nothing_else_does():
    labels = {"m": next(iter(LABELS.values())), "M": LABELS["b"]}
    found = soft_preference("M", 0, labels, [token("M", 0.6, m=0.2)])
    assert found == (pytest.approx(0.25), pytest.approx(0.8))


@given(
    st.text(max_size=20),
    st.sampled_from(["A", "B", "tie"]),
    st.dictionaries(st.text(min_size=1, max_size=4), st.floats(-30, 0), max_size=6),
)
def test_it_stays_between_nought_and_one(before, label, others):
    top = tuple(Alternative(*pair) for pair in others.items())
    tokens = [*plain(before, "\n[["), TokenLogprob(label, -1.0, top), *plain("]]")]
    found = preference(tokens)
    if found:
        assert 0 <= found.points <= 1
        assert 0 < found.mass <= 1
