"""What pairing a newcomer costs, and what it pays to pair it in parts: prints two tables.

``python -m tests.benchmarks.newcomers [--runs 40] [--models 3000]``. First: time and memory of the planner in
a database of its own, removed afterwards. Second, simulated: the width of a newcomer's interval and the mean
variance of all differences after the same budget, by the information at the truth. Opponents take turns for
all of it, or are A-optimal: for the differences of all models or for the newcomer's own, all at once or after
a part by even turns.
"""

import argparse
import itertools
import resource
import time

import tests.conftest  # noqa: F401 -- sets up Django and the suite's own database server

# isort: split

import numpy as np
from django.conf import settings
from django.db import connection
from django.test.utils import get_runner
from django.utils import timezone
from scipy.special import expit

from arena.models import Competitor, Submission
from leaderboard.planner import HANDFUL, MOST, _first_part, pair_submission, short_of, top_up
from leaderboard.ratings import Matchups, Policy, choose_opponents, choose_pairs, fit_bradley_terry
from leaderboard.ratings.laplacian import inverse_over_differences, laplacian
from leaderboard.ratings.results import POINTS_PER_NAT
from tests.factories import make_answers, make_benchmark
from tests.leaderboard.rows import make_board

BUDGET, PROMPTS = 200, 80
PLACES = {"anywhere": None, "in the middle": 0.0, "at the top": 1.6}  # of the newcomer, in natural units
# A-optimal for all differences, or for the newcomer's own, as the planner does it.
POLICIES = ("even turns", "all at once", "all in parts", "its in parts")


class Arena:
    """Models with normal strengths (1 is 174 points) after their budget by even turns, and a newcomer."""

    def __init__(self, size, place, rng):
        self.rng, self.new = rng, size
        self.strength = rng.normal(0, 1, size + 1)
        if place is not None:
            self.strength[-1] = place
        self.first = np.repeat(np.arange(size), BUDGET)
        self.second = (self.first + rng.integers(1, size, len(self.first))) % size
        self.score = self.outcomes(self.first, self.second)
        self.room = np.full(size, PROMPTS)

    def outcomes(self, first, second):
        return (self.rng.random(len(first)) < expit(self.strength[first] - self.strength[second])) * 1.0

    def play(self, opponents):
        mine = np.full(len(opponents), self.new)
        self.score = np.append(self.score, self.outcomes(mine, opponents))
        self.first, self.second = np.append(self.first, mine), np.append(self.second, opponents)
        self.room -= np.bincount(opponents, minlength=self.new)

    def fit(self, players):
        kept = np.isin(self.first, players) & np.isin(self.second, players)
        rows = (column[kept] for column in (self.first, self.second, self.score))
        return fit_bradley_terry(Matchups.from_rows(*rows, players=players))

    def measure(self):
        """Width of the newcomer's interval (points) and mean variance of a difference (squared points)."""
        win = expit(self.strength[self.first] - self.strength[self.second])
        size = self.new + 1
        inverse = inverse_over_differences(laplacian(self.first, self.second, win * (1 - win), size))
        from_mean = -np.bincount(np.append(self.first, self.second), minlength=size) / (2 * len(self.first))
        from_mean[self.new] += 1
        variance = from_mean @ inverse @ from_mean
        mean = 2 / self.new * np.trace(inverse)
        return 2 * 1.96 * np.sqrt(variance) * POINTS_PER_NAT, mean * POINTS_PER_NAT**2


def even_turns(arena, count):
    met = PROMPTS - arena.room
    order = np.lexsort((arena.rng.permutation(arena.new), met))
    return np.resize(order, count)


def for_all(arena, ratings, count, seed):
    """Opponents by choose_pairs with room for the newcomer's pairs alone."""
    places = np.array(ratings.players[:-1])
    room = np.zeros((len(places) + 1, len(places) + 1), np.intp)
    room[-1, :-1] = room[:-1, -1] = arena.room[places]
    policy = Policy(fewest=0, seed=seed, candidates=10**9)
    chosen = choose_pairs(
        ratings.rating, ratings.covariance, ratings.matches, count, room=room, policy=policy
    )
    return places[chosen.first]


def further(arena, count, policy, seed):
    others = arena.rng.permutation(arena.new)
    others = others[np.argsort(arena.room[others] == PROMPTS, kind="stable")][: MOST - 1]
    ratings = arena.fit([*sorted(others.tolist()), arena.new])
    rated = [not why for why in ratings.reason]
    if policy == "its in parts" and (not rated[-1] or sum(rated) <= HANDFUL):
        return even_turns(arena, count)
    if policy != "its in parts":
        return for_all(arena, ratings, count, seed)
    room = {int(other): int(arena.room[other]) for other in others}
    return np.array(choose_opponents(ratings, arena.new, room, count, policy=Policy(seed=seed)))


