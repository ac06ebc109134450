"""What a run of judging will take, before it starts: matches, tokens, money and time."""

import uuid
from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from django.conf import settings

from arena import jobs
from arena.models import Benchmark, Job, Match
from judging.models import Judge
from judging.protocols import UnfitProtocol
from judging.services.budgets import matches_to_plan
from judging.services.feeding import BOTH_ORDERS, Part, Work, answers_of, kind_of, most_of, together
from judging.services.judging import unplanned
from judging.services.lengths import IMAGE_TOKENS, images_of, size_of, tokens_a_byte
from judging.services.recipes import protocols_of
from judging.services.rendering import add_texts, render

LOOKED_AT = 1000  # of the judge's latest rulings
ENOUGH = 20  # of them, to take their means
SAMPLE = 50  # requests that are rendered where nothing was judged yet
GROUPED = 10_000  # matches that are put together as a run would
UNCLAIMED = jobs.Claim(0, 0, uuid.UUID(int=0), 0)  # matches are only looked at here
PAUSE = 30.0  # seconds between two rulings that belong to one run


class Estimate(NamedTuple):
    """Totals over all requests; None is not known. If not ``measured``, ``tokens_out`` is a limit.

    There are fewer ``requests`` than ``rulings`` where one ranks many answers.
    """

    planned: int
    waiting: int
    rulings: int
    requests: int
    tokens_in: float | None
    tokens_out: float | None
    measured: bool
    cost: float | None
    rate: float | None

    @property
    def matches(self) -> int:
        return self.planned + self.waiting

    @property
    def seconds(self) -> float | None:
        return self.rulings / self.rate if self.rate else None


def estimate(judge: Judge, benchmark: Benchmark | None) -> Estimate:
    """What judging all that is open would take, without planning it."""
    waiting = Job.objects.unfinished().filter(kind=kind_of(benchmark), owner=judge.pk)
    to_plan = unplanned(judge, benchmark)
    room = matches_to_plan(judge)
    planned = to_plan.count() if room is None else min(to_plan.count(), room)
    if judge.engine == Judge.Engine.PANEL:  # it asks nobody
        return Estimate(planned, waiting.count(), 0, 0, 0.0, 0.0, False, 0.0, None)
    orders = len(BOTH_ORDERS) if judge.both_orders else 1
    rulings = orders * (planned + waiting.count())
    most = most_of(judge, protocols_of(judge))
    looked_at = SAMPLE if most == 2 else GROUPED
    subjects = [*waiting.order_by("pk").values_list("subject", flat=True)[:looked_at], *to_plan[:looked_at]]
    groups = _groups(subjects[:looked_at], orders, most)
    alone = sum(map(len, groups)) or 1
    requests = rulings if most == 2 else round(rulings * len(groups) / alone)
    counted = judge.judgments.exclude(tokens_in=None).exclude(tokens_out=None).order_by("-pk")
    counts = list(counted.values_list("tokens_in", "tokens_out")[:LOOKED_AT])
    tokens_in: float | None
    tokens_out: float | None
    if measured := len(counts) >= ENOUGH:
        tokens_in, tokens_out = (rulings * fmean(column) for column in zip(*counts, strict=True))
    else:
        tokens_in, tokens_out = _from_lengths(judge, groups[:SAMPLE], requests)
    cost, rate = judge.cost_of(tokens_in, tokens_out), measure_rate(judge)
    return Estimate(planned, waiting.count(), rulings, requests, tokens_in, tokens_out, measured, cost, rate)


def measure_rate(judge: Judge) -> float | None:
    """Rulings a second in the judge's latest run; None where it has ruled on too little."""
    times = list(judge.judgments.order_by("-pk").values_list("created_at", flat=True)[:LOOKED_AT])
    count, seconds = 1, 0.0
    for later, earlier in pairwise(times):
        gap = (later - earlier).total_seconds()
        if gap > PAUSE:
            break
        count, seconds = count + 1, seconds + max(gap, 0.0)
    return (count - 1) / seconds if count >= ENOUGH and seconds else None


def _groups(subjects: list[int], orders: int, most: int) -> list[tuple[Part, ...]]:
    """What would be asked at once about these matches, window by window."""
    found, groups = Match.objects.in_bulk(subjects), []
    room = 4 * settings.JUDGE_CONCURRENCY * most // 2
    for start in range(0, len(subjects), room):
        matches = [found[pk] for pk in subjects[start : start + room] if pk in found]
        works = [Work(UNCLAIMED, match, set()) for match in matches]
        groups += together((Part(work, order) for work in works for order in BOTH_ORDERS[:orders]), most)
    return groups


def _from_lengths(
    judge: Judge, groups: list[tuple[Part, ...]], requests: int
) -> tuple[float | None, float | None]:
    """Tokens of so many requests, from the lengths of some prompts and the most that may be written."""
    tokens = list(_tokens(judge, groups, tokens_a_byte(judge)))
    most = judge.sampling.get("max_tokens")
    tokens_in = requests * fmean(tokens) if tokens else None
    return tokens_in, requests * most if isinstance(most, int) else None


def _tokens(judge: Judge, groups: list[tuple[Part, ...]], rate: float) -> Iterator[float]:
    """About how many tokens are in the prompts that these make."""
    add_texts([part.match for parts in groups for part in parts])
    forms = protocols_of(judge)
    for parts in groups:
        match, order = parts[0].match, parts[0].order
        try:
            shown = render(judge, match, order, forms, answers_of(parts))
        except UnfitProtocol:
            continue
        if shown.requests:
            images = sum(map(images_of, shown.requests))
            yield sum(map(size_of, shown.requests)) * rate + images * IMAGE_TOKENS
