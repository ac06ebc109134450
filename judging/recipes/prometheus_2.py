"""Prometheus 2: Mistral judges of 7 and 8x7 billion parameters, which end with a letter or a grade."""

import re
from collections.abc import Mapping

from judging.recipes.contract import PAIR, SINGLE, UNREAD, Form, Mode, Reading, Recipe, Source, Weights
from judging.recipes.readings import by_letter

# Only at the very end, since reasons quote the form; the prompt holds it too, but is not read.
_LETTER = re.compile(r"\[RESULT\]:?\s*[(\"'*\[]{0,3}(?:Response\s+)?([AB])[)\"'*\].]{0,3}\s*\Z")
_GRADE = re.compile(r"\[RESULT\]:?\s*[(\"'*\[]{0,3}([1-5])[)\"'*\]]{0,3}(?:\s*(?:/|out of)\s*5)?\.?\s*\Z")


def _said(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text, max(0, text.rfind("[RESULT]")))
    return found[1] if found else None


read_pair = by_letter(lambda text: _said(_LETTER, text.removesuffix("</s>")))


def read_single(text: str) -> Reading:
    """``[RESULT]`` and a grade from 1 to 5, at the end."""
    said = _said(_GRADE, text.removesuffix("</s>"))
    return Reading(scores=(float(said),)) if said else UNREAD


def first_line_of_rubric(texts: Mapping[str, str], count: int) -> Mapping[str, str]:
    """Two answers are compared by the rubric's question alone, without what each grade stands for."""
    return {"rubric": texts["rubric"].partition("\n")[0]}


MISTRAL = "[INST] {%s.system}\n{%s} [/INST]"

SOURCE = Source(
    repository="prometheus-eval/prometheus-eval",
    commit="dcfb44272d5d0414832f5dbb8c2a05ebc2614234",
    path="libs/prometheus-eval/prometheus_eval/prompts.py",
    sha256="5d70f1651db2ae44c990e3cbe8cd8f7f622ce464de31dca72538e17477d832d3",
    format="Python",
    texts={
        "pair.system": "REL_SYSTEM_PROMPT",
        "pair": "RELATIVE_PROMPT_WO_REF",
        "pair with reference": "RELATIVE_PROMPT",
        "single.system": "ABS_SYSTEM_PROMPT",
        "single": "ABSOLUTE_PROMPT_WO_REF",
        "single with reference": "ABSOLUTE_PROMPT",
        "rubric": "HELPFULNESS_RUBRIC",
    },
)
REFERENCE = {"reference_answer": "{reference}"}
PAIR_FIELDS = {
    "instruction": "{question}",
    "response_A": "{first}",
    "response_B": "{second}",
    "rubric": "{rubric}",
}
SINGLE_FIELDS = {"instruction": "{question}", "response": "{answer}", "rubric": "{rubric}"}
MARKS = r"^###[^\n:]+:"
VERDICTS = {PAIR: r"\[RESULT\]", SINGLE: r"\[RESULT\]"}
SAMPLING = {"temperature": 1.0, "top_p": 0.9, "repetition_penalty": 1.03, "max_tokens": 1024, "seed": 0}
DEVIATIONS = "Texts that cannot be read are unscored; the authors ask again, up to ten times."


def _raw(kind: str, fields: Mapping[str, str], text: str = "") -> Form:
    adapt = first_line_of_rubric if kind == PAIR else None
    return Form(raw=MISTRAL % (kind, text or kind), fields=fields, adapt=adapt)


RECIPE = Recipe(
    name="prometheus-2",
    title="Prometheus 2",
    licence="Apache-2.0",
    sources=(SOURCE,),
    forms={
        Mode(PAIR): _raw(PAIR, PAIR_FIELDS),
        Mode(PAIR, reference=True): _raw(PAIR, PAIR_FIELDS | REFERENCE, "pair with reference"),
        Mode(SINGLE): _raw(SINGLE, SINGLE_FIELDS),
        Mode(SINGLE, reference=True): _raw(SINGLE, SINGLE_FIELDS | REFERENCE, "single with reference"),
    },
    readers={PAIR: read_pair, SINGLE: read_single},
    sampling=SAMPLING,
    weights=(
        Weights("prometheus-2-7b", "prometheus-eval/prometheus-7b-v2.0", 7.2, "Apache-2.0"),
        Weights("prometheus-2-8x7b", "prometheus-eval/prometheus-8x7b-v2.0", 46.7, "Apache-2.0"),
    ),
    context=16_384,
    marks=MARKS,
    verdicts=VERDICTS,
    deviations=DEVIATIONS,
)
