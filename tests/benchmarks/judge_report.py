"""What a judge's report costs: prints a table of its parts.

``python -m tests.benchmarks.judge_report [--rulings 50000] [--prompts 500]``, in a database of its own,
removed afterwards. Eleven models, each match ruled on in both orders and voted on twice. The goal: a few
seconds.
"""

import argparse
import random
import time
from datetime import UTC, datetime, timedelta
from itertools import combinations, islice

import tests.conftest  # noqa: F401 -- sets up Django and the suite's own database server

# isort: split

from django.conf import settings
from django.db import connection
from django.test.utils import get_runner

from arena.models import Answer, Benchmark, Match, Vote, Voter
from arena.outcomes import Order, Verdict, Winner, winner_of
from judging.models import Judge, Judgment
from judging.services.effort import measure_effort
from judging.services.measuring import measure_judges, prompts_of, read_judged, read_votes
from leaderboard.services.reports import measure_report
from tests.factories import make_benchmark, make_competitor, make_judge

MODELS, VOTERS, ROUNDS = 11, 100, 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def fill(rulings: int, prompts: int) -> tuple[Judge, Benchmark]:
    rng = random.Random(1)
    benchmark = make_benchmark(prompts)
    models = [make_competitor(f"Qwen {n}" if n < 2 else f"Model {n}") for n in range(MODELS)]
    answers = Answer.objects.bulk_create(
        [Answer(competitor=model, prompt=prompt) for prompt in benchmark.prompts.all() for model in models]
    )
    each = -(-rulings // (2 * prompts))
    matches = [
        Match(
            prompt_id=a.prompt_id,
            answer_a=a,
            answer_b=b,
            competitor_a_id=a.competitor_id,
            competitor_b_id=b.competitor_id,
        )
        for start in range(0, len(answers), MODELS)
        for a, b in islice(combinations(answers[start : start + MODELS], 2), each)
    ]
    Match.objects.bulk_create(matches)
    judge = make_judge("qwen judge", engine=Judge.Engine.OPENAI, model="Qwen")
    voters = Voter.objects.bulk_create([Voter(name=f"v{n}", origin="bench") for n in range(VOTERS)])
    judgments, votes = [], []
    for number, match in enumerate(matches):
        at = NOW + timedelta(seconds=number)
        for order in (Order.AB, Order.BA):
            verdict = rng.choice(list(Verdict))
            said = {"verdict": verdict, "winner": winner_of(verdict, order), "seconds": 1.0, "tokens_in": 800}
            judgments.append(Judgment(judge=judge, match=match, order=order, created_at=at, **said))
            voter, winner = voters[len(votes) % VOTERS], rng.choice(list(Winner))
            votes.append(Vote(voter=voter, match=match, winner=winner, order=order, created_at=at))
    Judgment.objects.bulk_create(judgments, batch_size=5000)
    Vote.objects.bulk_create(votes, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return judge, benchmark


def timed(what: str, work) -> None:
    """The fastest of a few rounds: the machine is shared."""
    walls, processor = [], []
    for _ in range(ROUNDS):
        wall, own = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - own)
    print(f"{what:<24}{min(walls):>8.2f} s{min(processor):>8.2f} s of CPU here")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rulings", type=int, default=50_000)
    parser.add_argument("--prompts", type=int, default=500)
    chosen = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = "arena_judge_report"  # beside the one that tests may be using
    runner = get_runner(settings)(verbosity=0, interactive=False)
    old = runner.setup_databases()
    try:
        judge, benchmark = fill(chosen.rulings, chosen.prompts)
        print(f"{Judgment.objects.count():,} rulings, {Vote.objects.count():,} votes")
        timed("read rulings", lambda: read_judged(judge, benchmark))
        timed("read votes", lambda: read_votes(benchmark))
        timed("read prompts", lambda: prompts_of(benchmark))
        timed("speed, tokens, failures", lambda: measure_effort(judge, benchmark))
        timed("beside other judges", lambda: measure_judges(judge, benchmark))
        timed("the whole report", lambda: measure_report(judge, benchmark))
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    main()
