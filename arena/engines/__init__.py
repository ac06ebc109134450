"""Engines: where text comes from. One small interface, one file an engine, one line each in `ENGINES`."""

from collections.abc import Callable

from arena.engines.base import (
    GONE,
    LOST,
    Alternative,
    Attachment,
    Completion,
    Engine,
    EngineError,
    Message,
    Request,
    TokenLogprob,
    storable,
)
from arena.engines.guard import Guard, parse_allowed
from arena.engines.openai import OpenAIEngine
from arena.engines.scripted import ScriptedEngine

ENGINES: dict[str, Callable[..., Engine]] = {
    "openai": OpenAIEngine,
    "scripted": ScriptedEngine,
}

__all__ = [
    "ENGINES",
    "GONE",
    "LOST",
    "Alternative",
    "Attachment",
    "Completion",
    "Engine",
    "EngineError",
    "Guard",
    "Message",
    "Request",
    "TokenLogprob",
    "parse_allowed",
    "storable",
]
