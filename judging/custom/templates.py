"""Templates with named fields: a small part of Jinja, in its sandbox, that cannot run long or grow on.

Allowed are fields, comparisons, ``if``, ``for`` over the turns and a few filters that keep a text's size.
There is no arithmetic, no assignment and no call, so that a template takes time and room by its own size and
that of the texts alone.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEMPLATE, LONGEST_PROMPT = 20_000, 2_000_000  # characters
DEEPEST = 2  # loops inside each other
FILTERS = ("trim", "length", "upper", "lower")
PARTS = ("index", "first", "last", "length")  # of loop
TURNS = "turns"
_KINDS = (
    *(nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Neg),
    *(nodes.For, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    nodes.Filter,
)
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][\w-]{0,40}>|^#{1,6} .{1,80}$", re.MULTILINE)

# Nothing from outside is reachable: no functions, no tests, and the filters that are named above.
_JINJA = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    optimized=False,
)
_JINJA.globals.clear()
_JINJA.tests.clear()
_JINJA.filters = {name: _JINJA.filters[name] for name in FILTERS}


class BadTemplate(ValueError):
    """What is wrong with a template, in a sentence, with the line where it has one."""


@dataclass(frozen=True)
class Template:
    """A template that was looked through. Raises BadTemplate when it may not be used or cannot be read.

    ``fields`` are the names that it may use; ``turns`` is a list whose members have ``parts``.
    """

    source: str
    fields: tuple[str, ...]
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.source) > LONGEST_TEMPLATE:
            raise BadTemplate(f"A template has at most {LONGEST_TEMPLATE:,} characters.")
        tree = self._tree
        with _said_plainly():
            _Looker(self.fields, self.parts).look(tree.body, frozenset(), 0)
        self._compiled  # noqa: B018 -- what only the compiler finds is found now

    @property
    def uses_turns(self) -> bool:
        return any(name.name == TURNS for name in self._tree.find_all(nodes.Name))

    @property
    def marks(self) -> set[str]:
        """What stands right beside the fields, and tags and headings: what delimits the texts."""
        fragments = [fragment.strip() for fragment in _CODE.split(self.source)]
        lines = [fragment.splitlines() for fragment in fragments if fragment]
        beside = {line.strip() for each in lines for line in (each[0], each[-1])}
        return {mark for mark in beside | set(_TAG.findall(self.source)) if 2 <= len(mark) <= 80}

    def render(self, material: Mapping[str, object]) -> str:
        """The text with everything in its place. Raises BadTemplate for what this material has not."""
        pieces, size = [], 0
        try:
            for piece in self._compiled.generate(material):
                size += len(piece)
                if size > LONGEST_PROMPT:
                    raise BadTemplate(f"The prompt would have more than {LONGEST_PROMPT:,} characters.")
                pieces.append(piece)
        except (TemplateError, TypeError) as error:
            raise BadTemplate(f"Line {_line_of(error)}: {_plain(str(error))}") from error
        return "".join(pieces)

    @cached_property
    def _tree(self) -> nodes.Template:
        with _said_plainly():
            return _JINJA.parse(self.source)

    @cached_property
    def _compiled(self):
        with _said_plainly():
            return _JINJA.from_string(self.source)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turns what Jinja says of a source into BadTemplate."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise BadTemplate(f"Line {error.lineno}: {_plain(error.message or '')}") from error
    except (RecursionError, MemoryError, SyntaxError, OverflowError) as error:
        raise BadTemplate("The template is nested too deeply.") from error


class _Looker:
    """Walks a template's tree and stops at the first thing that is not allowed."""

    def __init__(self, fields: tuple[str, ...], parts: tuple[str, ...]) -> None:
        self.fields, self.parts = fields, parts

    def look(self, found: list[nodes.Node], loops: frozenset[str], depth: int) -> None:
        for node in found:
            if not isinstance(node, _KINDS):
                word = type(node).__name__.lower()
                raise _bad(node, f"{word} is not part of these templates; see the help above")
            if isinstance(node, nodes.For):
                self._look_at_loop(node, loops, depth)
                continue
            if isinstance(node, nodes.Name):
                self._look_at_name(node, loops, depth)
            elif isinstance(node, nodes.Filter):
                if (
                    node.name not in FILTERS
                    or node.args
                    or node.kwargs
                    or isinstance(node.node, nodes.Filter)
                ):
                    raise _bad(node, f"the filters are {', '.join(FILTERS)}, one at a time and without more")
            elif isinstance(node, nodes.Getattr):
                self._look_at_part(node, node.node, node.attr, loops)
            elif isinstance(node, nodes.Getitem):
                self._look_at_item(node, loops)
            self.look(list(node.iter_child_nodes()), loops, depth)

    def _look_at_name(self, node: nodes.Name, loops: frozenset[str], depth: int) -> None:
        if node.name in self.fields or node.name in loops or (node.name == "loop" and depth):
            return
        raise _bad(node, f"there is no field {node.name}; there are {', '.join(self.fields)}")

    def _look_at_loop(self, node: nodes.For, loops: frozenset[str], depth: int) -> None:
        over_turns = isinstance(node.iter, nodes.Name) and node.iter.name == TURNS
        if not over_turns or not isinstance(node.target, nodes.Name) or node.recursive:
            raise _bad(node, "a loop goes over turns, as in {% for turn in turns %}")
        if node.target.name in (*self.fields, "loop"):
            raise _bad(node, f"{node.target.name} is a field already; name the turn otherwise")
        if depth == DEEPEST:
            raise _bad(node, f"at most {DEEPEST} loops stand inside each other")
        inside = loops | {node.target.name}
        self.look(node.body + ([node.test] if node.test else []), inside, depth + 1)
        self.look(node.else_, loops, depth)

    def _look_at_item(self, node: nodes.Getitem, loops: frozenset[str]) -> None:
        place = node.arg.node if isinstance(node.arg, nodes.Neg) else node.arg
        if not isinstance(place, nodes.Const):
            raise _bad(node, "in brackets stands a number, as in turns[0]")
        if isinstance(place.value, str):
            self._look_at_part(node, node.node, place.value, loops)
        elif not isinstance(node.node, nodes.Name) or node.node.name != TURNS:
            raise _bad(node, "only turns are numbered, as in turns[0]")

    def _look_at_part(self, node: nodes.Node, owner: nodes.Node, part: str, loops: frozenset[str]) -> None:
        if isinstance(owner, nodes.Name) and owner.name == "loop":
            known: tuple[str, ...] = PARTS
        elif isinstance(owner, nodes.Getitem) or (isinstance(owner, nodes.Name) and owner.name in loops):
            known = self.parts
        else:
            raise _bad(node, f"only turns have parts, such as .{self.parts[0]}")
        if part not in known:
            raise _bad(node, f"there is no part {part}; there are {', '.join(known)}")


def _bad(node: nodes.Node, what: str) -> BadTemplate:
    return BadTemplate(f"Line {node.lineno}: {what}.")


def _plain(said: str) -> str:
    return f"{said.rstrip('.')}."


def _line_of(error: BaseException) -> int:
    """The line of the template that was being filled; Jinja puts it into the traceback."""
    return max(_lines(error), default=1)


def _lines(error: BaseException) -> Iterator[int]:
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            yield trace.tb_lineno
        trace = trace.tb_next
