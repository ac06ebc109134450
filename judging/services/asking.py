"""Who answers for a judge: a server, a script, a baseline without a model, or the members of a panel."""

import os
from collections.abc import Generator, Iterable
from itertools import islice
from typing import Any

from django.conf import settings

from arena import brake
from arena.engines import ENGINES, Completion, Engine
from arena.services.images import attach
from judging import baselines, panels
from judging.models import Judge
from judging.protocols.asking import complete
from judging.services.panels import read_voices
from judging.services.rendering import Ask

WINDOW = 500  # rulings of a panel that are made at once


def ask_judge(judge: Judge, asks: Iterable[Ask], engine: Engine | None) -> Generator[Completion]:
    """A completion for each of ``asks``, which are taken as they are needed.

    ``engine`` is given for a judge whose model is served here. Raises ValueError, TypeError or OSError for a
    judge that cannot work.
    """
    if judge.engine == Judge.Engine.BASELINE:
        if judge.model not in baselines.BASELINES:
            raise ValueError(f"There is no baseline {judge.model!r}.")
        return _rule_by_baseline(judge, asks, seed=int(judge.sampling.get("seed", 0)))
    if judge.engine == Judge.Engine.PANEL:
        return _rule_by_panel(judge, asks)
    engine = engine or engine_of(judge)
    return complete(engine, ((ask.key, tuple(map(attach, ask.requests))) for ask in asks))


def engine_of(judge: Judge, **options: Any) -> Engine:
    """The client of a judge that is not served here; ``options`` go before its own.

    Raises ValueError, TypeError or OSError.
    """
    return ENGINES[judge.engine](**_engine_options(judge) | options)


def _engine_options(judge: Judge) -> dict[str, Any]:
    if judge.engine == Judge.Engine.SCRIPTED:
        return {"script": settings.BASE_DIR / judge.model}
    return {
        "base_url": judge.base_url,
        "model": judge.model,
        "api_key": os.environ.get(judge.key_variable, "").strip() if judge.key_variable else "",
        "concurrency": settings.JUDGE_CONCURRENCY,
        "deadline": settings.JUDGE_DEADLINE,
        "give_up": brake.is_overdue,
    }


def _rule_by_baseline(judge: Judge, asks: Iterable[Ask], *, seed: int) -> Generator[Completion]:
    for ask in asks:
        ruling = baselines.rule(
            judge.model, question=ask.question, first=ask.first, second=ask.second, key=ask.key, seed=seed
        )
        yield _completion(ask, ruling.raw_text, judge.model)


def _rule_by_panel(judge: Judge, asks: Iterable[Ask]) -> Generator[Completion]:
    """Members' rulings are read in one query for as many matches as a window holds."""
    coming = iter(asks)
    while window := list(islice(coming, WINDOW)):
        said = read_voices(judge, {ask.place[0] for ask in window if ask.place})
        for ask in window:
            assert ask.place is not None  # render gives a panel's ask its place
            yield _completion(ask, panels.rule(judge.protocol, said[ask.place]), "")


def _completion(ask: Ask, text: str, model: str) -> Completion:
    return Completion(
        key=ask.key,
        text=text,
        finish_reason="stop",
        model=model,
        fingerprint="",
        tokens_in=None,
        tokens_out=None,
        seconds=0.0,
        error=None,
    )
