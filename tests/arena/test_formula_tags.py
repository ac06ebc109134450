"""Formulas in templates."""

import pytest
from django.template import Context, Template


def render(source: str, **values) -> str:
    return Template("{% load formulas %}" + source).render(Context(values))


def test_a_formula_stands_on_its_own_and_a_symbol_in_its_sentence():
    block = render(r"{% formula %}\frac{a}{b} + {{ number }}{% endformula %}", number=3)
    assert block.startswith('<p class="formula display"><math alttext="\\frac{a}{b} + 3" display="block">')
    assert "<mfrac>" in block
    assert "<mn>3</mn>" in block
    inline = render(r"""for {% symbol "\lambda_i" %} it""")
    assert inline.startswith('for <span class="formula"><math alttext="\\lambda_i">')
    assert inline.endswith("</math></span> it")


@pytest.mark.parametrize(
    "source", [r"{% formula %}\nothing{a{% endformula %}", "{% formula %} {% endformula %}"]
)
def test_what_is_no_formula_is_a_fault(source):
    with pytest.raises(ValueError, match="no formula"):
        render(source)
