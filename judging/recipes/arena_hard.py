"""Arena-Hard's judge: a prompt for any chat model, which says how much better an answer is."""

import re

from arena.outcomes import Verdict
from judging.recipes.contract import PAIR, UNREAD, Form, Mode, Reading, Recipe, Source
from judging.recipes.readings import last_said

_LABEL = re.compile(r"\[\[[ \t]*((?:A[<>]{1,2}B)|(?:B[<>]{1,2}A)|A=B|B=A)[ \t]*\]\]", re.IGNORECASE)
STRONG = 3  # the weight of "significantly better", in games


def read_pair(text: str) -> Reading:
    """The last label, such as ``[[A>>B]]``; a double sign is a strong verdict."""
    label = (last_said(text, _LABEL) or "").upper()
    if not label or "<>" in label or "><" in label:
        return UNREAD
    if "=" in label:
        return Reading(Verdict.TIE, strength=1)
    better = label[0] if ">" in label else label[-1]
    return Reading(
        Verdict.FIRST if better == "A" else Verdict.SECOND, strength=STRONG if len(label) == 4 else 1
    )


RECIPE = Recipe(
    name="arena-hard",
    title="Arena-Hard's judge",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="lmarena/arena-hard-auto",
            commit="196f6b826783b3da7310e361a805fa36f0be83f3",
            path="utils/judge_utils.py",
            sha256="cbb093f4fc27408d8447e946392f26f98538b1e3950f574aca91a0f7595167b4",
            format="Python",
            texts={"system": "OG_ARENA_HARD_PROMPT"},
        ),
        Source(
            repository="lmarena/arena-hard-auto",
            commit="196f6b826783b3da7310e361a805fa36f0be83f3",
            path="config/arena-hard-v2.0.yaml",
            sha256="ee68e5c6ac98a79720bf11014fc3f7fc3c3e5899153b3b08efe3db0e174215a0",
            format="YAML",
            texts={"request": "prompt_template"},
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("system", "{system}"), ("user", "{request}")),
            fields={"QUESTION": "{question}", "ANSWER_A": "{first}", "ANSWER_B": "{second}"},
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 4096, "seed": 0},
    marks=r"<\|[^|\n]+\|>",
    verdicts={PAIR: r"\[\[\s*[ab]\s*[<>=]{1,2}\s*[ab]\s*\]\]"},
    deviations=(
        "A strong verdict counts once, not three times. Creative writing is asked about as all else is. "
        "Texts end after 4,096 tokens instead of 16,000."
    ),
)
