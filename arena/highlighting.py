"""Code in colour: pygments tokens as ``<span class="h-...">``, for languages that answers use."""

import time
from collections.abc import MutableMapping
from html import escape
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Text
from pygments.util import ClassNotFound

LONGEST = 12 * 1024  # characters of code in colour, for one text; the rest stays plain
_NAMES = """
    bash c c++ cpp csharp cs css dart diff docker dockerfile elixir erlang fortran go haskell html ini java
    javascript js json jsx julia kotlin latex lisp lua makefile matlab nim objc ocaml perl php powershell
    prolog py python python3 r rb ruby rs rust scala scheme sh shell sql swift tex toml ts tsx typescript vb
    xml yaml yml zig
"""
LANGUAGES = frozenset(_NAMES.split())
# With a prefix, because the site has short classes of its own: pygments says "sr" of a regular expression.
_CLASSES = {kind: f"h-{css}" for kind, css in STANDARD_TYPES.items() if css}
CLASSES = frozenset(_CLASSES.values())


def highlight(code: str, language: str, env: MutableMapping[str, Any]) -> str:
    """The code as escaped HTML. ``env`` is the text's: it counts what was coloured and holds its deadline."""
    coloured = env.get("coloured", 0) + len(code)
    lexer = _lexer(language)
    if lexer is None or coloured > LONGEST:
        return escape(code)
    env["coloured"] = coloured
    return "".join(_spans(lexer, code, env.get("deadline")))


def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _spans(lexer: Lexer, code: str, deadline: float | None):
    done = 0
    for start, kind, value in lexer.get_tokens_unprocessed(code):
        css = _CLASSES.get(kind)
        yield f'<span class="{css}">{escape(value)}</span>' if css and kind not in Text else escape(value)
        done = start + len(value)
        if deadline is not None and time.thread_time() > deadline:
            break
    yield escape(code[done:])
