"""A benchmark's inputs as they are now, and every board that follows from them, by themselves.

What is fitted here asks no database, so that an export gives the same boards anywhere.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import compress
from typing import Any

from django.db.models import Exists, OuterRef

from arena.models import Benchmark, Competitor
from arena.models import Prompt as BenchmarkPrompt
from judging.models import Judge, Judgment
from leaderboard import sources
from leaderboard.frozen import (
    PEOPLE,
    STYLES,
    Columns,
    FrozenBoard,
    FrozenStanding,
    Inputs,
    JudgeName,
    Model,
    Prompt,
    judge_table,
)
from leaderboard.frozen.tables import column_of, numbers_of, rows_of
from leaderboard.models import Board
from leaderboard.ratings import Limits, NotConverged, Ratings, read_rows
from leaderboard.ratings.markdown_style import FEATURES
from leaderboard.ratings.results import SCALE
from leaderboard.services.standings import DRAWS, FEW_DRAWS, MANY, Fitted, together
from leaderboard.services.thorough import Facts, fit_bare, measure_answers

log = logging.getLogger(__name__)

# What the figures depend on beside the inputs and the code.
SETTINGS: dict[str, Any] = {
    "scale": SCALE,
    "level": 0.95,
    "limits": asdict(Limits()),
    "joint_draws": {"draws": DRAWS, "above_models": MANY, "then": FEW_DRAWS, "seed": 0},
}


def freeze_inputs(benchmark: Benchmark) -> Inputs | None:
    """All games of a benchmark, of people and of every judge; None when there are none.

    Voters become numbers. Games with a model or prompt that came or went while this was read are left out.
    """
    measure_answers(benchmark)
    ruled = Judgment.objects.filter(judge=OuterRef("pk"), match__prompt__benchmark=benchmark)
    judges = list(Judge.objects.filter(Exists(ruled)).order_by("slug"))
    tables = {PEOPLE: sources.read_rows(benchmark, None)}
    for judge in judges:
        tables[judge_table(judge.slug)] = sources.read_rows(benchmark, judge)
    styles = sources.read_styles(benchmark, FEATURES)
    models = list(Competitor.objects.filter(pk__in=sources.competitors_in_play(benchmark)).order_by("pk"))
    prompts = list(BenchmarkPrompt.objects.filter(benchmark=benchmark).order_by("pk"))
    places = {model.pk: at for at, model in enumerate(models)}
    asked = {prompt.pk: at for at, prompt in enumerate(prompts)}
    found = {name: _numbered(columns, places, asked) for name, columns in tables.items()}
    if not any(rows_of(columns) for columns in found.values()):
        return None
    return Inputs(
        slug=benchmark.slug,
        name=benchmark.name,
        credit=benchmark.credit,
        models=tuple(Model(model.slug, model.name, model.organisation) for model in models),
        prompts=tuple(Prompt(prompt.key, list(prompt.tags)) for prompt in prompts),
        judges=tuple(JudgeName(judge.slug, str(judge), judge.model) for judge in judges),
        tables=found | {STYLES: styles},
    )


def _numbered(columns: Columns, places: Mapping[int, int], asked: Mapping[int, int]) -> Columns:
    """Database ids of models and prompts as numbers from 0, voters' as numbers from 1 by first appearance."""
    voters: dict[int, int] = {}
    rows = {name: numbers_of(column) for name, column in columns.items() if name != "shown"}
    known = bytearray(
        one in places and other in places and prompt in asked
        for one, other, prompt in zip(rows["first"], rows["second"], rows["prompt"], strict=True)
    )
    found: Columns = {}
    for name, values in rows.items():
        own = compress(values, known)
        match name:
            case "first" | "second":
                found[name] = column_of(places[value] for value in own)
            case "prompt":
                found[name] = column_of(asked[value] for value in own)
            case "voter":
                found[name] = column_of(voters.setdefault(value, len(voters) + 1) for value in own)
            case _:
                found[name] = column_of(own)
    return found


def boards_to_fit(inputs: Inputs) -> list[tuple[str, str, str]]:
    """(judge, category, method) of every board that these inputs may give."""
    sides = ["", *(judge.slug for judge in inputs.judges)]
    return [
        (side, category, method)
        for side in sides
        if inputs.rows(_table(side))
        for category in inputs.prompts_by_category()
        for method in Board.Method.values
    ]


class Fitter:
    """Fits the boards of some inputs, one at a time, reading each source's games once."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self._facts: dict[str, Facts] = {}

    def fit(self, judge: str, category: str, method: str) -> FrozenBoard | None:
        """One board; None where there is nothing to fit."""
        facts = self._read(judge)
        if category and not len(facts.within(facts.games, category)):
            return None
        try:
            fitted = fit_bare(facts, category, method)
        except NotConverged as error:
            log.warning("no board by %s for %s on %s: %s", method, judge or PEOPLE, self.inputs.slug, error)
            return None
        return None if fitted is None else _frozen(judge, category, method, fitted)

    def all(self) -> Iterator[FrozenBoard]:
        for judge, category, method in boards_to_fit(self.inputs):
            board = self.fit(judge, category, method)
            if board is not None:
                yield board

    def _read(self, judge: str) -> Facts:
        if judge not in self._facts:
            players = range(len(self.inputs.models))
            people = self._read("").games if judge else None
            self._facts[judge] = Facts(
                judge=None,
                prompts=self.inputs.prompts_by_category(),
                games=read_rows(self.inputs.tables[_table(judge)], players),
                people=people,
                styles=_ordered(self.inputs.tables[STYLES]),
            )
        return self._facts[judge]


def _ordered(styles: Columns) -> Columns:
    """Always in the one order: that of a sum decides its last digit."""
    return {
        name: styles[name] for name in ("match", *(f"{each}_{side}" for each in FEATURES for side in "ab"))
    }


def _table(judge: str) -> str:
    return judge_table(judge) if judge else PEOPLE


def _frozen(judge: str, category: str, method: str, fitted: Fitted) -> FrozenBoard:
    ratings = fitted.ratings
    facts = {
        "matches": fitted.matches,
        "voters": fitted.voters,
        "cluster": ratings.cluster[0] if ratings.cluster else "",
        "clusters": fitted.clusters,
        "details": fitted.details,
    }
    return FrozenBoard(judge, category, method, facts, tuple(_standings(ratings)))


def _standings(ratings: Ratings) -> Iterator[FrozenStanding]:
    joined = together(ratings)
    for row in ratings.rows():
        beside = joined.get(row.player, {})
        yield FrozenStanding(
            model=int(str(row.player)),
            rank=row.rank,
            rank_lower=row.rank_lower,
            rank_upper=row.rank_upper,
            joint_lower=beside.get("joint_lower"),
            joint_upper=beside.get("joint_upper"),
            tied_count=beside.get("tied_count", 0),
            rating=row.rating,
            rating_lower=row.rating_lower,
            rating_upper=row.rating_upper,
            score=row.score,
            matches=row.matches,
            status=row.status,
            reason=row.reason or row.note,
        )
