"""Specs of custom judges for tests; each argument changes one thing."""

from judging.custom import CustomProtocol, Spec, build

PAIR = {
    "asks": "pair",
    "raw": False,
    "system": "Compare.",
    "template": "<q>{{ question }}</q>\n[First]\n{{ first }}\n[Second]\n{{ second }}\n[Ruling]",
    "rule": "pattern",
    "expression": r"(?i)verdict:\s*([a-z0-9 ]+)",
    "words_first": "A, first answer",
    "words_second": "B",
    "words_tie": "tie, C",
    "lowest": 1.0,
    "highest": 10.0,
    "tie_margin": 0.0,
}
SINGLE = PAIR | {
    "asks": "single",
    "template": "{{ question }}\n[Answer]\n{{ answer }}",
    "expression": r"score:\s*(\S+)",
    "words_first": "",
    "words_second": "",
    "words_tie": "",
}


def pair(**changes) -> CustomProtocol:
    return build("custom:x@1", Spec(**(PAIR | changes)))


def single(**changes) -> CustomProtocol:
    return build("custom:x@1", Spec(**(SINGLE | changes)))


def by_path(path: str = "$.verdict", **changes) -> CustomProtocol:
    return pair(rule="path", expression=path, **changes)
