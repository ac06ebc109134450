"""The demo arena: made-up models, recorded answers, simulated voters, three judges."""

import json
import math
import random
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from arena.models import Answer, Benchmark, Competitor, Job, Match, Prompt, Submission, Vote, Voter
from arena.outcomes import Order, Winner
from arena.services.rendering import render_pending
from judging.models import KIND, Judge
from judging.services.judges import register_judge
from judging.services.judging import judge_pending, plan_judging
from leaderboard.planner import pair_submission
from leaderboard.services.boards import refresh_boards
from leaderboard.services.snapshots import forget_demo

FOLDER = Path(__file__).resolve().parent.parent / "demo"
SLUG = "demo"
USERNAME = "demo"
NO_DEMO = "no-demo"  # a file in ARENA_HOME: the demo was cleared, so no start loads it again
VOTERS, VOTES_EACH = 36, 24
DAYS = 14  # over which the simulated votes are spread
LOG_ODDS_A_GRADE = 0.5  # how much one grade more speaks to a simulated voter
LOG_ODDS_A_LENGTH = -0.4  # and how much e times the length speaks against an answer
BAD_BELOW = 3  # grade under which two answers may both be called bad

Progress = Callable[[str], None]


class Appeal(NamedTuple):
    """What simulated voters go by: an answer's grade, 0 to 10, and its weight in log-odds."""

    grade: int
    log_odds: float


class DemoExists(Exception):
    """The demo is loaded already."""


def load_demo(*, now: datetime, progress: Progress) -> None:
    """Make the demo arena and judge it, so that every page has something to show. Raises DemoExists."""
    with transaction.atomic():
        if Benchmark.objects.filter(slug=SLUG).exists():
            raise DemoExists("The demo arena is loaded already. `manage.py clear_demo` removes it.")
        progress("models and answers")
        appeals = _store_facts(now)
        progress("votes of simulated voters")
        _simulate_votes(appeals, now)
    for judge in _register_judges():
        progress(f"judging by {judge}")
        # The recorded judge's texts know the demo's models only; the baselines rule on every open benchmark.
        named = Benchmark.objects.get(slug=SLUG) if judge.is_demo else None
        while plan_judging(judge, benchmark=named):
            pass
        for _ in judge_pending(judge, worker="demo", benchmark=named):
            pass
    progress("rendering answers")
    while render_pending(200):
        pass
    progress("fitting boards")
    refresh_boards(now=now)
    (settings.ARENA_HOME / NO_DEMO).unlink(missing_ok=True)


def demo_password(home: Path) -> str:
    """The demo account's password: random, made once, kept readable for its owner only."""
    path = home / "demo-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text().strip()


def demo_user() -> User | None:
    """The account that the demo made; somebody else's of the same name is none of ours."""
    user = User.objects.filter(username=USERNAME).first()
    return user if user and user.check_password(demo_password(settings.ARENA_HOME)) else None


def clear_demo() -> int:
    """Delete the demo and what was voted and submitted on it; returns how many rows went with its models."""
    with transaction.atomic():
        matches = Match.objects.filter(prompt__benchmark__is_demo=True)
        Job.objects.filter(kind__startswith=KIND, subject__in=matches.values("pk")).delete()
        Benchmark.objects.filter(is_demo=True).delete()
        removed, _ = Competitor.objects.filter(is_demo=True).delete()
        Judge.objects.filter(is_demo=True).delete()
        Voter.objects.filter(origin=SLUG).delete()
        forget_demo()
        if user := demo_user():
            user.delete()
    (settings.ARENA_HOME / NO_DEMO).touch()
    (settings.ARENA_HOME / "demo-password").unlink(missing_ok=True)
    return removed


