"""Which pairs come next: it spends a new model's budget of matches."""

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

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
        mine = Answer.objects.filter(
            competitor=competitor, prompt__benchmark=submission.benchmark_id, sample=0
        )
        have = set(
            Match.objects.filter(Q(competitor_a=competitor) | Q(competitor_b=competitor))
            .filter(prompt__benchmark=submission.benchmark_id)
            .values_list("answer_a_id", "answer_b_id")
        )
        candidates = _by_turns(
            list(mine.filter(turns__isnull=False, sample=0).order_by("prompt_id")),
            _opponents(submission),
            random.Random(submission.pk),  # noqa: S311 -- spreads pairs, guards nothing
        )
        new = (pair for pair in candidates if tuple(sorted(answer.pk for answer in pair)) not in have)
        made = pair_answers(islice(new, max(budget - len(have), 0)))
        submission.state = Submission.State.PAIRED
        submission.paired_at = now
        submission.save(update_fields=["state", "paired_at"])
        return made


def _opponents(submission: Submission) -> dict[int, dict[int, Answer]]:
    """Answers of other models in play that have a text, by prompt and competitor."""
    answers: dict[int, dict[int, Answer]] = defaultdict(dict)
    rows = Answer.objects.filter(prompt__benchmark=submission.benchmark_id, turns__isnull=False, sample=0)
    rows = rows.filter(competitor__withdrawn_at=None)
    for answer in rows.exclude(competitor=submission.competitor_id).only("prompt_id", "competitor_id"):
        answers[answer.prompt_id][answer.competitor_id] = answer
    return answers


def _by_turns(
    mine: list[Answer], opponents: dict[int, dict[int, Answer]], rng: random.Random
) -> Iterator[tuple[Answer, Answer]]:
    """All possible pairs: every prompt once, then every prompt again ...; the opponents take turns too."""
    rivals = sorted({rival for answers in opponents.values() for rival in answers})
    rng.shuffle(rivals)
    rng.shuffle(mine)
    for turn in range(len(rivals)):
        for place, answer in enumerate(mine):
            rival = opponents.get(answer.prompt_id, {}).get(rivals[(place + turn) % len(rivals)])
            if rival is not None:
                yield answer, rival
