"""Flow-Judge: a Phi judge of 3.8 billion parameters, which grades one answer by a rubric."""

import re

from judging.recipes.contract import SINGLE, UNREAD, Form, Mode, Reading, Recipe, Source, Weights

_SCORE = re.compile(r"<score>\s*([1-5])\s*</score>")
_ANY_SCORE = re.compile(r"<score>")

# Criteria are the operator's to give; these are ours.
_CRITERIA = "How well does the response do what the query asks for, in substance and in form?"
_CRITERIA_KNOWN = "How well does the response answer the query, measured by the reference answer?"
_RUBRIC = """\
- Score 1: It does not answer the query, or what it states is wrong in the main.
- Score 2: It answers a part of the query, or holds faults that mislead.
- Score 3: It answers the query in the main, with gaps or small faults.
- Score 4: It answers the whole query rightly, and could be clearer or shorter.
- Score 5: It answers the whole query rightly, clearly and without needless length."""


def read_single(text: str) -> Reading:
    """The score after the feedback, from 1 to 5; two scores there are none."""
    _, closed, rest = text.rpartition("</feedback>")
    said = _SCORE.search(rest) if closed and len(_ANY_SCORE.findall(rest)) == 1 else None
    return Reading(scores=(float(said[1]),)) if said else UNREAD


def _form(inputs: str, criteria: str) -> Form:
    return Form(
        chat=(("user", "{request}"),),
        fields={
            "INPUTS": inputs,
            "OUTPUT": "<response>\n{answer}\n</response>",
            "EVALUATION_CRITERIA": criteria,
            "RUBRIC": _RUBRIC,
        },
    )


_QUERY = "<query>\n{question}\n</query>"

RECIPE = Recipe(
    name="flow-judge",
    title="Flow-Judge v0.1",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="flowaicom/flow-judge",
            commit="9865fc059098499c5b27b3ffbfb4c926b172f1aa",
            path="flow_judge/utils/prompt_formatter.py",
            sha256="2a76e5d1664ce4ad6d206c486539b68f3b8872b8ea067c6600dbabdbd398c22c",
            format="Python",
            texts={"request": "USER_PROMPT_TEMPLATE"},
        ),
    ),
    forms={
        Mode(SINGLE): _form(_QUERY, _CRITERIA),
        Mode(SINGLE, reference=True): _form(
            f"{_QUERY}\n<reference_answer>\n{{reference}}\n</reference_answer>", _CRITERIA_KNOWN
        ),
    },
    readers={SINGLE: read_single},
    sampling={
        "temperature": 0.1,
        "top_p": 0.95,
        "max_tokens": 1000,
        "stop_token_ids": [32007, 32001, 32000],
        "seed": 0,
    },
    weights=(Weights("flow-judge-v0.1", "flowaicom/Flow-Judge-v0.1", 3.8, "Apache-2.0"),),
    context=8192,
    marks=r"</?[a-z_]+>",
    verdicts={SINGLE: r"</?(?:score|feedback)>"},
    deviations="The criteria and the rubric are our own; the authors leave them to whoever asks.",
)
