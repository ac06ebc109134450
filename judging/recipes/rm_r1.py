"""RM-R1: Qwen judges of 7 to 32 billion parameters, which reason first, for one turn and for several."""

import re

from judging.recipes.contract import PAIR, SEVERAL, Form, Mode, Recipe, Source, Weights
from judging.recipes.readings import by_letter

_ANSWER = re.compile(r"<answer>\s*\[\[([AB])\]\]\s*</answer>")
_MARKER = re.compile(r"\[\[([AB])\]\]")
_NAMES = ("User", "Chatbot A", "Chatbot B")


def _said(text: str) -> str | None:
    """A or B between the tags, where the other marker is nowhere in the text."""
    said = set(_ANSWER.findall(text))
    return said.pop() if len(said) == 1 and len(set(_MARKER.findall(text))) == 1 else None


read_pair = by_letter(_said)

RECIPE = Recipe(
    name="rm-r1",
    title="RM-R1",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="RM-R1-UIUC/RM-R1",
            commit="d4c2542f0608e019074b9b2322fe6502e6ab7ab0",
            path="eval/reward-bench/rewardbench/generative.py",
            sha256="dc772739612f3e9a9786683fb2fd6058ca05c8562210c4322530e8009d79140c",
            format="Python",
            texts={
                "system": "RM_R1_INSTRUCT_SYSTEM_PROMPT",
                "one turn": "RM_R1_SINGLE_TURN_INSTRUCT_USER_PROMPT",
                "several turns": "RM_R1_MULTI_TURN_INSTRUCT_USER_PROMPT",
            },
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("system", "{system}"), ("user", "{one turn}")),
            fields={"question": "{question}", "answer_a": "{first}", "answer_b": "{second}"},
        ),
        Mode(PAIR, SEVERAL): Form(
            chat=(("system", "{system}"), ("user", "{several turns}")),
            fields={"conversation_1": "{first talk}", "conversation_2": "{second talk}"},
            speakers=_NAMES,
        ),
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 8192, "seed": 0},
    weights=(
        Weights("rm-r1-7b", "gaotang/RM-R1-Qwen2.5-Instruct-7B", 7.6, "see its card"),
        Weights("rm-r1-14b", "gaotang/RM-R1-Qwen2.5-Instruct-14B", 14.8, "see its card"),
        Weights("rm-r1-32b", "gaotang/RM-R1-Qwen2.5-Instruct-32B", 32.8, "see its card"),
    ),
    context=16_384,
    marks=r"\[The [^\[\]\n]+\]|^\[[^\[\]\n]+\]",
    verdicts={PAIR: r"\[\[\s*[ab]\s*\]\]|</?answer>"},
)
