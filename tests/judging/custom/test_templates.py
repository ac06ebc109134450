"""What a template may hold, and the sentence for everything else."""

import pytest

from judging.custom import BadTemplate, Faults
from judging.custom.templates import LONGEST_PROMPT, Template
from judging.protocols import Apart, Question, UnfitProtocol
from tests.judging.custom.specs import pair, single

BOTH = "{{ first }}{{ second }}"
TALK = """\
{% for t in turns %}
Q{{ loop.index }}: {{ t.question }}
A: {{ t.first }}
B: {{ t.second }}
{% endfor %}"""


def texts(shown):
    return [(message.role, message.content) for message in shown]


class TestRender:
    def test_a_chat(self):
        shown = pair().render(Question(("2 + 2?",)), ("4",), ("",))
        asked = "<q>2 + 2?</q>\n[First]\n4\n[Second]\n(empty answer)\n[Ruling]"
        assert texts(shown) == [("system", "Compare."), ("user", asked)]

    def test_without_a_system_text_there_is_no_system_message(self):
        assert [role for role, _ in texts(pair(system=" ").render(Question(("q",)), ("a",), ("b",)))] == [
            "user"
        ]

    def test_a_raw_text_keeps_its_end(self):
        shown = pair(raw=True, system="", template=BOTH + "\n### Ruling: ").render(
            Question(("q",)), ("a",), ("b",)
        )
        assert shown == "ab\n### Ruling: "

    def test_each_answer_by_itself(self):
        shown = single(system="").render(Question(("q",)), ("a",), ("b",))
        assert isinstance(shown, Apart)
        assert [texts(each) for each in shown] == [[("user", f"q\n[Answer]\n{x}")] for x in "ab"]

    def test_turns(self):
        made = pair(system="", template=TALK)
        [(_, asked)] = texts(made.render(Question(("q1", "q2")), ("a1", "a2"), ("b1",)))
        # The second answer has no second turn, which shows as empty.
        assert asked == "Q1: q1\nA: a1\nB: b1\nQ2: q2\nA: a2\nB: (empty answer)"
        assert made.takes == "one turn or more"

    def test_a_template_without_turns_is_for_one_turn(self):
        two = Question(("q1", "q2"))
        assert not pair().fits(two)
        assert not pair().fits(Question(()))
        with pytest.raises(UnfitProtocol, match="takes: one turn"):
            pair().render(two, ("a", "b"), ("c", "d"))

    def test_a_reference_is_empty_where_there_is_none(self):
        made = pair(
            system="", template=BOTH + "{% if reference %}R: {{ reference }}{% else %}none{% endif %}"
        )
        for reference, end in ((("4",), "R: 4"), (None, "none"), ((" ",), "none")):
            [(_, asked)] = texts(made.render(Question(("q",), reference), ("a",), ("b",)))
            assert asked == "ab" + end

    def test_what_a_question_has_not_fails_by_name(self):
        made = Template("{{ turns[1].first }}", ("first", "turns"), ("first",))
        with pytest.raises(BadTemplate, match=r"Line 1: list object has no element 1\."):
            made.render({"turns": [{"first": "a"}]})

    def test_answers_are_not_templates(self):
        [_, (_, asked)] = texts(pair().render(Question(("{{ 7 }}",)), ("{% raw %}",), ("{# x #}",)))
        assert "{{ 7 }}" in asked
        assert "{% raw %}" in asked
        assert "{# x #}" in asked

    def test_filters(self):
        [_, (_, asked)] = texts(
            pair(template=BOTH + "|{{ first|length }}|{{ first|upper }}").render(
                Question(("q",)), ("ab",), ("c",)
            )
        )
        assert asked == "abc|2|AB"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (
            "{{ frist }}",
            "Line 1: there is no field frist; there are question, first, second, reference, turns.",
        ),
        ("a\n{{ first", "Line 2: unexpected end of template"),
        ("\n\n{% if %}", "Line 3: "),
        ("{{ answer }}", "there is no field answer"),
        ("{{ first }}", "The template does not show second"),
        ("nothing", "does not show first"),
        (
            "{% if reference %}" + BOTH + "{% endif %}",
            "does not show first, for a question with no reference.",
        ),
        ("{% for t in turns %}{{ t.first }}{% endfor %}{{ second }}", "second of turn 2 of 2"),
        ("{% for t in turns %}{{ t.frist }}{% endfor %}", "Line 1: there is no part frist"),
        (BOTH + "{{ first.upper }}", "only turns have parts"),
        (BOTH + "{{ ''.__class__ }}", "only turns have parts"),
        (BOTH + "{{ first.__class__.__mro__ }}", "only turns have parts"),
        (BOTH + "{{ turns[0].__class__ }}", "there is no part __class__"),
        (BOTH + "{{ turns[0]['items'] }}", "there is no part items"),
        (BOTH + "{{ first[0:9] }}", "in brackets stands a number"),
        (BOTH + "{{ first[0] }}", "only turns are numbered"),
        (BOTH + "{{ turns[1].first }}", "list object has no element 1"),
        (BOTH + "{{ loop.index }}", "there is no field loop"),
        (BOTH + "{{ self }}", "there is no field self"),
        (BOTH + "{{ first.upper() }}", "call is not part of these templates"),
        (BOTH + "{{ range(9) }}", "call is not part"),
        (BOTH + "{{ first * 999999999 }}", "mul is not part"),
        (BOTH + "{{ 9 ** 9 ** 9 ** 9 }}", "pow is not part"),
        (BOTH + "{{ first ~ second }}", "concat is not part"),
        (BOTH + "{% set x = first %}", "assign is not part"),
        (BOTH + "{% macro m() %}{% endmacro %}", "macro is not part"),
        (BOTH + "{% include 'x' %}", "include is not part"),
        (BOTH + "{% extends 'x' %}", "extends is not part"),
        (BOTH + "{% from 'x' import y %}", "fromimport is not part"),
        (BOTH + "{{ first is defined }}", "test is not part"),
        (BOTH + "{{ first|center(999999999) }}", "the filters are trim, length, upper, lower"),
        (BOTH + "{{ first|attr('upper') }}", "the filters are"),
        (BOTH + "{{ first|upper|lower }}", "one at a time"),
        (BOTH + "{{ first|nothing }}", "the filters are"),
        (BOTH + "{{ first > 3 }}", "not supported"),
        (BOTH + "{% for c in first %}{% endfor %}", "a loop goes over turns"),
        (BOTH + "{% for a, b in turns %}{% endfor %}", "a loop goes over turns"),
        (BOTH + "{% for t in turns recursive %}{% endfor %}", "a loop goes over turns"),
        (BOTH + "{% for first in turns %}{% endfor %}", "first is a field already"),
        (BOTH + "{% for a in turns %}" * 3 + "{% endfor %}" * 3, "at most 2 loops"),
        (BOTH + "{{" + "(" * 5000 + ")" * 5000 + "}}", "nested too deeply"),
        (BOTH + "{% if" + " not" * 4000 + " first %}{% endif %}", "nested too deeply"),
        ("x" * 20_001, "at most 20,000 characters"),
    ],
)
def test_bad_templates_are_refused_in_a_sentence(template, sentence):
    with pytest.raises(Faults) as caught:
        pair(template=template)
    assert list(caught.value.by_field) == ["template"]
    assert sentence in caught.value.by_field["template"]


def test_the_field_at_fault_is_named():
    with pytest.raises(Faults) as caught:
        pair(system="{{ x }}", template="{{ y }}", expression="(", words_first="", words_tie="b")
    assert set(caught.value.by_field) == {"system", "template", "expression", "words_first", "words_tie"}
    with pytest.raises(Faults) as caught:
        pair(system="{{ turns[1].first }}")
    assert list(caught.value.by_field) == ["system"]
    with pytest.raises(Faults) as caught:
        pair(raw=True)
    assert list(caught.value.by_field) == ["system"]


def test_a_prompt_does_not_grow_without_end():
    long = "x" * (LONGEST_PROMPT // 2)
    with pytest.raises(UnfitProtocol, match="more than 2,000,000 characters"):
        pair(template=BOTH * 2).render(Question(("q",)), (long,), (long,))
