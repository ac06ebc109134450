"""Which pairs come next: it spends a model's budget of matches, by turns first, then where they tell most."""

import heapq
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Q

from arena.models import Answer, Benchmark, Submission
from arena.services.pairing import pair_answers
from judging.models import Judge
from leaderboard import sources
from leaderboard.models import Standing, matches_by_competitor, matches_of
from leaderboard.ratings import (
    NotConverged,
    Policy,
    Ratings,
    choose_opponents,
    fit_bradley_terry,
    read_counts,
)

PARTS = 4  # a newcomer first gets this part of its budget, since nothing says yet where it stands,
FEWEST = 20  # but at least so many matches
HANDFUL = 5  # models that a source must rate before it has a say in who meets whom
MOST = 500  # models fitted for one choice: the rivals met, and others drawn by lot

log = logging.getLogger(__name__)


class Short(NamedTuple):
    """A paired submission with fewer matches than its budget.

    ``judges`` are the sources (people are None) that have decided half of those that it has.
    """

    submission: Submission
    judges: list[Judge | None]


@dataclass(frozen=True)
class Field:
    """What a submission's model has played, ``made`` matches, and what it can still play.

    ``mine`` are its answers by prompt, ``met`` the prompts on which it met each rival, ``room`` on how many
    more it could meet each rival in play.
    """

    made: int
    mine: dict[int, Answer]
    met: dict[int, set[int]]
    room: dict[int, int]


def pair_submission(submission: Submission, *, budget: int, now: datetime) -> int:
    """Give a submission its first matches: a part of the budget, or all where nobody rates models yet.

    Prompts take turns, and so do opponents, so that few matches still spread over all of both. Repeatable:
    the same rows lead to the same pairs, and existing ones count. Returns how many were made.
    """
    with transaction.atomic():
        field = _field(submission)
        target = _first_part(budget) if _is_rated(submission.benchmark) else budget
        made = _pair(field, _even_turns(field, target - field.made, submission.pk), submission.pk)
        submission.state = Submission.State.PAIRED
        submission.paired_at = now
        submission.save(update_fields=["state", "paired_at"])
        return made


def short_of(budget: int) -> Iterator[Short]:
    """Paired submissions to open benchmarks that can do with more matches, now that half are decided."""
    paired = Submission.objects.filter(
        state=Submission.State.PAIRED, benchmark__is_open=True, competitor__withdrawn_at=None
    )
    entries: dict[Benchmark, list[Submission]] = defaultdict(list)
    for submission in paired.select_related("benchmark").order_by("id"):
        entries[submission.benchmark].append(submission)
    for benchmark, submissions in entries.items():
        made = matches_by_competitor(benchmark)
        short = [each for each in submissions if made[each.competitor_id] < budget]
        games = [(judge, sources.games_by_competitor(benchmark, judge)) for judge in _judges() if short]
        for each in short:
            half = made[each.competitor_id] / 2
            decided = [judge for judge, counted in games if counted[each.competitor_id] >= half]
            if decided:
                yield Short(each, decided)


def top_up(short: Short, *, budget: int) -> int:
    """Give it as many matches again, up to the budget: against those that make its rating surest.

    The ratings are of the first source that rates it, people before judges; while none does, opponents go on
    to take turns. Repeatable: the same rows lead to the same pairs. Returns how many were made.
    """
    submission = short.submission
    with transaction.atomic():
        field = _field(submission)
        count = min(budget, max(2 * field.made, _first_part(budget))) - field.made
        if count <= 0 or not any(field.room.values()):
            return 0
        ratings = _ratings(submission, field, short.judges)
        if ratings is None:
            rivals = _even_turns(field, count, submission.pk)
        else:
            rivals = _surest(field, count, ratings, submission)
        return _pair(field, rivals, submission.pk)


