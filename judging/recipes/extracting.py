"""Taking texts out of another project's file, by its format. Nothing of a file is ever run."""

import ast
import json
import re
from collections.abc import Callable

from judging.recipes.contract import Source
from judging.recipes.python_texts import MissingText, text_at

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)\n?<\|im_end\|>", re.DOTALL)


class BadFile(ValueError):
    """A file is not what its recipe says; the message says why, in a sentence without the file's name."""


def extract(source: Source, content: bytes) -> dict[str, str]:
    """The source's texts by their names here. Raises BadFile."""
    try:
        find = FORMATS[source.format](content.decode("utf-8"))
        return {name: find(address) for name, address in source.texts.items()}
    except MissingText as missing:
        raise BadFile(f"holds no {missing}") from missing
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError) as error:
        raise BadFile(f"cannot be read as {source.format}") from error


Find = Callable[[str], str]  # from an address to the text there; raises MissingText


def read_python(content: str) -> Find:
    """Addresses as `python_texts.text_at` takes them."""
    tree = ast.parse(content)
    return lambda address: text_at(tree, address)


def read_jsonl(content: str) -> Find:
    """``name:key``: a key of the row with that name."""
    rows = {row["name"]: row for row in map(json.loads, filter(str.strip, content.split("\n")))}

    def find(address: str) -> str:
        name, _, key = address.partition(":")
        return _text(rows.get(name, {}).get(key), address)

    return find


def read_json(content: str) -> Find:
    """``key.key.0``: keys and places, from the top."""
    data = json.loads(content)

    def find(address: str) -> str:
        node = data
        for step in address.split("."):
            if isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            elif isinstance(node, dict):
                node = node.get(step)
            else:
                raise MissingText(address)
        return _text(node, address)

    return find


def read_yaml(content: str) -> Find:
    """``key``: a key of the top level whose value is a block (``|``, ``|-``) or stands in double quotes.

    Of YAML no more is read, so that a whole library is not needed for two files.
    """
    lines = content.splitlines()

    def find(address: str) -> str:
        for number, line in enumerate(lines):
            key, colon, value = line.partition(":")
            if colon and key == address:
                return _scalar(value.strip(), lines[number + 1 :], address)
        raise MissingText(address)

    return find


def _scalar(value: str, rest: list[str], address: str) -> str:
    if value.startswith('"'):
        return _text(json.loads(value), address)
    if value not in ("|", "|-"):
        raise MissingText(address)
    block = []
    for line in rest:
        if line and not line[0].isspace():
            break
        block.append(line)
    indent = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
    text = "\n".join(line[indent:] for line in block).rstrip("\n")
    return _text(text + ("\n" if value == "|" else "") if text else None, address)


def read_turns(content: str) -> Find:
    """``role``: what that role says in a text of <|im_start|>role ... <|im_end|>."""
    turns = dict(_TURN.findall(content))
    return lambda address: _text(turns.get(address), address)


def read_markdown(content: str) -> Find:
    """``address``: that address in the first block of Python code that has it."""
    blocks = [ast.parse(code) for language, code in _FENCE.findall(content) if language == "python"]

    def find(address: str) -> str:
        for tree in blocks:
            try:
                return text_at(tree, address)
            except MissingText:
                continue
        raise MissingText(address)

    return find


def _text(value: object, address: str) -> str:
    if not isinstance(value, str):
        raise MissingText(address)
    return value


FORMATS: dict[str, Callable[[str], Find]] = {
    "Python": read_python,
    "JSON": read_json,
    "JSONL": read_jsonl,
    "YAML": read_yaml,
    "chat turns": read_turns,
    "Markdown": read_markdown,
}
