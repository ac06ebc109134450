"""Answers as HTML: rendered when first needed or by the task, and then kept until the renderer changes."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import count, zip_longest
from typing import NamedTuple

from arena.markdown import VERSION, render
from arena.models import Answer, Ballot, Prompt
from arena.outcomes import Order

render_prompt = lru_cache(maxsize=256)(render)  # few prompts, each shown many times


SHOWN_WIDTH, SHOWN_HEIGHT = 720, 360  # CSS pixels that an image may take on a page


class ShownImage(NamedTuple):
    """An image of a prompt by its number there, in the size that it has on a page."""

    number: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Turn:
    """One turn of a pair as it is shown, as HTML. An empty string is an empty answer (or no message)."""

    prompt: str
    first: str
    second: str
    images: tuple[ShownImage, ...] = ()


def rendered(answer: Answer) -> list[str]:
    """The HTML of each turn, rendered and stored when it is missing or old; [] where no text was recorded."""
    if answer.html_version < VERSION and answer.turns is not None:
        answer.html = [render(turn) if turn.strip() else "" for turn in answer.turns]
        answer.html_version = VERSION
        Answer.objects.filter(pk=answer.pk).update(html=answer.html, html_version=VERSION)
    return answer.html or []


def render_pending(limit: int) -> int:
    """Render up to ``limit`` answers, the new ones before those of an older renderer. Returns how many."""
    pending = Answer.objects.filter(html_version__lt=VERSION, turns__isnull=False)
    pending = pending.order_by("html_version", "id")[:limit]
    return len([rendered(answer) for answer in pending])


def prompt_turns(prompt: Prompt) -> list[str]:
    return [render_prompt(turn) for turn in prompt.turns]


def prompt_images(prompt: Prompt) -> list[tuple[ShownImage, ...]]:
    """The images of each turn, numbered through."""
    numbers = count(1)
    return [
        tuple(_fitted(next(numbers), **image) for image in turn)
        for turn in prompt.images or [()] * len(prompt.turns)
    ]


def _fitted(number: int, *, sha256: str, width: int, height: int) -> ShownImage:
    scale = min(1, SHOWN_WIDTH / width, SHOWN_HEIGHT / height)
    return ShownImage(number, sha256, max(1, round(width * scale)), max(1, round(height * scale)))


def shown_turns(ballot: Ballot) -> list[Turn]:
    """What the voter of ``ballot`` sees, turn by turn, in the ballot's order."""
    match = ballot.match
    texts = [rendered(match.answer_a), rendered(match.answer_b)]
    first, second = reversed(texts) if ballot.order == Order.BA else texts
    rows = zip_longest(prompt_turns(match.prompt), first, second, fillvalue="")
    images = prompt_images(match.prompt)
    return [Turn(*row, *images[number : number + 1]) for number, row in enumerate(rows)]
