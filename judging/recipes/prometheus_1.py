"""Prometheus 1: a Llama-2 judge of 13 billion parameters, which grades one answer against a reference."""

from judging.recipes import prometheus_2
from judging.recipes.contract import SINGLE, Form, Mode, Recipe, Weights

RECIPE = Recipe(
    name="prometheus-1",
    title="Prometheus",
    licence="Apache-2.0",
    sources=(prometheus_2.SOURCE,),
    forms={
        Mode(SINGLE, reference=True): Form(
            raw="[INST] <<SYS>>\n{single.system}\n<</SYS>>\n\n{single with reference} [/INST]",
            fields=prometheus_2.SINGLE_FIELDS | prometheus_2.REFERENCE,
        )
    },
    readers={SINGLE: prometheus_2.read_single},
    sampling=prometheus_2.SAMPLING,
    weights=(
        Weights(
            "prometheus-1-13b",
            "prometheus-eval/prometheus-13b-v1.0",
            13.0,
            "Apache-2.0, Llama 2",
            revision="cb1d7ea1a7f9d1810e69ee19d04cc3bcc74f9c47",
        ),
    ),
    context=4096,
    marks=prometheus_2.MARKS,
    verdicts=prometheus_2.VERDICTS,
    deviations=f"{prometheus_2.DEVIATIONS} The words are of the family's later package.",
)