def _first_part(budget: int) -> int:
    return min(budget, max(budget // PARTS, FEWEST))


def _judges() -> list[Judge | None]:
    """The sources that may say who meets whom, people first; a baseline's ratings say nothing of a model."""
    judges = Judge.objects.active().exclude(engine=Judge.Engine.BASELINE)
    return [None, *judges.order_by("pk")]


def _is_rated(benchmark: Benchmark) -> bool:
    """Whether a source rates a handful of models: then what it says of a new one is worth waiting for."""
    rated = Standing.objects.rated(benchmark)
    return any(rated.filter(board__judge=judge).count() >= HANDFUL for judge in _judges())


def _field(submission: Submission) -> Field:
    texts = Answer.objects.filter(
        prompt__benchmark=submission.benchmark_id, turns__isnull=False, sample=0
    ).order_by()
    own = texts.filter(competitor=submission.competitor_id).only("prompt_id", "competitor_id")
    mine = {answer.prompt_id: answer for answer in own}
    made = 0
    met: dict[int, set[int]] = defaultdict(set)
    matches = matches_of(submission.competitor).of_benchmark(submission.benchmark_id).order_by()
    for prompt, *pair in matches.values_list("prompt", "competitor_a", "competitor_b"):
        pair.remove(submission.competitor_id)
        met[pair[0]].add(prompt)
        made += 1
    # An entry that is not complete may still be cancelled, or give way to another one with its answers.
    complete = Q(submission=None) | Q(submission__state__in=Submission.COMPLETE)
    others = texts.filter(complete, competitor__withdrawn_at=None)
    others = others.exclude(competitor=submission.competitor_id)
    shared = others.filter(prompt__in=list(mine)).values_list("competitor").annotate(number=Count("pk"))
    room = {rival: max(number - len(met[rival]), 0) for rival, number in sorted(shared)}
    return Field(made, mine, met, room)


def _ratings(submission: Submission, field: Field, judges: Iterable[Judge | None]) -> Ratings | None:
    """Ratings with the submission's model among a handful of others, by the first source that has them."""
    players = sorted({submission.competitor_id, *_some_rivals(field, submission.pk)})
    for judge in judges:
        columns = sources.read_counts_among(submission.benchmark, judge, players)
        try:
            ratings = fit_bradley_terry(read_counts(columns, players))
        except NotConverged:
            log.warning("no ratings to pair by: %s on %s", judge or "people", submission.benchmark)
            continue
        pairs = zip(ratings.players, ratings.reason, strict=True)
        rated = [player for player, unrated_for in pairs if not unrated_for]
        if submission.competitor_id in rated and len(rated) > HANDFUL:
            return ratings
    return None


def _some_rivals(field: Field, seed: int) -> list[int]:
    """Those that it met first, then others in play by lot: a fit of thousands would take many seconds."""
    rivals = list(field.room)
    random.Random(seed).shuffle(rivals)  # noqa: S311 -- draws rivals, guards nothing
    return sorted(rivals, key=lambda rival: not field.met[rival])[: MOST - 1]


def _even_turns(field: Field, count: int, seed: int) -> list[int]:
    """Opponents that take turns, those met least often first."""
    rivals = [rival for rival, room in field.room.items() if room]
    random.Random(seed).shuffle(rivals)  # noqa: S311 -- spreads pairs, guards nothing
    turns = [(len(field.met[rival]), place, rival, field.room[rival]) for place, rival in enumerate(rivals)]
    heapq.heapify(turns)
    chosen: list[int] = []
    while turns and len(chosen) < count:
        met, place, rival, room = heapq.heappop(turns)
        chosen.append(rival)
        if room > 1:
            heapq.heappush(turns, (met + 1, place, rival, room - 1))
    return chosen


def _surest(field: Field, count: int, ratings: Ratings, submission: Submission) -> list[int]:
    """Opponents that make the ratings surest; those outside of the fit are left to other turns."""
    fitted = set(ratings.players)
    room = {rival: room for rival, room in field.room.items() if rival in fitted}
    policy = Policy(seed=submission.pk)
    chosen = choose_opponents(ratings, submission.competitor_id, room, count, policy=policy)
    return [int(str(rival)) for rival in chosen]


def _pair(field: Field, rivals: list[int], seed: int) -> int:
    """Store a match with each of these opponents in turn, on the prompt that had the fewest so far."""
    theirs: dict[int, dict[int, Answer]] = defaultdict(dict)
    answers = Answer.objects.filter(competitor__in=set(rivals), prompt__in=list(field.mine), sample=0)
    for answer in answers.filter(turns__isnull=False).only("prompt_id", "competitor_id"):
        theirs[answer.competitor_id][answer.prompt_id] = answer
    prompts = sorted(field.mine)
    random.Random(seed).shuffle(prompts)  # noqa: S311 -- spreads pairs, guards nothing
    place = {prompt: at for at, prompt in enumerate(prompts)}
    used = Counter(chain.from_iterable(field.met.values()))
    pairs = []
    for rival in rivals:
        free = theirs[rival].keys() - field.met[rival]
        if free:
            prompt = min(free, key=lambda prompt: (used[prompt], place[prompt]))
            pairs.append((field.mine[prompt], theirs[rival].pop(prompt)))
            used[prompt] += 1
    return pair_answers(pairs)
