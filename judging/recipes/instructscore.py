"""InstructScore: a LLaMA judge of 7 billion parameters, which lists the errors of a translation."""

import re

from judging.recipes.contract import SINGLE, UNREAD, Form, Mode, Reading, Recipe, Source, Weights

_DECLARED = re.compile(r"\bcontains[ \t]+([0-9]{1,2}|no)[ \t]+errors?\b", re.IGNORECASE)
_LABEL = re.compile(r"^[ \t]*Major/minor:[ \t]*(\w*)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_POINTS = {"minor": -1.0, "major": -5.0}


def read_single(text: str) -> Reading:
    """-1 for each minor and -5 for each major error, if as many are labelled as the text says there are."""
    labels = [label.lower() for label in _LABEL.findall(text)]
    declared = _DECLARED.search(text)
    if declared is None or not set(labels) <= set(_POINTS):
        return UNREAD
    if len(labels) != (0 if declared[1].lower() == "no" else int(declared[1])):
        return UNREAD
    return Reading(scores=(sum((_POINTS[label] for label in labels), 0.0),))


RECIPE = Recipe(
    name="instructscore",
    title="InstructScore (Chinese to English)",
    licence="none given",
    sources=(
        Source(
            repository="xu1998hz/InstructScore_SEScore3",
            commit="adf64eb515bd7446a4655b23b20eefef9932bcbd",
            path="InstructScore.py",
            sha256="572d65ea6db48ca03828c3040d9f4121301c7eb8b3985e5e6cdaf3340375bd38",
            format="Python",
            texts={"request": "InstructScore.score.prompt_ls"},
        ),
    ),
    forms={
        Mode(SINGLE, reference=True): Form(raw="{request}", fields={"ref": "{reference}", "out": "{answer}"})
    },
    readers={SINGLE: read_single},
    sampling={"temperature": 0.0, "max_tokens": 512, "seed": 0},
    weights=(Weights("instructscore-7b", "xu1998hz/InstructScore", 6.7, "CC, LLaMA"),),
    context=2048,
    verdicts={SINGLE: r"major/minor:"},
    deviations="Prompts over 512 tokens are not cut. A text without its count of errors is unscored.",
)
