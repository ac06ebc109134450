"""What is known of a repository, and the words for why it is not taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


class Refused(Exception):
    """This repository, as it is, cannot be served: a code, and a sentence with the next step."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class OutOfReach(Exception):
    """Nothing is known of the repository now; it may be asked for again."""


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit, by name with their sizes in bytes, and how to read one.

    ``commit`` is empty for a folder. ``read`` gives the bytes of a small file; it raises Refused where that
    is not allowed, and OutOfReach; of a folder OSError. So does ``piece``, which gives so many bytes of a
    large file from a place on, or fewer at its end.
    """

    source: str
    commit: str
    files: Mapping[str, int]
    read: Callable[[str], bytes]
    piece: Callable[[str, int, int], bytes]
    licence: str = ""


@dataclass(frozen=True)
class Facts:
    """What a model that can be served is: ``weights`` in bytes, ``context`` in tokens (0: not said)."""

    commit: str
    architecture: str
    weights: int
    dtype: str = ""
    context: int = 0
    quantization: str = ""
    licence: str = ""


@dataclass(frozen=True)
class AdapterFacts:
    """What a LoRA adapter is: its ``rank``, ``weights`` in bytes, and the ``base`` that it was made on."""

    commit: str
    rank: int
    weights: int
    base: str = ""
    licence: str = ""
