"""Engines: where text comes from. One small interface, one file an engine, one line each in `ENGINES`."""

from collections.abc import Callable

from arena.engines.base import Completion, Engine, EngineError, Message, Request, storable
from arena.engines.openai import OpenAIEngine
from arena.engines.scripted import ScriptedEngine

ENGINES: dict[str, Callable[..., Engine]] = {
    "openai": OpenAIEngine,
    "scripted": ScriptedEngine,
}

__all__ = ["ENGINES", "Completion", "Engine", "EngineError", "Message", "Request", "storable"]
