"""LaTeX formulas as MathML Core: without inline styles, their source in ``alttext``. Pure, never an error."""

import re
from html import escape

from math_core import LatexError, LatexToMathML

# The library recurses in native code: within these two it needs less than 1 MiB of a thread's stack.
LONGEST = 2000  # characters of one formula
DEEPEST = 50  # braces in braces
WIDEST = 10.0  # em of one space, so that no formula reaches far out of its place

# Formulas that define commands keep their source: a definition may grow without end, and none is needed.
_DEFINES = re.compile(r"\\(?:[a-z]*def|let|global|[a-z]*command|Declare[a-zA-Z]*)(?![a-zA-Z])")
_NO_INK = re.compile(r"\\label\{[^{}]*\}|@\{[^{}]*\}")
_WORDS = re.compile(r"(\\(?:text|mbox|texttt|textrm|textbf|textit)\{)([^{}]*)\}")
# Environments that number their lines or that the library does not know, and what stands for them.
_ENVIRONMENTS = {
    "align": "aligned", "alignat": "aligned", "aligned": "aligned", "eqnarray": "aligned", "equation": "",
    "flalign": "aligned", "gather": "gathered", "gathered": "gathered", "multline": "gathered",
    "smallmatrix": "matrix", "split": "aligned",
}  # fmt: skip
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(" + "|".join(_ENVIRONMENTS) + r")\*?\}(?:\{\d+\}|\[[tbc]\])?")
_MACROS = {
    "abs": r"\left|#1\right|", "dotsb": r"\cdots", "dotsc": r"\ldots", "ensuremath": "#1", "hfill": r"\quad",
    "mbox": r"\text{#1}", "norm": r"\left\|#1\right\|", "substack": r"\begin{subarray}{c}#1\end{subarray}",
    "tag": r"\qquad\text{(#1)}",
}  # fmt: skip
_READER = LatexToMathML(
    macros=_MACROS, fancy_error=False, max_expansions=200, allow_unreliable_rendering=True
)

# The library aligns cells and draws lines by inline styles, which the site's policy forbids: each of these
# declarations has a class instead. Colours have none, because nobody answers for their contrast.
_CLASSES = {
    "text-align:left": "left", "text-align:right": "right",
    "padding-left:0": "tight-left", "padding-right:0": "tight-right", "padding-left:1em": "far-left",
    "border-left:0.05em solid currentcolor": "line-left",
    "border-left:0.05em dashed currentcolor": "line-left",
    "border-right:0.05em solid currentcolor": "line-right",
    "border-right:0.05em dashed currentcolor": "line-right",
    "border-top:0.05em solid currentcolor": "line-top",
    "border-top:0.05em dashed currentcolor": "line-top",
    "margin-left:-0.16666667em": "back", "margin-left:-0.0833em": "back",
    "bar": "bar", "box": "boxed", "updiagonalstrike": "struck-up", "downdiagonalstrike": "struck-down",
    "b": "bold", "i": "italic", "code": "typed",
}  # fmt: skip
CLASSES = frozenset(_CLASSES.values())
_START = re.compile(r"<(\w+)((?: [\w-]+=\"[^\"]*\")+)(/?)>")
_ATTRIBUTE = re.compile(r" ([\w-]+)=\"([^\"]*)\"")
_BAR = (
    '<mo stretchy="true">\u0332</mo>'  # over and under; no two fonts agree where it is, so a border draws it
)
_MARKED = re.compile(r"<mtext><(b|i|code)>([^<]*)</\1></mtext>")


def to_mathml(latex: str, is_block: bool) -> str:
    """The MathML of a formula, or "" if it does not parse or is out of bounds."""
    if not latex or len(latex) > LONGEST or _DEFINES.search(latex) or _depth(latex) > DEEPEST:
        return ""
    try:
        mathml = _READER.convert_with_local_state(_known(latex), displaystyle=is_block)
    except LatexError:
        return ""
    mathml = mathml.replace(_BAR, '<mo style="bar">\u203e</mo>')
    mathml = _MARKED.sub(r'<mtext style="\1">\2</mtext>', mathml)
    mathml = _START.sub(_without_styles, mathml).replace("</menclose>", "</mrow>")
    return mathml.replace("<math", f'<math alttext="{escape(latex)}"', 1)


def _depth(latex: str) -> int:
    depth = deepest = 0
    for brace in re.findall(r"\\.|[{}]", latex):
        depth += (brace == "{") - (brace == "}")
        deepest = max(deepest, depth)
    return deepest


def _known(latex: str) -> str:
    """The same formula in words that the library knows. Lines outside of an environment get one."""
    latex = _ENVIRONMENT.sub(_environment, _NO_INK.sub("", latex))
    latex = _WORDS.sub(_words, latex)
    if r"\begin" not in latex and re.search(r"\\\\|(?<!\\)&", latex):
        name = "aligned" if "&" in latex else "gathered"
        latex = rf"\begin{{{name}}}{latex}\end{{{name}}}"
    return latex


def _environment(match: re.Match[str]) -> str:
    name = _ENVIRONMENTS[match[2]]
    return rf"\{match[1]}{{{name}}}" if name else ""


def _words(match: re.Match[str]) -> str:
    r"""Words may hold a bare underscore and formulas of their own: ``\text{if $x$ is a_b}``."""
    command, pieces = match[1], match[2].split("$")
    if len(pieces) % 2 == 0:
        return match[0]
    pieces[::2] = [command + re.sub(r"(?<!\\)_", r"\\_", words) + "}" for words in pieces[::2]]
    return "{" + "".join(pieces) + "}" if len(pieces) > 1 else pieces[0]


def _without_styles(match: re.Match[str]) -> str:
    """A start tag with classes in place of styles."""
    tag, kept, classes = match[1], "", set()
    for name, value in _ATTRIBUTE.findall(match[2]):
        if name == "style":
            classes |= {_CLASSES.get(each.strip().replace(": ", ":")) for each in value.split(";")}
        elif name == "notation":
            classes |= {_CLASSES.get(each) for each in value.split()}
        elif name == "width":
            kept += f' width="{min(WIDEST, float(value.rstrip("remx")))}em"'
        elif name != "class":
            kept += f' {name}="{value}"'
    names = " ".join(sorted(filter(None, classes)))
    marked = f' class="{names}"' if names else ""
    return f"<{'mrow' if tag == 'menclose' else tag}{kept}{marked}{match[3]}>"
