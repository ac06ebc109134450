"""A small arena that has every kind of board, for tests of snapshots."""

import random
from datetime import UTC, datetime, timedelta

from arena.models import Benchmark
from arena.outcomes import Order, Winner
from judging.models import Judge, Judgment
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote, make_voter

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
CHOICES = (Winner.MODEL_A, Winner.MODEL_A, Winner.MODEL_B, Winner.TIE)


def make_arena(slug: str = "bench", *, tags: tuple[str, ...] = ()) -> tuple[Benchmark, Judge]:
    """Three models on 8 prompts, 7 voters with a name who vote on 6 of them, a judge of both orders on all.

    Each answer has a length of its own, so that style can be told from strength: seven boards, and as many
    again for each tag.
    """
    rng = random.Random(3)
    benchmark = make_benchmark(8, slug=slug, tags=list(tags))
    competitors = make_answers(benchmark, "a", "b", "c", organisation="Lab")
    for prompt in benchmark.prompts.all():
        for answer in prompt.answers.all():
            answer.turns = ["x" * rng.randint(5, 60)]
            answer.save()
    assert len(competitors) == 3
    matches = make_matches(benchmark)
    asked = set(benchmark.prompts.order_by("pk").values_list("pk", flat=True)[:6])
    for number in range(7):
        voter = make_voter(f"Very Private Person {slug} {number}")
        for place, match in enumerate(each for each in matches if each.prompt_id in asked):
            at = NOW - timedelta(hours=1) + timedelta(seconds=20 * number + place)
            make_vote(match, rng.choice(CHOICES), voter=voter, at=at)
    judge = make_judge(f"judge-of-{slug}")
    for match in matches:
        for order in (Order.AB, Order.BA):
            make_judgment(judge, match, rng.choice(CHOICES), order)
    return benchmark, judge


def make_judgment(judge: Judge, match, winner: str, order: str) -> Judgment:
    return Judgment.objects.create(
        judge=judge, match=match, order=order, verdict="first", winner=winner, created_at=NOW
    )
