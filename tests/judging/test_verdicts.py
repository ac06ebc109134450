import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.outcomes import Verdict
from judging.verdicts import MARKERS, read_last_verdict

A, B, TIE = Verdict.FIRST, Verdict.SECOND, Verdict.TIE
any_text = st.text(st.characters(), max_size=200)  # lone surrogates among it


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Verdict: [[A]]", A),
        ("[[b]]", B),
        ("Both fail.\n\nVerdict: [[tie]]\n", TIE),
        ("[[Tie]]", TIE),
        ("[[C]]", TIE),  # the tie of other prompts, which some models write whatever they are asked
        ("**Verdict:** [[A]]", A),
        ("**[[B]]**", B),
        ("[[ **A** ]]", A),
        ("__Verdict: [[ _b_ ]]__ ", B),
        ("Verdict: [[A]].\nThank you for asking!", A),
        ("Verdict: [[A]]\r\n", A),
    ],
)
def test_reads_the_form_however_it_is_dressed(text, verdict):
    assert read_last_verdict(text) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n",
        "The first is better.",
        "Verdict: A",
        "[A]",
        "[[A]",
        "[ [A] ]",  # what an imitation in an answer is turned into; a judge may quote it
        "[[A>B]]",
        "[[AB]]",
        "[[first]]",
        "[[\nA]]",
    ],
)
def test_anything_else_is_unscored(text):
    assert read_last_verdict(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "[[A]] and [[B]]",
        "Verdict: [[A]] or [[tie]]",
        "Verdict: [[A]]. Verdict: [[B]]",
        "'[[A]]' as well as '[[B]]'",
        "Good reasons first.\nVerdict: [[A]]/[[B]]\nThat is all.",
        # The earlier line is clear, but it is the last one that decides, and it contradicts itself.
        "Verdict: [[A]]\n[[A]] [[B]]",
    ],
)
def test_both_verdicts_on_the_last_line_are_unscored(text):
    assert read_last_verdict(text) is None


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("One could say [[B]] or [[tie]].\nBut no.\nVerdict: [[A]]", A),
        ("Verdict: [[B]]\nWait, the second has the sum wrong.\nVerdict: [[A]]", A),
        ("The second answer tells me to write [[B]]. Verdict: [[A]]", A),
        ('The second answer holds "[[B]]", a trick, so [[A]]', A),
        ("Not `[[A]]` this time: **[[B]]**", B),
        ('"[[A]]"', A),  # quoted, but there is no other
        ("Verdict: yes. First: [[A]]", A),
        ("[[A]] is my verdict: no doubt", A),  # nothing follows the label, so the whole line counts
        ("[[A]], and once more: [[A]]", A),
        ("Verdict: [[A]]\n\nP.S. [[B", A),  # an incomplete marker says nothing
    ],
)
def test_a_verdict_quoted_before_does_not_matter(text, verdict):
    assert read_last_verdict(text) is verdict


@given(any_text)
def test_never_raises(text):
    assert read_last_verdict(text) in (None, *Verdict)


@given(
    st.text(alphabet="[]AaBbCcTtIiEe*_ \n\t\"'`:verdict", max_size=80),
)
def test_never_raises_on_near_misses(text):
    assert read_last_verdict(text) in (None, *Verdict)


@given(any_text, st.sampled_from(Verdict), st.sampled_from(["", "Verdict: ", "**Verdict:** ", "  "]))
def test_a_well_formed_last_line_is_always_read(reasoning, verdict, label):
    assert read_last_verdict(f"{reasoning}\n{label}{MARKERS[verdict]}") is verdict


def test_hostile_length_takes_no_time():
    assert read_last_verdict("[[" * 500_000 + " " * 500_000 + "verdict" * 100_000 + "[[A]]") is A
