"""An engine that plays recorded texts: the demo's judge, and the tests' stand-in through the real door."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from arena.engines.base import Completion, EngineError, Request, storable


@dataclass(frozen=True)
class ScriptedEngine:
    """Give each request the text that `script` holds under the request's key.

    `script` is a mapping from key to text, or the path of a JSONL file of rows {"key": ..., "text": ...}. A
    key that it lacks gets the final error `no_script`. Raises ValueError, naming the line, for another file.
    """

    script: Mapping[str, str] | str | PathLike[str]

    def __post_init__(self) -> None:
        if not isinstance(self.script, Mapping):
            object.__setattr__(self, "script", read_script(Path(self.script)))

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Exactly one completion per request, in the requests' order."""
        assert isinstance(self.script, Mapping)
        for request in requests:
            yield _completion(request.key, self.script.get(request.key))


def read_script(path: Path) -> dict[str, str]:
    """The texts of a script file by key. Raises ValueError for a bad row or a key that comes twice."""
    script: dict[str, str] = {}
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            key, text = _entry(path.name, number, line)
            if key in script:
                raise ValueError(f"{path.name}, line {number}: the key {key!r} comes twice.")
            script[key] = text
    return script


def _entry(name: str, number: int, line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        key, text = row["key"], row["text"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f'{name}, line {number}: wanted {{"key": ..., "text": ...}}.') from error
    if not (isinstance(key, str) and isinstance(text, str)):
        raise ValueError(f"{name}, line {number}: the key and the text must be strings.")
    return key, text


def _completion(key: str, text: str | None) -> Completion:
    error = None
    if text is None:
        message = f"The script has no text for {key!r}; add a row with this key."
        error = EngineError("no_script", message, retry_after=None, final=True)
    return Completion(
        key=key,
        text=None if text is None else storable(text),
        finish_reason=None if text is None else "stop",
        model="scripted",
        fingerprint=None,
        tokens_in=None,
        tokens_out=None,
        seconds=0.0,
        error=error,
    )
