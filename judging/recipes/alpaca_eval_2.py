"""AlpacaEval 2's judge: a prompt for any chat model, which names the better answer in one token."""

from arena.outcomes import Verdict
from judging.recipes.contract import PAIR, UNREAD, Form, Mode, Reading, Recipe, Source

_VERDICTS = {"m": Verdict.FIRST, "M": Verdict.SECOND}


def read_pair(text: str) -> Reading:
    """The one letter: m for the first answer, M for the second."""
    verdict = _VERDICTS.get(text.strip())
    return Reading(verdict) if verdict else UNREAD


RECIPE = Recipe(
    name="alpaca-eval-2",
    title="AlpacaEval 2's judge",
    licence="Apache-2.0",
    sources=(
        Source(
            repository="tatsu-lab/alpaca_eval",
            commit="cd543a149df89434d8a54582c0151c0b945c3d20",
            path="src/alpaca_eval/evaluators_configs/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt",
            sha256="784227e6dc2832fc08c43d2c8ea3a308e7523780187a1aaad2f85e30bac85f62",
            format="chat turns",
            texts={"system": "system", "request": "user"},
        ),
    ),
    forms={
        Mode(PAIR): Form(
            chat=(("system", "{system}"), ("user", "{request}")),
            fields={"instruction": "{question}", "output_1": "{first}", "output_2": "{second}"},
        )
    },
    readers={PAIR: read_pair},
    sampling={"temperature": 0.0, "max_tokens": 1, "logprobs": True, "top_logprobs": 5, "seed": 0},
    labels=_VERDICTS,
    marks=r"\"\w+_\w+\"|^## .+\Z",
    deviations=(
        "The likeliest letter is the verdict. The preference is kept as points of the first answer, from "
        "0 to 1, which is 2 less AlpacaEval's own. Boards do not use it yet."
    ),
)
