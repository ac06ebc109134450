"""How many tokens a prompt will be, without a tokenizer: bytes, at the rate that the judge has shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from arena.engines import Request
from judging.models import Judge

LOOKED_AT = 100  # of the judge's latest rulings
ENOUGH = 20  # of them, to trust their rate
UNKNOWN = 1 / 3  # tokens a byte: what is more than plain text takes, code and numbers included
MARGIN = 1.05
IMAGE_TOKENS = 1600  # that an image is reckoned to take; most models need 250 to 1,600 at their usual sizes


@dataclass(frozen=True)
class Room:
    """What a judge has room for: prompt and ruling together, in tokens; None is not known, and all fits."""

    context: int | None
    tokens_a_byte: float

    def excess(self, size: int, sampling: Mapping[str, object], images: int = 0) -> str:
        """Why a prompt of so many bytes and images is too long, in a sentence; empty when it fits."""
        asked = sampling.get("max_tokens", sampling.get("max_completion_tokens", 0))
        ruling = asked if isinstance(asked, int) else 0
        tokens = round(size * self.tokens_a_byte) + IMAGE_TOKENS * images
        if self.context is None or tokens + ruling <= self.context:
            return ""
        need = f"about {tokens:,} tokens and {ruling:,} for the ruling"
        return f"The prompt is too long for the judge: {need}, where it takes {self.context:,} together."


def size_of(request: Request) -> int:
    """Bytes of all that a request says."""
    texts = [message.content for message in request.messages]
    return sum(len(text.encode()) for text in (*texts, request.prompt or ""))


def images_of(request: Request) -> int:
    """How many images a request shows."""
    return sum(len(message.images) for message in request.messages)


def room_of(judge: Judge) -> Room:
    """The judge's room, with its own rate of tokens to bytes where that matters."""
    context = judge.context or (judge.host_model.max_model_len if judge.host_model else None)
    return Room(context, UNKNOWN if context is None else tokens_a_byte(judge))


def tokens_a_byte(judge: Judge) -> float:
    """The highest rate among what it judged lately, and a little more."""
    latest = judge.judgments.exclude(tokens_in=None).exclude(prompt_sha256="").order_by("-pk")[:LOOKED_AT]
    # A ruling out of a ranking has a share of its request's tokens, but the whole prompt.
    prompts = [
        ((row.tokens_in or 0) * row.settings.get("rulings", 1), json.loads(row.prompt_text)) for row in latest
    ]
    # What an image took is not known by itself, so prompts that show any say nothing of texts.
    rates = [tokens / _size(rows) for tokens, rows in prompts if not any("images" in row for row in rows)]
    return MARGIN * max(rates) if len(rates) >= ENOUGH else UNKNOWN


def _size(rows: list[dict[str, object]]) -> int:
    """Bytes of all that a stored prompt says."""
    return sum(len(str(row["content"]).encode()) for row in rows) or 1
