"""MT-bench's judge: a prompt for any chat model, for one turn and for two."""

from judging.recipes.contract import ONE, PAIR, SINGLE, TWO, Form, Mode, Reading, Recipe, Source
from judging.recipes.readings import read_rating
from judging.verdicts import read_last_verdict

_ROWS = {
    Mode(PAIR): "pair-v2",
    Mode(PAIR, reference=True): "pair-math-v1",
    Mode(PAIR, TWO): "pair-v2-multi-turn",
    Mode(PAIR, TWO, reference=True): "pair-math-v1-multi-turn",
    Mode(SINGLE): "single-v1",
    Mode(SINGLE, reference=True): "single-math-v1",
    Mode(SINGLE, TWO): "single-v1-multi-turn",
    Mode(SINGLE, TWO, reference=True): "single-math-v1-multi-turn",
}
_FIELDS = {
    (PAIR, ONE): {"question": "{question}", "answer_a": "{first}", "answer_b": "{second}"},
    (PAIR, TWO): {
        f"{place}_{turn}": f"{{{name} {turn}}}"
        for place, name in (("question", "question"), ("answer_a", "first"), ("answer_b", "second"))
        for turn in (1, 2)
    },
    (SINGLE, ONE): {"question": "{question}", "answer": "{answer}"},
    (SINGLE, TWO): {
        f"{name}_{turn}": f"{{{name} {turn}}}" for name in ("question", "answer") for turn in (1, 2)
    },
}


def read_pair(text: str) -> Reading:
    """The last ``[[A]]``, ``[[B]]`` or ``[[C]]`` (a tie)."""
    return Reading(read_last_verdict(text))


def _form(mode: Mode, row: str) -> Form:
    fields = dict(_FIELDS[mode.answers, mode.turns])
    if mode.reference:
        fields |= {
            f"ref_answer_{turn}": f"{{reference {turn}}}" for turn in (1, 2)[: 1 + (mode.turns == TWO)]
        }
    return Form(chat=(("system", f"{{{row}.system}}"), ("user", f"{{{row}}}")), fields=fields)


RECIPE = Recipe(
    name="mt-bench",
    title="MT-bench's judge",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="lm-sys/FastChat",
            commit="0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
            path="fastchat/llm_judge/data/judge_prompts.jsonl",
            sha256="fd283293406d024f44c174b094ef48031d0687a4682fd3a56b29b138f80281b6",
            format="JSONL",
            texts={f"{row}.system": f"{row}:system_prompt" for row in _ROWS.values()}
            | {row: f"{row}:prompt_template" for row in _ROWS.values()},
        ),
    ),
    forms={mode: _form(mode, row) for mode, row in _ROWS.items()},
    readers={PAIR: read_pair, SINGLE: read_rating},
    sampling={"temperature": 0.0, "max_tokens": 2048, "seed": 0},
    marks=r"^\[[^\[\]\n]+\]|<\|[^|\n]+\|>|^### .+:$",
    verdicts={PAIR: r"\[\[\s*[abc]\s*\]\]", SINGLE: r"\[\[\s*[0-9.]+\s*\]\]"},
    tie_margin=0.1,
    deviations="The last verdict counts; the authors' reader takes an A before a B wherever they stand.",
)
