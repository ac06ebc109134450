"""Which pairs come next: it spends a new model's budget of matches."""

import random
from collections import defaultdict

from django.db import transaction
from django.db.models import Q

from arena.models import Answer, Match, Submission
from arena.services.pairing import pair_answers


def pair_submission(submission: Submission, *, budget: int, now) -> int:
    """Pair the submission's answers with other models' until ``budget`` matches or all are made.

    Prompts take turns, and on each prompt the opponents do, so that few matches still spread over all
    prompts and all opponents. Repeatable: the same rows lead to the same pairs, and existing ones count.
    """
    with transaction.atomic():
        competitor = submission.competitor_id
        mine = list(
            Answer.objects.filter(competitor=competitor, prompt__benchmark=submission.benchmark_id, sample=0)
            .filter(turns__isnull=False)
            .order_by("prompt_id")
        )
        have = set(
            Match.objects.filter(Q(competitor_a=competitor) | Q(competitor_b=competitor))
            .filter(prompt__benchmark=submission.benchmark_id)
            .values_list("answer_a_id", "answer_b_id")
        )
        pairs = [
            pair
            for pair in _choose(mine, _opponents(submission), seed=submission.pk)
            if tuple(sorted(answer.pk for answer in pair)) not in have
        ]
        made = pair_answers(pairs[: max(budget - len(have), 0)])
        submission.state = Submission.State.PAIRED
        submission.paired_at = now
        submission.save(update_fields=["state", "paired_at"])
        return made


def _opponents(submission: Submission) -> dict[int, list[Answer]]:
    """Other models' answers that have a text, by prompt."""
    answers: dict[int, list[Answer]] = defaultdict(list)
    rows = Answer.objects.filter(prompt__benchmark=submission.benchmark_id, turns__isnull=False, sample=0)
    for answer in rows.exclude(competitor=submission.competitor_id).only("prompt_id", "competitor_id"):
        answers[answer.prompt_id].append(answer)
    return answers


def _choose(
    mine: list[Answer], opponents: dict[int, list[Answer]], *, seed: int
) -> list[tuple[Answer, Answer]]:
    """All possible pairs, the most useful first: every prompt once, then every prompt again ..."""
    rng = random.Random(seed)  # noqa: S311 -- spreads pairs, guards nothing
    queues = []
    for place, answer in enumerate(mine):
        others = sorted(opponents.get(answer.prompt_id, []), key=lambda other: other.competitor_id)
        rng.shuffle(others)
        shift = place % len(others) if others else 0
        queues.append((answer, others[shift:] + others[:shift]))
    rounds = max((len(others) for _, others in queues), default=0)
    return [
        (answer, others[turn]) for turn in range(rounds) for answer, others in queues if turn < len(others)
    ]
