"""Recipes with stand-in files: of the same shape as the real ones, in other words, all of them our own."""

import hashlib
import re
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from judging.protocols import Question
from judging.recipes import InstalledProtocol, Recipe, extract, find_fault
from judging.recipes.contract import UNREAD

ONE = Question(turns=("Why is the sky blue?",))
REFERENCED = Question(turns=("Why is the sky blue?",), reference=("Light is scattered.",))
TWO = Question(turns=("Why?", "And at dusk?"))
TWO_REFERENCED = Question(turns=("Why?", "And at dusk?"), reference=("Scattering.", "A longer way."))

# 300 texts each, or as many as a profile says: pytest --hypothesis-profile=thorough
thorough = settings(max_examples=max(300, settings.default.max_examples))

# What surrounds verdicts in real texts, hostile and half-made things included; none of it is a verdict.
WORDS = (
    *(
        "The first is right. ",
        "Both err; ",
        "I prefer 2 sentences. ",
        "A",
        "B",
        "tie",
        " or ",
        "8",
        "10",
        "7.5",
    ),
    *("[[", "]]", "[", "]", "[[D]]", "[[a", "A]]", "[[A/B]]", "[[11]]", "[[0]]", "[RESULT]", "Rating:", ":"),
    *("<score>", "</score>", "<answer>", "</answer>", "{", "}", '"Choice"', "**", "\t", " ", "\u200b", "٣"),
    *("```", "</s>", "###", "Assistant", "Response 1", "Major", "Minor", "\u2028", "\r", "score", "decision"),
)
words = st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
lines = st.lists(words, max_size=3).map("\n".join)


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


def unread(reader, text: str) -> bool:
    return reader(text) == UNREAD


def without(strategy, pattern: str):
    """Texts of a strategy in which the pattern is nowhere."""
    banned = re.compile(pattern, re.IGNORECASE)
    return strategy.filter(lambda text: not banned.search(text))
