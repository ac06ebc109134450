"""JudgeLM: LLaMA judges of 7, 13 and 33 billion parameters, which write their scores in the first line."""

import re
from collections.abc import Mapping

from judging.recipes.contract import MANY, PAIR, SINGLE, UNREAD, Form, Mode, Reading, Recipe, Source, Weights
from judging.recipes.installed import compare
from judging.recipes.readings import TEN, first_line

_GAP = r"[ \t]*,[ \t]*|[ \t]+"
_SCORES = re.compile(rf"{TEN}(?:(?:{_GAP}){TEN})*")
_KINDS = ("pair", "pair_w_reference", "multi", "multi_w_reference", "single")
_KEYS = ("system", "prompt_template", "prompt", "appendix")
_NUMBERS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
}


def read_scores(text: str) -> Reading:
    """The scores in the first line, divided by spaces or commas: as many as there are answers."""
    line = first_line(text)
    if not _SCORES.fullmatch(line):
        return UNREAD
    return Reading(scores=tuple(float(score) for score in re.findall(TEN, line)))


def read_pair(text: str) -> Reading:
    """Two scores; the larger one wins."""
    return compare(read_scores(text).scores)


def read_single(text: str) -> Reading:
    """One score, which completes the line that was begun with the reference's."""
    reading = read_scores(text)
    return reading if len(reading.scores) == 1 else UNREAD


def _count_in(name: str):
    """The request's words for so many answers, as the authors change them."""

    def adapt(texts: Mapping[str, str], count: int) -> Mapping[str, str]:
        if count not in _NUMBERS:
            raise ValueError(
                f"JudgeLM judges {min(_NUMBERS)} to {max(_NUMBERS)} answers at once, not {count}."
            )
        listed = f"{', '.join(map(str, range(1, count)))} and {count}"
        prompt = texts[f"{name}.prompt"].replace("two", _NUMBERS[count])
        return {f"{name}.prompt": prompt.replace("Assistant 1 and 2", f"Assistant {listed}")}

    return adapt


def _form(name: str, first: str = "{first}", second: str = "{second}") -> Form:
    many = name.startswith("multi")
    fields = {"question": "{question}", "answer_1": first, "answer_2": second, "prompt": f"{{{name}.prompt}}"}
    if name.endswith("reference"):
        fields["reference"] = "{reference}"
    if many:
        fields["answer_more"] = "{more}"
    return Form(
        raw=f"{{{name}.system}}\n{{{name}.prompt_template}}{{{name}.appendix}}",
        fields=fields,
        each=f"{name}.answer_format" if many else "",
        most=max(_NUMBERS) if many else 2,
        adapt=_count_in(name) if many else None,
    )


RECIPE = Recipe(
    name="judgelm",
    title="JudgeLM",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="baaivision/JudgeLM",
            commit="00c45169de47641f62223f57cc15b608bc3cc69d",
            path="judgelm/llm_judge/common.py",
            sha256="9ca05c7e9b71d8346a5a291b943d26c14135802f2fa2f11ecdf2c1b706916999",
            format="Python",
            texts={
                f"{kind}.{key}": f"conv_judge_{kind}.{key}"
                for kind in _KINDS
                for key in (*_KEYS, *(["answer_format"] if kind.startswith("multi") else []))
            },
        ),
    ),
    forms={
        Mode(PAIR): _form("pair"),
        Mode(PAIR, reference=True): _form("pair_w_reference"),
        Mode(MANY): _form("multi"),
        Mode(MANY, reference=True): _form("multi_w_reference"),
        # The reference stands where the first answer would, and has been given a ten.
        Mode(SINGLE, reference=True): _form("single", "{reference}", "{answer}"),
    },
    readers={PAIR: read_pair, SINGLE: read_single, MANY: read_scores},
    # Grades come first: what follows the first line are reasons, which no verdict needs.
    sampling={"temperature": 0.2, "max_tokens": 48, "stop": ["\n"], "seed": 0},
    weights=(
        Weights("judgelm-7b", "BAAI/JudgeLM-7B-v1.0", 6.7, "LLaMA, non-commercial"),
        Weights("judgelm-13b", "BAAI/JudgeLM-13B-v1.0", 13.0, "LLaMA, non-commercial", revision="refs/pr/1"),
        Weights("judgelm-33b", "BAAI/JudgeLM-33B-v1.0", 32.5, "LLaMA, non-commercial"),
    ),
    context=2048,
    marks=r"^\[[^\[\]\n]+\]|^###.*$",
    deviations="Reasons are not generated. The seed is the same for every question.",
)
