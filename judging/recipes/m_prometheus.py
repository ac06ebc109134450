"""M-Prometheus: Qwen judges for many languages, of 3, 7 and 14 billion parameters."""

from collections.abc import Mapping

from judging.recipes import prometheus_2
from judging.recipes.contract import PAIR, SINGLE, Form, Mode, Recipe, Weights


def _chat(kind: str, fields: Mapping[str, str], text: str = "") -> Form:
    adapt = prometheus_2.first_line_of_rubric if kind == PAIR else None
    chat = (("system", f"{{{kind}.system}}"), ("user", f"{{{text or kind}}}"))
    return Form(chat=chat, fields=fields, adapt=adapt)


_REFERENCE = prometheus_2.REFERENCE
_PAIR, _SINGLE = prometheus_2.PAIR_FIELDS, prometheus_2.SINGLE_FIELDS

RECIPE = Recipe(
    name="m-prometheus",
    title="M-Prometheus",
    licence="Apache-2.0",
    sources=(prometheus_2.SOURCE,),
    forms={
        Mode(PAIR): _chat(PAIR, _PAIR),
        Mode(PAIR, reference=True): _chat(PAIR, _PAIR | _REFERENCE, "pair with reference"),
        Mode(SINGLE): _chat(SINGLE, _SINGLE),
        Mode(SINGLE, reference=True): _chat(SINGLE, _SINGLE | _REFERENCE, "single with reference"),
    },
    readers={PAIR: prometheus_2.read_pair, SINGLE: prometheus_2.read_single},
    sampling=prometheus_2.SAMPLING,
    weights=(
        Weights("m-prometheus-7b", "Unbabel/M-Prometheus-7B", 7.6, "see its card"),
        Weights("m-prometheus-3b", "Unbabel/M-Prometheus-3B", 3.1, "see its card"),
        Weights("m-prometheus-14b", "Unbabel/M-Prometheus-14B", 14.8, "see its card"),
    ),
    context=16_384,
    marks=prometheus_2.MARKS,
    verdicts=prometheus_2.VERDICTS,
    deviations=prometheus_2.DEVIATIONS,
)
