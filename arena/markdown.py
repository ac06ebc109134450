"""Markdown of answers and prompts as safe HTML. Pure: text in, HTML out, never an error.

markdown-it-py reads (raw HTML off), pygments colours code by classes, nh3 has the last word. Remote images
become links, because loading one would tell its server who reads. LaTeX becomes MathML, or stays as source.
"""

import time
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any, ClassVar

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.ruler import RuleOptionsType, StateBase
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from arena import highlighting, latex
from arena.formulas import add_math
from arena.highlighting import highlight

VERSION = 2  # of the HTML. Raise it with each change of it: what an older one made is then made anew
SHOWN = 64 * 1024  # characters of a text that are shown
DEEPEST = 18  # lists, items and quotes within each other; a deeper text is shown as it is
CPU_SECONDS = 0.12  # of this thread for one text; a hostile one is then shown as it is

_LINKS = ("http://", "https://", "mailto:")
_TAGS = set(
    "a blockquote br code em h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul".split()  # noqa: SIM905
)
# MathML Core without what carries links, styles, sources or other languages (semantics, annotation-xml).
_MATHML = set(
    "math mfrac mi mmultiscripts mn mo mover mphantom mprescripts mroot mrow mspace".split()  # noqa: SIM905
    + "msqrt msub msubsup msup mtable mtd mtext mtr munder munderover".split()  # noqa: SIM905
)
_LEVELS = {"displaystyle", "scriptlevel"}
_ATTRIBUTES = {
    "*": {"dir"},
    "a": {"href", "title"},
    "ol": {"start"},
    "math": {"alttext"},
    "mfrac": _LEVELS | {"linethickness"},
    "mo": set("largeop lspace maxsize minsize movablelimits rspace stretchy symmetric".split()),  # noqa: SIM905
    "mover": {"accent"},
    "mrow": _LEVELS,
    "mspace": {"width"},
    "mtable": _LEVELS,
    "munder": {"accentunder"},
    "munderover": {"accent", "accentunder"},
}
_VALUES = {
    "math": {"display": {"block"}},
    "mi": {"mathvariant": {"normal"}},
    "pre": {"data-language": set(highlighting.LANGUAGES)},
}
_SIDES = {"center", "right"}
_CLASSES = {
    "p": {"cut", "display", "formula", "plain"},
    "pre": {"hl", "math"},
    "span": set(highlighting.CLASSES) | {"display", "formula", "math"},
    "td": _SIDES,
    "th": _SIDES,
    **{tag: set(latex.CLASSES) for tag in ("mfrac", "mo", "mrow", "mspace", "mtable", "mtd", "mtext")},
}
SANITISER = nh3.Cleaner(
    tags=_TAGS | _MATHML,
    attributes=_ATTRIBUTES,
    tag_attribute_values=_VALUES,
    allowed_classes=_CLASSES,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="nofollow noopener noreferrer",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


class TooSlow(Exception):
    """The text takes more work than an honest one of its length."""


def check_time(env: MutableMapping[str, Any]) -> None:
    if time.thread_time() > env["deadline"]:
        raise TooSlow


def count_address(token: Token, env: MutableMapping[str, Any]) -> None:
    """One address, or one title, may be referred to a thousand times: what they add up to is bounded."""
    env["addresses"] = env.get("addresses", 0) + sum(len(str(value)) for value in token.attrs.values())
    if env["addresses"] > 2 * SHOWN:
        raise TooSlow


class SafeRenderer(RendererHTML):
    """Links with words, images as links, headings below the page's own, direction by a text's letters."""

    ALIGN: ClassVar = {"text-align:right": "right", "text-align:center": "center"}

    def renderToken(  # noqa: N802 -- markdown-it's own name
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token = tokens[idx]
        if token.type.startswith("heading_"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        if token.nesting == 1 and token.block and token.level == 0:  # its insides follow it
            token.attrSet("dir", "auto")
        aligned = self.ALIGN.get(str(token.attrs.pop("style", "")))
        if aligned:
            token.attrSet("class", aligned)
        return super().renderToken(tokens, idx, options, env)

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        count_address(tokens[idx], env)
        env["in_link"] = True
        words = "" if _has_words(tokens, idx + 1) else escape(str(tokens[idx].attrs["href"]))
        return self.renderToken(tokens, idx, options, env) + words

    def link_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        env["in_link"] = False
        return self.renderToken(tokens, idx, options, env)

    def image(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token = tokens[idx]
        count_address(token, env)
        words = self.renderInlineAsText(token.children or [], options, env) or "image"
        if env.get("in_link"):
            return f"Image: {escape(words)}"
        return f'<a href="{escape(str(token.attrs["src"]))}">Image: {escape(words)}</a>'

    def fence(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        words = tokens[idx].info.split(maxsplit=1)
        language = words[0].lower().strip("{}.") if words else ""
        code = highlight(tokens[idx].content, language, env)
        label = f' data-language="{language}"' if language in highlighting.LANGUAGES else ""
        return f'<pre class="hl"{label}><code>{code}</code></pre>\n'


def _has_words(tokens: Sequence[Token], idx: int) -> bool:
    """Whether a link, whose inside begins at ``idx``, has any; one without could not be seen or named."""
    while tokens[idx].type != "link_close":
        if tokens[idx].type == "image" or any(map(str.isprintable, tokens[idx].content.strip())):
            return True
        idx += 1
    return False


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"html": False, "breaks": True, "maxNesting": DEEPEST + 4}, renderer_cls=SafeRenderer
    )
    parser.enable(["table", "strikethrough"])
    parser.validateLink = lambda url: url.lower().startswith(_LINKS)  # type: ignore[method-assign]
    add_math(parser)
    every: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    parser.block.ruler.before("table", "clock", _stop_when_deep, every)
    parser.inline.ruler.before("text", "clock", _stop_when_late)
    return parser


def _stop_when_late(state: StateBase, *_position: object) -> bool:
    """A rule that never matches. Rules are asked at every step, so no nesting escapes the deadline."""
    check_time(state.env)
    return False


def _stop_when_deep(state: StateBlock, *_position: object) -> bool:
    """A rule that never matches. Beyond its own limit, markdown-it would drop the rest of the text."""
    if state.level > DEEPEST:
        raise TooSlow
    return _stop_when_late(state)


def render(text: str) -> str:
    """The safe HTML of a text; of a very long one its beginning; of a hostile one its plain letters."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "�")
    shown = text[:SHOWN]
    parser = _parser()
    try:
        html = SANITISER.clean(parser.render(shown, {"deadline": time.thread_time() + CPU_SECONDS}))
    except (TooSlow, RecursionError, ValueError, IndexError, KeyError):
        html = f'<p class="plain" dir="auto">{escape(shown)}</p>'
    if len(text) > SHOWN:
        html += f'<p class="cut">Cut here: {len(text) - SHOWN:,} more characters are not shown.</p>'
    return html
