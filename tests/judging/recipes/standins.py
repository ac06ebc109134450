"""Recipes with stand-in files: of the same shape as the real ones, in other words, all of them our own."""

import hashlib
from dataclasses import replace

from judging.protocols import Question
from judging.recipes import InstalledProtocol, Recipe, extract, find_fault

ONE = Question(turns=("Why is the sky blue?",))
REFERENCED = Question(turns=("Why is the sky blue?",), reference=("Light is scattered.",))
TWO = Question(turns=("Why?", "And at dusk?"))
TWO_REFERENCED = Question(turns=("Why?", "And at dusk?"), reference=("Scattering.", "A longer way."))


def with_files(recipe: Recipe, *files: str) -> Recipe:
    """The recipe with its sources pinned to these files."""
    pinned = [
        replace(source, sha256=hashlib.sha256(text.encode()).hexdigest())
        for source, text in zip(recipe.sources, files, strict=True)
    ]
    return replace(recipe, sources=tuple(pinned))


def install(recipe: Recipe, *files: str, asks: str = "pair") -> InstalledProtocol:
    """The protocol that the recipe makes of these files."""
    texts: dict[str, str] = {}
    for source, text in zip(recipe.sources, files, strict=True):
        texts |= extract(source, text.encode())
    assert find_fault(recipe, texts) == ""
    return InstalledProtocol(f"{recipe.name}@0", recipe, texts, asks)
