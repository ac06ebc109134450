"""Reading what a repository says: its settings, which anybody may have written."""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from typing import Any, NamedTuple

from arena.repositories.contract import Listing, Refused

INDEX = "model.safetensors.index.json"
SETTINGS_BYTES = 4 * 2**20  # of one settings file
HEADER_BYTES = 25 * 2**20  # of one file of weights
FIRST_BYTES = 100_000  # in which most headers end
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5")


def refuse_scripts(listing: Listing) -> None:
    """Raises Refused where there is code."""
    if scripts := matching(listing.files, "*.py"):
        raise Refused(
            "remote_code",
            f"{listing.source} holds code ({some(scripts)}); none is taken. Submit a repository with "
            "weights and settings alone.",
        )


def refuse_pickles(listing: Listing) -> None:
    """Why there are no weights as safetensors. Raises Refused."""
    source = listing.source
    if pickles := [name for pattern in PICKLES for name in matching(listing.files, pattern)]:
        raise Refused(
            "pickle_weights",
            f"The weights of {source} are pickles ({some(pickles)}), which can run code when read; "
            "convert them to safetensors.",
        )
    raise Refused("no_weights", f"{source} holds no weights as safetensors; add them.")


def settings_in(listing: Listing, name: str) -> dict[str, Any]:
    """The object in one of its JSON files. Raises Refused, and OutOfReach."""
    source = listing.source
    if listing.files[name] > SETTINGS_BYTES:
        raise Refused("bad_config", f"The {name} of {source} is larger than 4 MiB; it cannot be settings.")
    try:
        found = json.loads(listing.read(name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("bad_config", f"The {name} of {source} is not a JSON object; mend it.")
    return found


def architecture_in(config: Mapping[str, Any]) -> str:
    """The first that a model's settings name; empty when they name none."""
    named = config.get("architectures")
    return named[0] if isinstance(named, list) and named and isinstance(named[0], str) else ""


class Tensor(NamedTuple):
    """What a file of weights says of one of its tensors."""

    dtype: str
    shape: tuple[int, ...]


def tensors_in(listing: Listing, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file by its header alone. Raises Refused, and OutOfReach."""
    first = listing.piece(name, 0, FIRST_BYTES) if listing.files[name] else b""
    size = int.from_bytes(first[:8], "little")
    header = first[8 : 8 + size]
    if len(header) < size <= HEADER_BYTES:
        header += listing.piece(name, len(first), size - len(header))
    try:
        found = json.loads(header)
        return {
            key: Tensor(word(each["dtype"]), tuple(map(int, each["shape"])))
            for key, each in found.items()
            if key != "__metadata__"
        }
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, OverflowError) as error:
        words = f"The {name} of {listing.source} is no whole file of safetensors; upload it again."
        raise Refused("bad_weights", words) from error


def matching(files: Iterable[str], pattern: str) -> list[str]:
    """Names at the top that match; folders below belong to other formats."""
    return sorted(name for name in files if "/" not in name and fnmatch(name.lower(), pattern))


def some(names: list[str]) -> str:
    """The first two of many names."""
    return ", ".join(names[:2]) + (" and more" if len(names) > 2 else "")


def word(value: object, length: int = 40) -> str:
    """A text as it is, at its longest so many characters; anything else is none."""
    return value[:length] if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A number above zero that a column holds; anything else is 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
