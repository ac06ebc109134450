"""Texts in a Python file, read from its syntax tree; nothing of the file is run."""

import ast
import re
from collections.abc import Iterator

_STEP = re.compile(r"(\w+)(?:#(\d+))?")
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class MissingText(ValueError):
    """There is no such text at that address."""


def text_at(tree: ast.Module, address: str) -> str:
    """The text at an address such as ``Class.method.name#1``, ``call.keyword``, ``rows.0.content``.

    A step is a class, a function, a name that is assigned to (``#1``: the second time), a keyword of a call,
    a key of a dict, or a place in a list; a list made by a loop is its element. What an f-string puts in
    becomes {name}. Raises MissingText.
    """
    steps = address.split(".")
    node: ast.AST = tree
    for position, step in enumerate(steps):
        found = _enter(node, step)
        if found is None:
            raise MissingText(".".join(steps[: position + 1]))
        node = found
    text = _value(node)
    if text is None:
        raise MissingText(address)
    return text


def _enter(node: ast.AST, step: str) -> ast.AST | None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return _enter_scope(node, step)
    if isinstance(node, ast.Call):
        return next((keyword.value for keyword in node.keywords if keyword.arg == step), None)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return next((value for key, value in pairs if key is not None and _value(key) == step), None)
    if isinstance(node, ast.List | ast.Tuple) and step.isdecimal() and int(step) < len(node.elts):
        return node.elts[int(step)]
    return None


def _enter_scope(node: ast.AST, step: str) -> ast.AST | None:
    parsed = _STEP.fullmatch(step)
    if parsed is None:
        return None
    name, number = parsed[1], int(parsed[2] or 0)
    found = [each for each in _named(node, name)]
    return found[number] if number < len(found) else None


def _named(node: ast.AST, name: str) -> Iterator[ast.AST]:
    """Definitions and assigned values of a name in a scope, branches included, in the order of the file."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITIONS):
            if child.name == name:
                yield child
            continue
        if isinstance(child, ast.Assign):
            targets, value = child.targets, child.value
        elif isinstance(child, ast.AnnAssign) and child.value is not None:
            targets, value = [child.target], child.value
        else:
            yield from _named(child, name)
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            yield value


def _value(node: ast.AST) -> str | None:
    """The text that an expression of literals stands for; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return _join([_piece(part) for part in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _join([_value(node.left), _value(node.right)])
    if isinstance(node, ast.ListComp):
        return _value(node.elt)
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "strip":
            text = _value(function.value)
            return None if text is None else text.strip()
    return None


def _piece(part: ast.AST) -> str | None:
    """A part of an f-string."""
    if not isinstance(part, ast.FormattedValue):
        return _value(part)
    plain = isinstance(part.value, ast.Name) and part.conversion == -1 and part.format_spec is None
    return f"{{{part.value.id}}}" if plain and isinstance(part.value, ast.Name) else None


def _join(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None
