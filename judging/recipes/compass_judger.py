"""CompassJudger-2: Qwen judges of 7 and 32 billion parameters, which answer with a JSON object."""

import json
import re

from judging.recipes.contract import PAIR, Form, Mode, Recipe, Source, Weights
from judging.recipes.readings import by_letter

_OBJECT = re.compile(r"\{[^{}]*\}")
_CHOICES = {"Model A": "A", "[Model A]": "A", "A": "A", "Model B": "B", "[Model B]": "B", "B": "B"}


def _said(text: str) -> str | None:
    """The choice in the last object that has one."""
    for found in reversed(_OBJECT.findall(text)):
        try:
            pairs = json.loads(found, object_pairs_hook=list)
        except ValueError:
            if '"Choice"' in found:
                return None
            continue
        choices = [value for key, value in pairs if key == "Choice"]
        if choices:
            only = choices[0] if len(choices) == 1 else None
            return _CHOICES.get(only.strip()) if isinstance(only, str) else None
    return None


read_pair = by_letter(_said)

RECIPE = Recipe(
    name="compassjudger-2",
    title="CompassJudger-2",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="open-compass/CompassJudger",
            commit="9cdf659e8582bddbad17327fc10cf9d949edb13e",
            path="README.md",
            sha256="3b33ba7322c3c49a13800bff66e876d157624e6db364a2e41ff66b283c1e0999",
            format="Markdown",
            texts={"request": "prompt"},
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("user", "{request}"),),
            fields={"question": "{question}", "answerA": "{first}", "answerB": "{second}"},
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 2048, "seed": 0},
    weights=(
        Weights("compassjudger-2-7b", "opencompass/CompassJudger-2-7B-Instruct", 7.6, "Apache-2.0"),
        Weights("compassjudger-2-32b", "opencompass/CompassJudger-2-32B-Instruct", 32.8, "Apache-2.0"),
    ),
    context=16_384,
    marks=r"^[A-Z][\w' ]{2,30}:(?= \{)",
    verdicts={PAIR: r"\"choice\""},
)