def run(size, place, policy, seed):
    arena = Arena(size, place, np.random.default_rng(seed))
    made = {"even turns": BUDGET, "all at once": 0}.get(policy, _first_part(BUDGET))
    arena.play(even_turns(arena, made))
    while made < BUDGET:
        more = min(made or BUDGET, BUDGET - made)
        arena.play(further(arena, more, policy, seed))
        made += more
    return arena.measure()


def print_gain(runs):
    print(f"{'models':<8}{'newcomer':<16}{'opponents':<14}{'width':>8}{'against even':>14}{'+-':>6}", end="")
    print(f"{'mean variance':>15}")
    for size, (where, place) in itertools.product((10, 60, 200, 1000), PLACES.items()):
        number = max(runs * 20 // (size + 10), 5)
        even = None
        for policy in POLICIES:
            found = np.array([run(size, place, policy, seed) for seed in range(number)])
            even = found if even is None else even
            width, spread = (100 * (found / even - 1)).T
            wobble = width.std() / np.sqrt(number)
            print(f"{size:<8}{where:<16}{policy:<14}{found[:, 0].mean():>8.1f}", end="")
            print(f"{width.mean():>+13.1f}%{wobble:>6.1f}{spread.mean():>+14.1f}%", flush=True)


FILL = """
INSERT INTO arena_competitor (slug, name, organisation, description, sampling, is_demo, created_at)
    SELECT 'many-' || n, 'Model ' || n, '', '', '{}', false, now() FROM generate_series(1, %(models)s) n;
CREATE TEMPORARY TABLE strong AS
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, 3.4 * random() AS strength FROM arena_competitor;
INSERT INTO arena_answer (competitor_id, prompt_id, sample, html_version, engine, model_returned, fingerprint,
        finish_reason, turns)
    SELECT strong.id, prompt.id, 0, 0, '', '', '', '',
        jsonb_build_array(repeat(md5(strong.id || ' ' || prompt.id), 40))
    FROM strong, arena_prompt prompt;
INSERT INTO arena_match (prompt_id, answer_a_id, answer_b_id, competitor_a_id, competitor_b_id, created_at)
    SELECT a.prompt_id, a.id, b.id, a.competitor_id, b.competitor_id, now()
    FROM strong one CROSS JOIN generate_series(1, %(budget)s) step
    JOIN strong other ON other.place = (one.place + step) %% %(models)s
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM arena_prompt) prompt
        ON prompt.place = (one.place + step) %% %(prompts)s
    JOIN arena_answer a ON a.prompt_id = prompt.id AND a.competitor_id = least(one.id, other.id)
    JOIN arena_answer b ON b.prompt_id = prompt.id AND b.competitor_id = greatest(one.id, other.id);
"""
COUNT = """
INSERT INTO leaderboard_paircount (benchmark_id, judge_id, category, low_id, high_id, quarters, games)
    SELECT %(benchmark)s, NULL, '', competitor_a_id, competitor_b_id,
        CASE WHEN random() < 1 / (1 + exp(coalesce(b.strength, 1.7) - coalesce(a.strength, 1.7)))
            THEN 4 ELSE 0 END, 1
    FROM arena_match match LEFT JOIN strong a ON a.id = competitor_a_id
    LEFT JOIN strong b ON b.id = competitor_b_id
    WHERE %(only)s::bigint IS NULL OR %(only)s IN (competitor_a_id, competitor_b_id)
    ON CONFLICT DO NOTHING;
ANALYZE;
"""


def execute(query, **values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)


def timed(name, work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    found = work()
    taken = time.perf_counter() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{name:<44}{taken:>8.2f}{more:>10.0f}", flush=True)
    return found


def print_cost(models):
    benchmark = make_benchmark(PROMPTS, slug="many")
    execute(FILL, models=models, budget=BUDGET, prompts=PROMPTS)
    execute(COUNT, benchmark=benchmark.pk, only=None)
    make_board(benchmark, dict.fromkeys(Competitor.objects.all()[:HANDFUL], 1000))
    [newcomer] = make_answers(benchmark, "new")
    entry = Submission.objects.create(competitor=newcomer, benchmark=benchmark, received_at=timezone.now())
    print(f"{f'{models} models, {PROMPTS} prompts':<44}{'s':>8}{'MB more':>10}")
    made = timed(
        "a newcomer's first matches", lambda: pair_submission(entry, budget=BUDGET, now=timezone.now())
    )
    assert made == _first_part(BUDGET)
    execute(COUNT, benchmark=benchmark.pk, only=newcomer.pk)
    [short] = timed("who is short of matches", lambda: list(short_of(BUDGET)))
    assert timed("its further matches", lambda: top_up(short, budget=BUDGET)) == made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--models", type=int, default=3000)
    options = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = "arena_newcomers"  # beside the one that tests may be using
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        print_cost(options.models)
    finally:
        runner.teardown_databases(databases)
    print_gain(options.runs)


if __name__ == "__main__":
    main()
