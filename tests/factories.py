"""Plain functions that make rows for tests; every argument has a sensible default."""

import itertools
from datetime import datetime

from django.utils import timezone

from arena.models import Answer, Benchmark, Competitor, Match, Prompt, Submission, Vote, Voter
from arena.outcomes import Order, Winner
from arena.services.pairing import pair_answers
from arena.services.submissions import Entry, accept_endpoint
from judging.models import Judge

_numbers = itertools.count(1)


def make_benchmark(prompts: int = 2, *, slug: str = "", is_open: bool = True, **prompt_fields) -> Benchmark:
    slug = slug or f"bench-{next(_numbers)}"
    benchmark = Benchmark.objects.create(slug=slug, name=slug.title(), is_open=is_open)
    for number in range(1, prompts + 1):
        fields = {"turns": [f"Question {number}?"], "tags": ["odd" if number % 2 else "even"]} | prompt_fields
        Prompt.objects.create(benchmark=benchmark, key=f"q{number}", **fields)
    return benchmark


def make_competitor(name: str = "", **fields) -> Competitor:
    number = next(_numbers)
    return Competitor.objects.create(slug=f"model-{number}", name=name or f"Model {number}", **fields)


def make_answers(benchmark: Benchmark, *texts: str, **competitor_fields) -> list[Competitor]:
    """One competitor a text, which it answers to every prompt (once a turn)."""
    competitors = []
    for text in texts:
        competitor = make_competitor(**competitor_fields)
        for prompt in benchmark.prompts.all():
            Answer.objects.create(competitor=competitor, prompt=prompt, turns=[text] * len(prompt.turns))
        competitors.append(competitor)
    return competitors


def make_matches(benchmark: Benchmark) -> list[Match]:
    """Every pair of different models on every prompt."""
    for prompt in benchmark.prompts.all():
        pair_answers(itertools.combinations(prompt.answers.all(), 2))
    return list(Match.objects.of_benchmark(benchmark).order_by("pk"))


def make_voter(name: str = "", role: str = "") -> Voter:
    return Voter.objects.create(origin="tests", name=name or f"voter {next(_numbers)}", role=role)


def make_vote(
    match: Match,
    winner: str = Winner.MODEL_A,
    *,
    voter: Voter | None = None,
    order: str = Order.AB,
    turn: int | None = None,
    at: datetime | None = None,
) -> Vote:
    voter = voter or make_voter()
    created = at or timezone.now()
    return Vote.objects.create(
        voter=voter, match=match, winner=winner, order=order, turn=turn, created_at=created
    )


def make_endpoint(
    benchmark: Benchmark, base_url: str, user=None, *, model="model", key="", **fields
) -> Submission:
    """An endpoint that waits to be asked every prompt."""
    entry = Entry(user=user, benchmark=benchmark, name=f"Endpoint {next(_numbers)}", **fields)
    return accept_endpoint(entry, base_url=base_url, model=model, key=key, now=timezone.now())


def make_judge(name: str = "", **fields) -> Judge:
    name = name or f"judge-{next(_numbers)}"
    defaults = {"engine": Judge.Engine.BASELINE, "model": "longest", "slug": name}
    return Judge.objects.create(name=name, **(defaults | fields))
