"""What pages ask about competitors, matches and submissions across the apps."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from arena.models import Answer, Benchmark, Competitor, Job, Match, Submission, Vote
from arena.models.answers import MatchQuerySet
from arena.outcomes import INCONSISTENT
from judging.models import KIND, Judge, Judgment
from leaderboard.models.boards import Standing


def matches_of(competitor: Competitor) -> MatchQuerySet:
    return Match.objects.filter(Q(competitor_a=competitor) | Q(competitor_b=competitor))


def matches_by_competitor(benchmark: Benchmark) -> Counter[int]:
    """How many matches each competitor has on a benchmark."""
    found: Counter[int] = Counter()
    made = Match.objects.of_benchmark(benchmark).order_by()
    for side in ("competitor_a", "competitor_b"):
        found.update(dict(made.values_list(side).annotate(number=Count("pk"))))
    return found


def withdrawn_from(benchmark: Benchmark) -> QuerySet[Competitor]:
    """The benchmark's models that were withdrawn, so that its boards leave them out."""
    answered = Answer.objects.filter(competitor=OuterRef("pk"), prompt__benchmark=benchmark)
    return Competitor.objects.withdrawn().filter(Exists(answered))


def competitors_with_entries(search: str, *, withdrawn: bool = False) -> QuerySet[Competitor]:
    """Competitors by name with ``entries``, the benchmarks' names that they answered.

    Those in play, or the ``withdrawn``. Every word of ``search`` must stand in the name or the organisation.
    Left out are those of which nothing came: every entry was refused, failed or cancelled without an answer.
    """
    found = Competitor.objects.withdrawn() if withdrawn else Competitor.objects.in_play()
    entered = Submission.objects.filter(competitor=OuterRef("pk"))
    lives = Exists(entered.exclude(state__in=Submission.ENDED)) | ~Exists(entered)
    found = found.filter(lives | Exists(Answer.objects.filter(competitor=OuterRef("pk"))))
    found = found.order_by(Lower("name"), "pk")
    for word in search.split():
        found = found.filter(Q(name__icontains=word) | Q(organisation__icontains=word))
    answered = Benchmark.objects.filter(prompts__answers__competitor=OuterRef("pk")).order_by("pk").distinct()
    return found.annotate(entries=ArraySubquery(answered.values("name")))


class Quarantined(NamedTuple):
    """Voters in quarantine who voted on a benchmark, and their votes there."""

    voters: int
    votes: int


def quarantined_votes(benchmark: int) -> Quarantined:
    """Whose votes on a benchmark (an id) are kept and count nowhere, and how many they are."""
    votes = Vote.objects.filter(voter__quarantined_at__isnull=False, match__prompt__benchmark=benchmark)
    return Quarantined(**votes.aggregate(voters=Count("voter", distinct=True), votes=Count("pk")))


def vote_counts(matches: Iterable[int]) -> Iterable[tuple[int, str, int]]:
    """(match id, winner, how many votes said so)."""
    votes = Vote.objects.filter(match__in=list(matches)).order_by().values("match_id", "winner")
    return votes.annotate(number=Count("pk")).values_list("match_id", "winner", "number")


def judge_outcomes(matches: Iterable[int]) -> list[tuple[int, str, str]]:
    """(match id, judge, outcome) by judge: the winner that all its rulings name, "inconsistent", or ""."""
    rulings = Judgment.objects.filter(match__in=list(matches)).order_by("judge__name", "judge__version")
    rows = rulings.values("match_id", "judge__name", "judge__version").annotate(
        least=Min("winner"), most=Max("winner")
    )
    return [
        (
            row["match_id"],
            row["judge__name"]
            if row["judge__version"] == 1
            else f"{row['judge__name']} v{row['judge__version']}",
            row["least"] if row["least"] in ("", row["most"]) else INCONSISTENT,
        )
        for row in rows
    ]


class JudgingProgress(NamedTuple):
    """How far active judges are with a submission's matches; a job is one judge on one match."""

    matches: int
    total: int
    done: int
    failed: int
    recent: int  # jobs that ended in the last minute
    error: str  # of one failed job
    last: datetime | None  # when the latest of them ended

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def is_complete(self) -> bool:
        return self.ended >= self.total


class Trouble(NamedTuple):
    """Why matches wait for a judge or failed: the commonest cause's code, and how many it holds up."""

    code: str
    matches: int


def trouble_of(judge: Judge) -> Trouble | None:
    """What keeps a judge from its matches now, if anything does; that some are not for it comes last."""
    held = Job.objects.filter(kind=KIND, owner=judge.pk, state__in=["pending", "failed"])
    held = held.exclude(error_code__in=["", "too_long"])  # what is too long for it waits for nothing
    rows = [Trouble(*row) for row in held.values_list("error_code").annotate(matches=Count("id"))]
    return max(rows, key=lambda row: (row.code != "unfit_protocol", row.matches, row.code), default=None)


def judging_progress(submission: Submission, *, now: datetime) -> JudgingProgress:
    """Count the jobs on the matches that this submission was given when it was paired."""
    made = matches_of(submission.competitor).of_benchmark(submission.benchmark).with_texts().in_play()
    if submission.paired_at:
        # Later entries pair with this one too; their matches are theirs to wait for.
        made = made.filter(created_at__lte=submission.paired_at + timedelta(minutes=1))
    matches = list(made.values_list("pk", flat=True))
    # A panel follows from the others, and may wait for a member that is paused.
    asked = Judge.objects.active().exclude(engine=Judge.Engine.PANEL)
    judges = list(asked.values_list("pk", flat=True))
    jobs = Job.objects.filter(kind=KIND, owner__in=judges, subject__in=matches)
    counts = jobs.aggregate(
        done=Count("pk", filter=Q(state=Job.State.DONE)),
        failed=Count("pk", filter=Q(state=Job.State.FAILED)),
        recent=Count("pk", filter=Q(finished_at__gte=now - timedelta(minutes=1))),
        error=Min("error", filter=Q(state=Job.State.FAILED)),
        last=Max("finished_at"),
    )
    counts["error"] = counts["error"] or ""
    return JudgingProgress(matches=len(matches), total=len(matches) * len(judges), **counts)


def rated_standings(submission: Submission) -> QuerySet[Standing]:
    """The submission's places on overall boards that people or active judges fitted after it was paired."""
    live = Q(board__judge=None) | Q(board__judge__in=Judge.objects.active())
    rows = Standing.objects.of_competitor(submission.competitor).filter(
        live, board__benchmark=submission.benchmark, board__category=""
    )
    return rows.filter(board__fitted_at__gte=submission.paired_at) if submission.paired_at else rows.none()
