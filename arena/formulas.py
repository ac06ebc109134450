r"""LaTeX in markdown: ``$..$``, ``$$..$$``, ``\(..\)`` and ``\[..\]`` become MathML.

What does not parse keeps its source, delimiters included. Without this, markdown would eat the backslashes
and read underscores as emphasis.
"""

import time
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from arena.latex import to_mathml

LONGEST_INLINE = 2000  # characters; also bounds the work on openings that nothing closes
LONGEST_BLOCK = 200  # lines
MOST = 256 * 1024  # characters of HTML for the formulas of one text; further ones keep their source
AROUND = 48  # of them around each formula
Env = MutableMapping[str, Any]
_CLOSING = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"}


def add_math(parser: MarkdownIt) -> None:
    parser.inline.ruler.before("escape", "math", _inline)
    parser.block.ruler.before(
        "fence", "math", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.add_render_rule("math_inline", _render_inline)
    parser.add_render_rule("math_block", _render_block)


def _inline(state: StateInline, silent: bool) -> bool:
    end = _inline_end(state.src, state.pos, state.posMax)
    if end is None:
        return False
    if not silent:
        state.push("math_inline", "span", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _inline_end(source: str, start: int, limit: int) -> int | None:
    """Where the formula that opens at ``start`` ends (exclusive), or None if none opens there."""
    limit = min(limit, start + LONGEST_INLINE)
    opening = source[start : start + 2]
    if opening in _CLOSING:
        end = source.find(_CLOSING[opening], start + 2, limit)
        return end + 2 if end > start + 2 else None
    if not opening.startswith("$"):
        return None
    end = source.find("$", start + 1, limit)
    return end + 1 if end > start + 1 and _is_formula(source, start, end) else None


def _is_formula(source: str, start: int, end: int) -> bool:
    """Whether two dollar signs enclose a formula, not a stretch between two prices ("$5 and $6")."""
    inside = not source[start + 1].isspace() and not source[end - 1].isspace() and source[end - 1] != "\\"
    return inside and not source[end + 1 : end + 2].isdigit()


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    opening = _line(state, start_line)[:2]
    if opening not in ("$$", r"\[") or state.is_code_block(start_line):
        return False
    last = _last_line(state, start_line, end_line, _CLOSING[opening])
    if last is None:
        return False
    if not silent:
        token = state.push("math_block", "pre", 0)
        token.content = "\n".join(_line(state, line) for line in range(start_line, last + 1))
        token.map = [start_line, last + 1]
        state.line = last + 1
    return True


def _last_line(state: StateBlock, start_line: int, end_line: int, closing: str) -> int | None:
    for line in range(start_line, min(end_line, start_line + LONGEST_BLOCK)):
        text = _line(state, line)
        if text.endswith(closing) and (line > start_line or len(text) > 4):
            return line
        if line > start_line and state.sCount[line] < state.blkIndent:
            return None
    return None


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _render_inline(
    _renderer: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: Env
) -> str:
    source = tokens[idx].content
    mathml = _mathml(source, env)
    if not mathml:
        return f'<span class="math">{escape(source)}</span>'
    return f'<span class="formula{_display(source)}">{mathml}</span>'


def _render_block(
    _renderer: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: Env
) -> str:
    source = tokens[idx].content
    mathml = _mathml(source, env)
    if not mathml:
        return f'<pre class="math">{escape(source)}</pre>\n'
    return f'<p class="formula{_display(source)}">{mathml}</p>\n'


def _display(source: str) -> str:
    """The class of a formula that has lines of its own, wherever it was written."""
    return " display" if source.startswith(("$$", r"\[")) else ""


def _mathml(source: str, env: Env) -> str:
    """The MathML of a formula with its delimiters, or "". ``env`` is the text's: it counts what was made."""
    made = env.get("mathml", 0)
    if made > MOST or time.thread_time() > env["deadline"]:
        return ""
    latex = source.strip("$") if source.startswith("$") else source[2:-2]
    mathml = to_mathml(latex.strip(), is_block=bool(_display(source)))
    env["mathml"] = made + len(mathml) + AROUND
    return mathml
