"""Store a data set: one transaction, so a failed import leaves nothing behind."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import models, transaction

from arena.models import Answer, Benchmark, Competitor, Match, Prompt, Vote, Voter
from arena.outcomes import INCONSISTENT, Order, winner_of
from arena.services.competitors import free_slugs
from judging.importers.dataset import Dataset, RulingRow, VoteRow
from judging.models import Judge, Judgment
from judging.services.judges import register_judge

BATCH = 2000
Progress = Callable[[str, int], None]  # what is stored, and how many rows of it just were


class AlreadyImported(Exception):
    """The benchmark exists; nothing was added."""


class Imported(NamedTuple):
    """How many rows of each kind an import stored."""

    competitors: int
    prompts: int
    answers: int
    matches: int
    votes: int
    judgments: int


class _Pair(NamedTuple):
    """Where a recorded pair went: its match, and whether the first recorded answer is ``answer_a``."""

    match: Match
    in_order: bool


def import_dataset(data: Dataset, *, now: datetime, progress: Progress) -> Imported:
    """Store ``data`` as a closed benchmark; raise AlreadyImported when its benchmark exists."""
    with transaction.atomic():
        benchmark, created = Benchmark.objects.get_or_create(
            slug=data.slug,
            defaults={
                "name": data.name,
                "description": data.description,
                "credit": data.credit,
                "is_open": False,
            },
        )
        if not created:
            raise AlreadyImported(f"{data.slug} is imported already; nothing was added.")
        store = _Store(progress)
        answers = _store_answers(data, benchmark, store)
        pairs = _store_matches(data, answers, store)
        votes = _store_votes(data, pairs, store, now)
        judgments = _store_judgments(data, pairs, store, now)
        matches = len({pair.match.pk for pair in pairs.values()})
        return Imported(
            len(data.competitors), len(data.prompts), len(data.answers), matches, votes, judgments
        )


class _Store:
    """bulk_create in batches that reports its progress."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def __call__(self, model: type[models.Model], rows: Iterable[Any]) -> list[Any]:
        rows = list(rows)
        for start in range(0, len(rows), BATCH):
            batch = model._default_manager.bulk_create(rows[start : start + BATCH])
            self.progress(str(model._meta.verbose_name_plural), len(batch))
        return rows


def _store_answers(data: Dataset, benchmark: Benchmark, store: _Store) -> dict[Any, Answer]:
    prompts = {
        row.key: Prompt(
            benchmark=benchmark, key=row.key, turns=row.turns, reference=row.reference, tags=row.tags
        )
        for row in data.prompts
    }
    store(Prompt, prompts.values())
    slugs = free_slugs(row.name for row in data.competitors)
    competitors = {
        row.key: Competitor(slug=slug, name=row.name, organisation=row.organisation)
        for row, slug in zip(data.competitors, slugs, strict=True)
    }
    store(Competitor, competitors.values())
    answers = {
        row.key: Answer(
            competitor=competitors[row.competitor],
            prompt=prompts[row.prompt],
            sample=row.sample,
            turns=row.turns,
            engine="recorded",
        )
        for row in data.answers
    }
    store(Answer, answers.values())
    return answers


def _store_matches(data: Dataset, answers: dict[Any, Answer], store: _Store) -> dict[tuple[Any, Any], _Pair]:
    """One match for each pair that was voted or ruled on, whichever way round it was recorded."""
    matches: dict[tuple[int, int], Match] = {}
    pairs: dict[tuple[Any, Any], _Pair] = {}
    rows: list[VoteRow | RulingRow] = [*data.votes, *data.rulings]
    for row in rows:
        if (row.first, row.second) in pairs:
            continue
        first, second = answers[row.first], answers[row.second]
        in_order = first.pk < second.pk
        a, b = (first, second) if in_order else (second, first)
        if (a.pk, b.pk) not in matches:
            matches[a.pk, b.pk] = Match(
                prompt_id=a.prompt_id,
                answer_a=a,
                answer_b=b,
                competitor_a_id=a.competitor_id,
                competitor_b_id=b.competitor_id,
            )
        pairs[row.first, row.second] = _Pair(matches[a.pk, b.pk], in_order)
    store(Match, matches.values())
    return pairs


def _store_votes(data: Dataset, pairs: dict, store: _Store, now: datetime) -> int:
    voters = {name: Voter(origin=data.slug, name=name, role=role) for name, role in data.voters.items()}
    store(Voter, voters.values())
    rows = []
    for row in data.votes:
        match, in_order = pairs[row.first, row.second]
        position = Order.AB if in_order else Order.BA
        rows.append(
            Vote(
                voter=voters[row.voter],
                match=match,
                turn=row.turn,
                order=position if row.shown else Order.UNKNOWN,
                winner=winner_of(row.verdict, position) or "",
                created_at=now,
            )
        )
    return len(store(Vote, rows))


def _store_judgments(data: Dataset, pairs: dict, store: _Store, now: datetime) -> int:
    judges = {
        name: register_judge(
            name,
            description=description,
            engine=Judge.Engine.RECORDED,
            model=f"{data.slug}/{name}",
            both_orders=False,
            is_active=False,
        )[0]
        for name, description in data.judges.items()
    }
    rows = []
    for row in data.rulings:
        match, in_order = pairs[row.first, row.second]
        position = Order.AB if in_order else Order.BA
        winner = INCONSISTENT if row.inconsistent else winner_of(row.verdict, position)
        rows.append(
            Judgment(
                judge=judges[row.judge],
                match=match,
                turn=row.turn,
                order=Order.FOLDED if row.folded else position,
                verdict="" if row.folded else row.verdict or "",
                winner=winner or "",
                raw_text=row.raw_text,
                created_at=now,
            )
        )
    return len(store(Judgment, rows))
