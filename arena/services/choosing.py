"""Which match a voter is shown next: models with few votes first, with chance, in a few indexed look-ups."""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q

from arena.models import Ballot, Benchmark, Match, Voter
from arena.models.answers import MatchQuerySet

SAMPLE = 24  # candidates looked at for one choice
TRIES = 4  # models tried before every remaining match is searched
COUNTS_LAST = 15  # seconds; the counts scan the open matches, so pages share them


class InPlay(NamedTuple):
    """A model's votes so far in some benchmarks, and the range of its matches' ids there."""

    model: int
    votes: int
    low: int
    high: int


def choose_match(voter: Voter, benchmarks: list[Benchmark], *, rng: Random) -> Match | None:
    """A match that the voter never had, both texts present and different; None when none is left."""
    keys = sorted(benchmark.pk for benchmark in benchmarks)
    models = models_in_play(keys)
    if not models:
        return None
    votes = {row.model: row.votes for row in models}
    fresh = (
        Match.objects.in_play()
        .filter(prompt__benchmark__in=keys)
        .exclude(Exists(Ballot.objects.filter(voter=voter, match=OuterRef("pk"))))
    )
    for row in _fewest_votes_first(models, rng)[:TRIES]:
        own = fresh.filter(Q(competitor_a=row.model) | Q(competitor_b=row.model))
        match = _one_of(own, (row.low, row.high), votes, rng)
        if match is not None:
            return match
    return _first_different(_comparable(fresh).order_by("id").values_list("pk", flat=True).iterator(100))


def models_in_play(benchmarks: list[int]) -> list[InPlay]:
    """Every model with a match in these benchmarks; kept for a few seconds, an empty list never."""
    key = "in-play:" + ",".join(map(str, benchmarks))
    models = cache.get(key)
    if not models:
        models = _count(benchmarks)
        cache.set(key, models, COUNTS_LAST)
    return models


def _count(benchmarks: list[int]) -> list[InPlay]:
    pairs = (
        Match.objects.in_play()
        .filter(prompt__benchmark__in=benchmarks)
        .order_by()
        .values_list("competitor_a", "competitor_b")
        .annotate(cast=Count("votes"), low=Min("id"), high=Max("id"))
    )
    totals: dict[int, InPlay] = {}
    for *models, votes, low, high in pairs:
        for model in models:
            old = totals.get(model, InPlay(model, 0, low, high))
            totals[model] = InPlay(model, old.votes + votes, min(old.low, low), max(old.high, high))
    return list(totals.values())


def _fewest_votes_first(models: Iterable[InPlay], rng: Random) -> list[InPlay]:
    """A shuffle in which a model comes first with a chance in proportion to 1 / (votes + 1)."""
    return sorted(models, key=lambda row: rng.expovariate(1) * (row.votes + 1))


def _one_of(matches: MatchQuerySet, ids: tuple[int, int], votes: dict[int, int], rng: Random) -> Match | None:
    """One of the matches from a random id on (then from the lowest), opponents with few votes preferred."""
    start = rng.randint(*ids)
    for part in (matches.filter(pk__gte=start), matches.filter(pk__lt=start)):
        rows = list(part.order_by("id").values_list("pk", "competitor_a", "competitor_b")[:SAMPLE])
        rows.sort(key=lambda row: rng.expovariate(1) * (votes.get(row[1], 0) + votes.get(row[2], 0) + 1))
        match = _first_different(pk for pk, _, _ in rows)
        if match is not None:
            return match
    return None


def _comparable(matches: MatchQuerySet) -> MatchQuerySet:
    return matches.with_texts().exclude(answer_a__turns=F("answer_b__turns"))


def _first_different(keys: Iterable[int]) -> Match | None:
    """The first of these matches whose two texts are there and differ in more than blanks."""
    for key in keys:
        found = _comparable(Match.objects.filter(pk=key))
        match = found.select_related("prompt__benchmark", "answer_a", "answer_b").first()
        if match is not None and _words(match.answer_a.turns) != _words(match.answer_b.turns):
            return match
    return None


def _words(turns: list[str] | None) -> list[list[str]]:
    return [turn.split() for turn in turns or []]
