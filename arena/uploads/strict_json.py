"""Strict JSON: no NaN, no key twice, no endless digits. Lists are read item by item."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

LONGEST_NUMBER = 100  # digits
NEAR_END = 16  # characters: an error this near to the end of a window may only mean that the rest is missing
SPACE = re.compile(r"[ \t\n\r]*")


class NotJSON(Exception):
    """Where (a line of the text, from 1) and why reading cannot go on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Parsed(NamedTuple):
    """A value, where it ends, and what is wrong with it although it can be read, or None."""

    value: object
    end: int
    flaw: str | None


class Item(NamedTuple):
    """One item of a list: its line and its number, both from 1, and its value or what is wrong with it."""

    line: int
    number: int
    value: object
    flaw: str | None


class Decoder:
    """Reads one JSON value at a time."""

    def __init__(self) -> None:
        self._flaws: list[str] = []
        self._scan = json.JSONDecoder(
            parse_constant=self._constant, parse_int=self._integer, object_pairs_hook=self._object
        ).raw_decode

    def read(self, text: str) -> Parsed:
        """The one value that the line `text` holds."""
        try:
            parsed = self.read_at(text, skip_space(text, 0))
        except json.JSONDecodeError as error:
            return Parsed(None, len(text), describe(error))
        end = skip_space(text, parsed.end)
        if end < len(text):
            return Parsed(None, end, f"not valid JSON: more text after the value's end (column {end + 1})")
        return parsed

    def read_at(self, text: str, start: int) -> Parsed:
        """The value that begins at `start`. Raises json.JSONDecodeError."""
        self._flaws.clear()
        try:
            value, end = self._scan(text, start)
        except RecursionError:
            return Parsed(None, len(text), "nested too deeply")
        return Parsed(value, end, self._flaws[0] if self._flaws else None)

    def _constant(self, name: str) -> None:
        self._flaws.append(f"{name} is not JSON")

    def _integer(self, digits: str) -> int:
        if len(digits) <= LONGEST_NUMBER:
            return int(digits)
        self._flaws.append(f"a number of more than {LONGEST_NUMBER} digits")
        return 0

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            self._flaws.append("an object has the same key twice")
        return fields


def skip_space(text: str, start: int) -> int:
    match = SPACE.match(text, start)
    return match.end() if match else start


def describe(error: json.JSONDecodeError) -> str:
    return f"not valid JSON: {error.msg} (column {error.colno})"


class ListReader:
    """Reads the items of one JSON list from pieces of its text, with a few items' text in memory.

    An item may have `longest` characters. A window of the text is kept that reaches at least so far beyond
    the place where reading stands, so that an item that does not end in it is too long.
    """

    def __init__(self, pieces: Iterator[str], longest: int) -> None:
        self._pieces = pieces
        self._longest = longest
        self._decoder = Decoder()
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def items(self) -> Iterator[Item]:
        """Every item in order. Raises NotJSON where the text stops being a list."""
        self._expect("[")
        number = 0
        if self._peek() != "]":
            while not number or self._expect(",]") == ",":
                number += 1
                yield self._item(number)
        else:
            self._expect("]")
        if self._peek():
            raise NotJSON(self._line, "not valid JSON: more text after the list's end")

    def _item(self, number: int) -> Item:
        self._peek()
        line, start = self._line, self._at
        try:
            parsed = self._decoder.read_at(self._text, start)
        except json.JSONDecodeError as error:
            self._refuse(number, error)
        if parsed.flaw == "nested too deeply":
            raise NotJSON(line, f"item {number}: {parsed.flaw}")
        self._move(parsed.end)
        if parsed.end - start > self._longest:
            return Item(line, number, None, f"longer than {self._longest:,} characters")
        return Item(line, number, parsed.value, parsed.flaw)

    def _refuse(self, number: int, error: json.JSONDecodeError) -> NoReturn:
        cut = error.pos > len(self._text) - NEAR_END or error.msg.startswith("Unterminated")
        if cut and not self._ended:
            raise NotJSON(self._line, f"item {number}: longer than {self._longest:,} characters")
        line = self._line + self._text.count("\n", self._at, error.pos)
        raise NotJSON(line, f"item {number}: not valid JSON: {error.msg}")

    def _expect(self, signs: str) -> str:
        sign = self._peek()
        if not sign or sign not in signs:
            found = repr(sign) if sign else "the end of the file"
            wanted = " or ".join(repr(one) for one in signs)
            raise NotJSON(self._line, f"not valid JSON: found {found} where {wanted} was expected")
        self._move(self._at + 1)
        return sign

    def _peek(self) -> str:
        """The next character that is not space, with the window filled from there; empty at the end."""
        self._fill()
        self._move(skip_space(self._text, self._at))
        while self._at == len(self._text) and not self._ended:
            self._fill()
            self._move(skip_space(self._text, self._at))
        self._fill()
        return self._text[self._at : self._at + 1]

    def _move(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _fill(self) -> None:
        held = len(self._text) - self._at
        if self._ended or held > self._longest:
            return
        pieces = [self._text[self._at :]]
        # Four times as far as needed, so that the text is copied rarely.
        while held <= 4 * self._longest:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                break
            pieces.append(piece)
            held += len(piece)
        self._text, self._at = "".join(pieces), 0
