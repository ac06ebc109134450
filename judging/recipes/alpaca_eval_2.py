"""AlpacaEval 2's judge: a prompt for any chat model, which names the better answer in one token."""

import math
from collections.abc import Iterable

from arena.engines import TokenLogprob
from arena.outcomes import Verdict
from judging.recipes.contract import PAIR, UNREAD, Form, Mode, Reading, Recipe, Source

_VERDICTS = {"m": Verdict.FIRST, "M": Verdict.SECOND}


def read_pair(text: str) -> Reading:
    """The one letter: m for the first answer, M for the second."""
    verdict = _VERDICTS.get(text.strip())
    return Reading(verdict) if verdict else UNREAD


def preference(logprobs: Iterable[TokenLogprob]) -> float | None:
    """AlpacaEval's preference, from 1 (the first answer) to 2: 2 - P(m) / (P(m) + P(M)).

    None where neither letter is among the likeliest for the first token.
    """
    for token in logprobs:
        chances = {name: 0.0 for name in _VERDICTS}
        for name, logprob in {(token.token, token.logprob), *token.top}:
            if name.strip() in chances:
                chances[name.strip()] += math.exp(logprob)
        whole = sum(chances.values())
        return 2 - chances["m"] / whole if whole else None
    return None


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
    marks=r"\"\w+_\w+\"|^## .+\Z",
    deviations="The likeliest letter is the verdict; boards do not use the weighted preference yet.",
)
