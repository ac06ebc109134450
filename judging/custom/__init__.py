"""Judges that an admin writes: a template, a rule that reads what the judge said, and what it may say."""

from judging.custom.protocol import CustomProtocol, Faults, Spec, build, parse_words
from judging.custom.rules import BadRule, Caught
from judging.custom.templates import BadTemplate

__all__ = [
    "BadRule",
    "BadTemplate",
    "Caught",
    "CustomProtocol",
    "Faults",
    "Spec",
    "build",
    "parse_words",
]
