"""Installing the words of a judge's own prompt, and finding them again for a judge that is asked by them."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from judging.models import InstalledRecipe, Judge, form_named
from judging.protocols import PROTOCOLS, JudgingProtocol
from judging.recipes import (
    RECIPES,
    SINGLE,
    BadFile,
    Recipe,
    Source,
    Weights,
    extract,
    find_fault,
)
from judging.services.fetching import NotFetched, fetch
from judging.services.judges import register_judge, served_here


class NotInstalled(ValueError):
    """Nothing was stored; the message says why, in a sentence."""


class Placed(NamedTuple):
    """Where the judge's model answers: at an OpenAI-compatible ``url``, or served by our workers if empty."""

    model: str
    revision: str = ""
    url: str = ""
    key_variable: str = ""


def install_judge(
    recipe: Recipe, placed: Placed, *, paths: Sequence[Path], now: datetime, **fields: Any
) -> tuple[Judge, bool]:
    """Fetch and store the recipe's texts and register the judge that is asked by them.

    ``fields`` are the judge's own: name, is_active, and ``asks``, PAIR, SINGLE or MANY. Raises
    NotInstalled, and then nothing is stored.
    """
    asks = fields.pop("asks", "") or recipe.asks
    if not recipe.judges(asks):
        raise NotInstalled(f"{recipe.name} does not judge {asks}; its modes are: {recipe.modes}.")
    fields["context"] = recipe.context
    texts = take_texts(recipe, paths)  # before the transaction, which waits for no network
    with transaction.atomic():
        installed = store_texts(recipe, texts, now)
        if placed.url:
            fields |= {"engine": Judge.Engine.OPENAI, "base_url": placed.url, "model": placed.model}
            fields["key_variable"] = placed.key_variable
        else:
            fields |= served_here(placed.model, revision=placed.revision, max_model_len=recipe.context)
        # One answer by itself has no order: both would be the same two requests.
        return register_judge(
            protocol=installed.protocol("" if asks == recipe.asks else asks),
            sampling=dict(recipe.sampling),
            both_orders=asks != SINGLE,
            **fields,
        )


def take_texts(recipe: Recipe, paths: Sequence[Path] = ()) -> dict[str, str]:
    """The recipe's texts, from its pinned files: fetched, or found at these paths. Raises NotInstalled."""
    texts: dict[str, str] = {}
    for source in recipe.sources:
        texts |= _take(recipe, source, paths)
    if fault := find_fault(recipe, texts):
        raise NotInstalled(f"{recipe.name}: {fault}; nothing was installed.")
    return texts


def store_texts(recipe: Recipe, texts: Mapping[str, str], now: datetime) -> InstalledRecipe:
    """The row with these texts, made unless it is there."""
    sha256 = hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()
    lines = "\n".join(f"{source.url} {source.sha256}" for source in recipe.sources)
    installed, _ = InstalledRecipe.objects.get_or_create(
        name=recipe.name, sha256=sha256, defaults={"texts": texts, "source": lines, "installed_at": now}
    )
    return installed


def _take(recipe: Recipe, source: Source, paths: Sequence[Path]) -> dict[str, str]:
    """The texts of one file, whose hash must be the pinned one."""
    name = Path(source.path).name
    try:
        content = _read(source, paths) if paths else fetch(source.url)
    except NotFetched as error:
        hint = "Fetch it elsewhere and name it by --source PATH."
        raise NotInstalled(f"{error} {hint}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != source.sha256:
        raise NotInstalled(
            f"{recipe.name}: {name} has the SHA-256 {sha256}, not the pinned {source.sha256}; "
            "nothing was installed."
        )
    try:
        return extract(source, content)
    except BadFile as error:
        raise NotInstalled(f"{recipe.name}: {name} {error}; nothing was installed.") from error


def _read(source: Source, paths: Sequence[Path]) -> bytes:
    """The source's file among files and checkouts; a file by itself is taken whatever its name."""
    named = [path for path in paths if path.name == Path(source.path).name and path.is_file()]
    folders = [path / source.path for path in paths if (path / source.path).is_file()]
    alone = [path for path in paths if len(paths) == 1 and path.is_file()]
    try:
        return [*named, *folders, *alone][0].read_bytes()
    except IndexError:
        places = ", ".join(map(str, paths))
        raise NotInstalled(f"There is no {source.path} at {places}; nothing was installed.") from None
    except OSError as error:
        raise NotInstalled(f"{error.filename} cannot be read: {error.strerror}.") from error


def protocols_of(judge: Judge) -> Mapping[str, JudgingProtocol]:
    """Our own protocols, or the stored one that the judge names. Raises ValueError when it is gone."""
    if "@" not in judge.protocol:
        return PROTOCOLS
    form = form_named(judge.protocol)
    if form is None:
        known = "manage.py install_judge --list, and rubrics and custom judges in the admin"
        raise ValueError(f"{judge.protocol} is not installed; see {known}.")
    return {judge.protocol: form}


class Known(NamedTuple):
    """A judge that can be installed: a model trained for a recipe, or a prompt for any model."""

    recipe: Recipe
    weights: Weights | None
    installed: InstalledRecipe | None
    judges: tuple[str, ...]


def known_judges() -> list[Known]:
    """Every judge that a recipe is there for, the newest texts of it that are stored, and who is asked so."""
    newest = {row.name: row for row in InstalledRecipe.objects.order_by("installed_at")}
    known = []
    for recipe in RECIPES.values():
        judges: dict[Weights | None, list[str]] = {}
        for judge in Judge.objects.filter(protocol__regex=f"^{re.escape(recipe.name)}[/@]"):
            judges.setdefault(_weights_of(recipe, judge), []).append(str(judge))
        for weights in recipe.weights or (None,):
            known.append(Known(recipe, weights, newest.get(recipe.name), tuple(judges.get(weights, ()))))
    return known


def _weights_of(recipe: Recipe, judge: Judge) -> Weights | None:
    """By the judge's model or name; the recipe's first ones where neither tells."""
    for weights in recipe.weights:
        if weights.repository == judge.model or weights.name in (judge.name, judge.model):
            return weights
    return recipe.weights[0] if recipe.weights else None