def _rows(filename: str) -> Iterator[dict[str, Any]]:
    with (FOLDER / filename).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _store_facts(now: datetime) -> dict[int, Appeal]:
    """Store prompts, models, answers and matches; return how each answer appeals to the voters."""
    if not User.objects.filter(username=USERNAME).exists():
        User.objects.create_superuser(USERNAME, password=demo_password(settings.ARENA_HOME))
    user = demo_user()
    benchmark = Benchmark.objects.create(
        slug=SLUG,
        name="Demo",
        description="24 prompts in 6 categories, answered by made-up models. Votes are simulated.",
        is_demo=True,
    )
    prompts = {
        row["id"]: Prompt.objects.create(
            benchmark=benchmark,
            key=row["id"],
            turns=row["turns"],
            reference=row.get("reference"),
            tags=row["tags"],
        )
        for row in _rows("benchmark.jsonl")
    }
    received = now - timedelta(days=DAYS + 1)
    submissions = {}
    for row in _rows("models.jsonl"):
        fields = {key: row[key] for key in ("slug", "name", "organisation", "description")}
        competitor = Competitor.objects.create(owner=user, is_demo=True, **fields)
        submissions[row["slug"]] = Submission.objects.create(
            competitor=competitor, benchmark=benchmark, submitter=user, received_at=received
        )
    appeals = {}
    for row in _rows("answers.jsonl"):
        answer = Answer.objects.create(
            competitor=submissions[row["model"]].competitor,
            prompt=prompts[row["prompt"]],
            submission=submissions[row["model"]],
            turns=row["turns"],
            engine="recorded",
        )
        length = 30 + sum(map(len, row["turns"]))  # characters; a few more or less of a short one are nothing
        appeals[answer.pk] = Appeal(
            row["grade"], LOG_ODDS_A_GRADE * row["grade"] + LOG_ODDS_A_LENGTH * math.log(length)
        )
    for submission in submissions.values():
        pair_submission(submission, budget=settings.MATCH_BUDGET, now=received)
    return appeals


def _simulate_votes(appeals: dict[int, Appeal], now: datetime) -> None:
    """Voters who prefer the better graded answer, and of equal ones the shorter, the more surely the
    further the two are apart."""
    rng = random.Random(2026)  # noqa: S311 -- a simulation that is the same everywhere
    matches = list(Match.objects.filter(prompt__benchmark__slug=SLUG).order_by("answer_a", "answer_b"))
    voters = Voter.objects.bulk_create(
        Voter(origin=SLUG, name=f"simulated {number}", role="simulated") for number in range(1, VOTERS + 1)
    )
    rows = []
    for voter in voters:
        for match in rng.sample(matches, min(VOTES_EACH, len(matches))):
            seconds = rng.lognormvariate(3, 0.6)
            rows.append(
                Vote(
                    voter=voter,
                    match=match,
                    order=rng.choice((Order.AB, Order.BA)),
                    winner=_choose(appeals[match.answer_a_id], appeals[match.answer_b_id], rng),
                    seconds=round(seconds, 1),
                    created_at=now - timedelta(days=DAYS * rng.random()),
                )
            )
    Vote.objects.bulk_create(rows)


def _choose(a: Appeal, b: Appeal, rng: random.Random) -> Winner:
    gap = a.log_odds - b.log_odds
    if rng.random() < 0.03 + 0.22 * math.exp(-abs(gap)):
        return Winner.BOTH_BAD if max(a.grade, b.grade) < BAD_BELOW else Winner.TIE
    return Winner.MODEL_A if rng.random() < 1 / (1 + math.exp(-gap)) else Winner.MODEL_B


def _register_judges() -> list[Judge]:
    baselines = [
        register_judge(
            name,
            description=description,
            engine=Judge.Engine.BASELINE,
            model=name,
            sampling={"seed": 0},
            is_active=True,
        )[0]
        for name, description in (
            ("longest", "Says that the longer answer is better. A floor that every judge must beat."),
            ("random", "Draws lots. A floor that every judge must beat."),
        )
    ]
    recorded, _ = register_judge(
        "demo-judge",
        description="A made-up judge: its texts were written for the demo and are played back.",
        engine=Judge.Engine.SCRIPTED,
        model="leaderboard/demo/rulings.jsonl",
        is_active=False,
        is_demo=True,
    )
    return [*baselines, recorded]
