"""PandaLM: a LLaMA judge of 7 billion parameters, which writes 1, 2 or Tie in the first line."""

from arena.outcomes import Verdict
from judging.recipes.contract import PAIR, UNREAD, Form, Mode, Reading, Recipe, Source, Weights
from judging.recipes.readings import first_line

_VERDICTS = {"1": Verdict.FIRST, "2": Verdict.SECOND, "tie": Verdict.TIE}
_METHOD = "PandaLMBatchInferenceProvider.build_pandalm_prompt"


def read_pair(text: str) -> Reading:
    """The first line, which is 1, 2 or Tie and nothing else."""
    verdict = _VERDICTS.get(first_line(text).lower())
    return Reading(verdict) if verdict else UNREAD


RECIPE = Recipe(
    name="pandalm",
    title="PandaLM",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="WeOpenML/PandaLM",
            commit="3871806e72b4832f815ecafd24d3503c73403f48",
            path="pandalm/utils/pandalm_inference.py",
            sha256="01d8ff461a87b4a4f4151bb52c542de0d713e6725c715e2ad510a55b67c1a993",
            format="Python",
            texts={
                "request": f"{_METHOD}.input_sequence#1",  # the second one is for tasks without an input
                "responses": f"{_METHOD}.rsp",
            },
        ),
    ),
    forms={
        Mode(PAIR): Form(
            raw="{request}",
            inside={"rsp": "responses"},
            fields={"instruction": "{question}", "resp1": "{first}", "resp2": "{second}"},
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "repetition_penalty": 1.2, "max_tokens": 8, "stop": ["\n"], "seed": 0},
    weights=(
        Weights(
            "pandalm-7b",
            "WeOpenML/PandaLM-7B-v1",
            6.7,
            "LLaMA, non-commercial",
            revision="8cbd743f4831c66da0d235bd16774680be9b7b9e",
        ),
    ),
    context=2048,
    marks=r"^###.*$",
    clean=str.strip,
    deviations=(
        "Greedy with the penalty on repetition instead of 4 beams, because vLLM's beams know no penalty. "
        "No reasons and no reference are generated. A task with an input of its own has it in the request."
    ),
)
