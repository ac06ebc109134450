"""The self-taught evaluator: a Llama judge of 70 billion parameters."""

import re

from judging.recipes.contract import PAIR, Form, Mode, Recipe, Source, Weights
from judging.recipes.readings import by_letter

_MARKER = re.compile(r"\[\[([AB])\]\]")


def _said(text: str) -> str | None:
    """A or B where the text holds one of the two markers, and not both."""
    said = set(_MARKER.findall(text))
    return said.pop() if len(said) == 1 else None


read_pair = by_letter(_said)

RECIPE = Recipe(
    name="self-taught",
    title="Self-taught evaluator",
    licence="MIT",
    sources=(
        Source(
            repository="facebookresearch/RAM",
            commit="e6f051fbcfaef4cab69bf2ea1b25f500f94c0c64",
            path="projects/self_taught_evaluator/src/utils.py",
            sha256="5be0c90b6d1746baee1b34aada1a5e575fa2cc0a498ad54b91c35a7678f43805",
            format="Python",
            texts={
                "system": "SELF_TAUGHT_WITH_SYSTEM_PROMPT.0.content",
                "request": "SELF_TAUGHT_WITH_SYSTEM_PROMPT.1.content",
            },
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("system", "{system}"), ("user", "{request}")),
            fields={"input": "{question}", "response_a": "{first}", "response_b": "{second}"},
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 2048, "seed": 0},
    weights=(
        Weights(
            "self-taught-70b", "facebook/Self-taught-evaluator-llama3.1-70B", 70.6, "research only, gated"
        ),
    ),
    context=16_384,
    marks=r"^\[[^\[\]\n]+\]",
    verdicts={PAIR: r"\[\[\s*[ab]\s*\]\]"},
)
