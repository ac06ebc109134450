"""Many made-up texts a test: what surrounds rulings in real ones, hostile and half-made things included.

300 texts a test, or 10,000 by ``pytest --hypothesis-profile=thorough``. Hypothesis draws seeds, twenty texts
each, because it takes half a millisecond for every example of its own.
"""

import random
import re
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

Make = Callable[[random.Random], object]
BATCH = 20
EXAMPLES = max(300, settings.default.max_examples) // BATCH  # the profile is loaded before this file

# None of these is a ruling by itself; two that meet may be.
PIECES = (
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
    *("\n", "\n", "\n", "\n"),
)


def fuzz(*makers: Make):
    """Run a test on what the makers make, one for each of its parameters."""

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        @settings(max_examples=EXAMPLES)
        @given(st.integers(0, 2**64 - 1))
        def run(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(BATCH):
                test(*(make(rng) for make in makers))

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


def pick(options: Sequence) -> Make:
    return lambda rng: rng.choice(options)


def some(options: Sequence, most: int) -> Make:
    """At most so many of them, as a list."""
    return lambda rng: rng.choices(options, k=rng.randint(0, most))


def joined(options: Sequence[str], most: int) -> Make:
    return lambda rng: "".join(rng.choices(options, k=rng.randint(0, most)))


def either(*makers: Make) -> Make:
    return lambda rng: rng.choice(makers)(rng)


lines = joined(PIECES, 16)


def without(make: Make, pattern: str) -> Make:
    """The same, less every match of the pattern."""
    banned = re.compile(pattern, re.IGNORECASE)

    def clear(rng: random.Random) -> str:
        text = str(make(rng))
        while banned.search(text):
            text = banned.sub("", text)
        return text

    return clear
