"""Formulas in templates, written as LaTeX and sent as MathML."""

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString, mark_safe

from arena.latex import to_mathml

register = template.Library()


@register.simple_block_tag
def formula(content: str) -> SafeString:
    """A formula on lines of its own. A template's formula that does not parse is a fault: ValueError."""
    return mark_safe(f'<p class="formula display">{_mathml(content.strip(), True)}</p>')  # noqa: S308


@register.simple_tag
def symbol(latex: str) -> SafeString:
    """A short formula within a sentence."""
    return mark_safe(f'<span class="formula">{_mathml(latex, False)}</span>')  # noqa: S308


@lru_cache(maxsize=256)
def _mathml(latex: str, is_block: bool) -> str:
    mathml = to_mathml(latex, is_block)
    if not mathml:
        raise ValueError(f"no formula: {latex}")
    return mathml
