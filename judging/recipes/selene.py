"""Selene-1-Mini: a Llama judge of 8 billion parameters."""

import re

from judging.recipes.contract import PAIR, Form, Mode, Recipe, Source, Weights
from judging.recipes.readings import by_letter

_LABEL = re.compile(r"\*\*Result:\*\*", re.IGNORECASE)
_LETTER = re.compile(r"\s*[*(\"`]{0,3}(?:Response[ \t]+)?([AB])[*)\"`.]{0,3}[ \t]*(?:\n|\Z)")

# The rubric is the operator's to give; this one is ours.
_RUBRIC = "Is what the instruction wants done, rightly, clearly and at no needless length?"


def _said(text: str) -> str | None:
    """The letter alone on what is left of the last label's line, or on the line after it."""
    labels = list(_LABEL.finditer(text))
    found = _LETTER.match(text, labels[-1].end()) if labels else None
    return found[1] if found else None


read_pair = by_letter(_said)

RECIPE = Recipe(
    name="selene-1-mini",
    title="Selene-1-Mini",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="atla-ai/selene-mini",
            commit="1425d208ee0929fca282eb14cc5efab7310c0060",
            path="prompt-templates/pairwise.yaml",
            sha256="38274d8c9dbbed867a3783f45468893bac366cc507cd9a139aa7c596d8d8f558",
            format="YAML",
            texts={"request": "user_template"},
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("user", "{request}"),),
            fields={
                "user_input": "{question}",
                "assistant_response_a": "{first}",
                "assistant_response_b": "{second}",
                "rubric_objective": _RUBRIC,
            },
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 1024, "seed": 0},
    weights=(Weights("selene-1-mini-8b", "AtlaAI/Selene-1-Mini-Llama-3.1-8B", 8.0, "Apache-2.0, Llama 3.1"),),
    context=16_384,
    marks=r"^[A-Z][\w ]{2,20}:$",
    verdicts={PAIR: r"\*\*(?:result|reasoning):\*\*"},
    deviations="The rubric is our own; the authors leave it to whoever asks.",
)
