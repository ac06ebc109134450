"""Auto-J: a Llama-2 judge of 13 billion parameters, which gives reasons and then its decision."""

import re

from arena.outcomes import Verdict
from judging.recipes.contract import PAIR, SINGLE, UNREAD, Form, Mode, Reading, Recipe, Source, Weights
from judging.recipes.readings import TEN

_LABEL = re.compile(r"final decision is[ \t]", re.IGNORECASE)
# Not a choice between several, as the request itself lists them.
_DECISION = re.compile(
    r"[ \t*:\"]*(response 1|response 2|tie)\b(?![ \t*\"]*(?:/|&|[.-]\d|,?[ \t]*(?:or|and|response)\b))",
    re.IGNORECASE,
)
_VERDICTS = {"response 1": Verdict.FIRST, "response 2": Verdict.SECOND, "tie": Verdict.TIE}
_RATING = re.compile(r"Rating:[ \t]*\[\[")
_NUMBER = re.compile(rf"[ \t]*({TEN})[ \t]*\]\]")


def read_pair(text: str) -> Reading:
    """What follows the last "final decision is": Response 1, Response 2 or Tie."""
    labels = list(_LABEL.finditer(text))
    said = _DECISION.match(text, labels[-1].end()) if labels else None
    return Reading(_VERDICTS[said[1].lower()]) if said else UNREAD


def read_single(text: str) -> Reading:
    """The last ``Rating: [[n]]``, from 1 to 10."""
    labels = list(_RATING.finditer(text))
    said = _NUMBER.match(text, labels[-1].end()) if labels else None
    return Reading(scores=(float(said[1]),)) if said else UNREAD


RECIPE = Recipe(
    name="auto-j",
    title="Auto-J",
    licence="none given",
    sources=(
        Source(
            repository="GAIR-NLP/auto-j",
            commit="2ae17a3965d933232e9cd50302aa0f176249c83b",
            path="codes/usage/constants_prompt.py",
            sha256="d2f072989e1952c5cc346724374069b3a71924809c03c5d799de517559cb9e59",
            format="Python",
            texts={"frame": "PROMPT_INPUT_WO_SYSTEM", "pair": "pairwise_tie", "single": "single"},
        ),
    ),
    forms={
        Mode(PAIR): Form(
            raw="{frame}",
            inside={"input": "pair"},
            fields={"prompt": "{question}", "response": "{first}", "response_another": "{second}"},
        ),
        Mode(SINGLE): Form(
            raw="{frame}",
            inside={"input": "single"},
            fields={"prompt": "{question}", "response": "{answer}"},
        ),
    },
    readers={PAIR: read_pair, SINGLE: read_single},
    sampling={"temperature": 0.0, "max_tokens": 1024, "seed": 0},
    weights=(Weights("auto-j-13b", "GAIR/autoj-13b", 13.0, "Llama 2"),),
    context=4096,
    marks=r"\[[A-Z][^\[\]\n]+\]:?|^\*\*\*$",
    verdicts={PAIR: r"final decision is", SINGLE: r"rating:[ \t]*\[\["},
)
