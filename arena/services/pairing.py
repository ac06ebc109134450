"""Store matches between answers."""

from collections.abc import Iterable

from arena.models import Answer, Match


def pair_answers(pairs: Iterable[tuple[Answer, Answer]]) -> int:
    """Store a match for each pair of answers to one prompt; existing ones stay. Returns how many were given.

    Raises ValueError for a pair of one model or of two prompts.
    """
    rows = []
    for pair in pairs:
        a, b = sorted(pair, key=lambda answer: answer.pk)
        if a.prompt_id != b.prompt_id or a.competitor_id == b.competitor_id:
            raise ValueError(f"answers {a.pk} and {b.pk} cannot meet: another prompt, or the same model")
        rows.append(
            Match(
                prompt_id=a.prompt_id,
                answer_a=a,
                answer_b=b,
                competitor_a_id=a.competitor_id,
                competitor_b_id=b.competitor_id,
            )
        )
    rows.sort(
        key=lambda row: (row.answer_a_id, row.answer_b_id)
    )  # one order for all, so none waits in a ring
    Match.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len(rows)
