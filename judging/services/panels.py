"""What the members of a panel said: which matches it can rule on, and their voices."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q

from arena.models import Benchmark, Job
from arena.outcomes import INCONSISTENT, Order, Verdict, Winner, verdict_of
from judging.models import Judge, Judgment
from judging.panels import QUORUM, Voice
from judging.services.budgets import jobs_of

BOTH = (Order.AB, Order.BA)
Place = tuple[int, Order]  # the match, and the answer shown first
Said = tuple[str, float | None]  # the winner, "" if it was not read, and the preference for model_a


def heard_on(panel: Judge) -> list[Any]:
    """Conditions on matches: each member has ruled in all of its orders on the whole conversation, or has
    failed on the match for good.
    """
    return [_ruled(member) | Exists(_failed(member)) for member in panel.seated]


def _ruled(member: Judge) -> Q:
    rulings = Judgment.objects.filter(judge=member, match=OuterRef("pk"), turn=None)
    if not member.both_orders:
        return Q(Exists(rulings))
    return Q(*(Exists(rulings.filter(order=order)) for order in BOTH))


def _failed(member: Judge) -> Any:
    return Job.objects.filter(jobs_of(member), subject=OuterRef("pk"), state=Job.State.FAILED)


def read_voices(panel: Judge, matches: Collection[int]) -> dict[Place, list[Voice]]:
    """Each member's voice in both orders of these matches, in one query.

    A member that is asked in one order says the same in the other, turned round. What it left unscored, or
    recorded as inconsistent, is no verdict: it abstains.
    """
    said: dict[tuple[int, int], dict[str, Said]] = defaultdict(dict)
    rows = Judgment.objects.filter(judge__in=panel.seated, match__in=matches, turn=None).order_by()
    columns = ("judge_id", "match_id", "order", "winner", "preference")
    for judge, match, order, winner, preference in rows.values_list(*columns):
        said[judge, match][order] = winner, _for_model_a(order, preference)
    return {
        (match, order): [_voice(each, said[each.pk, match], order) for each in panel.seated]
        for match in matches
        for order in BOTH
    }


def _for_model_a(order: str, preference: float | None) -> float | None:
    if preference is None or order not in BOTH:
        return None
    return preference if order == Order.AB else 1.0 - preference


def _voice(member: Judge, by_order: dict[str, Said], order: Order) -> Voice:
    found = by_order.get(order)
    if not member.both_orders and by_order:
        found = found or next(iter(by_order.values()))
    winner, preference = found or ("", None)
    if winner in ("", INCONSISTENT):
        return Voice(str(member), None)
    if preference is not None and order == Order.BA:
        preference = 1.0 - preference
    return Voice(str(member), verdict_of(Winner(winner), order), preference)


class Unity(NamedTuple):
    """How often a panel's members said the same: in ``rulings`` of the panel, one an order.

    ``abstained`` are those in which a member gave no verdict; the other members may be unanimous or split.
    """

    rulings: int
    unanimous: int
    split: int
    abstained: int
    unscored: int


BATCH = 5000


def measure_unity(panel: Judge, benchmark: Benchmark) -> Unity:
    rows = panel.judgments.filter(match__prompt__benchmark=benchmark).order_by("match_id")
    places = [(match, Order(order)) for match, order in rows.values_list("match_id", "order")]
    counts: Counter[str] = Counter()
    for start in range(0, len(places), BATCH):
        batch = places[start : start + BATCH]
        voices = read_voices(panel, {match for match, _ in batch})
        for place in batch:
            counts.update(_unity(voices[place]))
    return Unity(len(places), *(counts[name] for name in Unity._fields[1:]))


def _unity(voices: Sequence[Voice]) -> list[str]:
    spoken: list[Verdict] = [each.verdict for each in voices if each.verdict]
    found = ["abstained"] if len(spoken) < len(voices) else []
    if len(spoken) < QUORUM:
        return [*found, "unscored"]
    return [*found, "unanimous" if len(set(spoken)) == 1 else "split"]
