"""Judges as their authors run them. A new one is a file beside these and a line in ``RECIPES``."""

from judging.recipes import (
    alpaca_eval_2,
    arena_hard,
    autoj,
    compass_judger,
    flow_judge,
    instructscore,
    judgelm,
    m_prometheus,
    mt_bench,
    pandalm,
    prometheus_1,
    prometheus_2,
    rm_r1,
    selene,
    self_taught,
)
from judging.recipes.contract import MANY, PAIR, SINGLE, Reading, Recipe, Source, Weights
from judging.recipes.extracting import BadFile, extract
from judging.recipes.filling import find_fault
from judging.recipes.installed import InstalledProtocol

__all__ = [
    "MANY",
    "PAIR",
    "RECIPES",
    "SINGLE",
    "BadFile",
    "InstalledProtocol",
    "Reading",
    "Recipe",
    "Source",
    "Weights",
    "extract",
    "find_fault",
    "named",
]

RECIPES: dict[str, Recipe] = {
    "judgelm": judgelm.RECIPE,
    "pandalm": pandalm.RECIPE,
    "auto-j": autoj.RECIPE,
    "prometheus-1": prometheus_1.RECIPE,
    "prometheus-2": prometheus_2.RECIPE,
    "m-prometheus": m_prometheus.RECIPE,
    "flow-judge": flow_judge.RECIPE,
    "selene-1-mini": selene.RECIPE,
    "self-taught": self_taught.RECIPE,
    "rm-r1": rm_r1.RECIPE,
    "compassjudger-2": compass_judger.RECIPE,
    "instructscore": instructscore.RECIPE,
    "mt-bench": mt_bench.RECIPE,
    "alpaca-eval-2": alpaca_eval_2.RECIPE,
    "arena-hard": arena_hard.RECIPE,
}


def named(name: str) -> tuple[Recipe, Weights | None] | None:
    """The recipe of that name with its first weights, or the one that has weights of that name."""
    if recipe := RECIPES.get(name):
        return recipe, recipe.weights[0] if recipe.weights else None
    for recipe in RECIPES.values():
        for weights in recipe.weights:
            if weights.name == name:
                return recipe, weights
    return None
