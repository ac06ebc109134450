"""What a judge may still do by its budget, in matches and in money."""

from django.db.models import Count, Q, Sum

from arena.engines import EngineError
from arena.models import Job
from judging.models import KIND, Judge

USED = Q(state__in=[Job.State.DONE, Job.State.RUNNING])


def jobs_of(judge: Judge) -> Q:
    """A judge's jobs of every kind: on open benchmarks, and on those that were named."""
    return Q(owner=judge.pk) & (Q(kind=KIND) | Q(kind__startswith=f"{KIND}-"))


def matches_to_plan(judge: Judge) -> int | None:
    """How many matches may still be given to it; None for no end."""
    if judge.budget_matches is None:
        return None
    given = Job.objects.filter(jobs_of(judge)).exclude(state=Job.State.FAILED).count()
    return max(judge.budget_matches - given, 0)


class Purse:
    """What a run of judging may spend: asked again before matches are claimed, added to as rulings come."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.spent, self.rulings = 0.0, 0
        if judge.budget_cost is not None:  # else nobody asks, and all rulings would be read
            known = judge.judgments.exclude(cost=None).aggregate(spent=Sum("cost"), rulings=Count("pk"))
            self.spent, self.rulings = known["spent"] or 0.0, known["rulings"]

    def pay(self, cost: float | None) -> None:
        if cost is not None:
            self.spent, self.rulings = self.spent + cost, self.rulings + 1

    def matches(self, wanted: int) -> int:
        """How many matches may be claimed, of so many."""
        if self.judge.budget_matches is None:
            return wanted
        used = Job.objects.filter(jobs_of(self.judge) & USED).count()
        return max(min(wanted, self.judge.budget_matches - used), 0)

    def allows(self, under_way: int, wanted: int = 1) -> bool:
        """Whether there is money for so many rulings more, with those under way that are to be paid."""
        budget = self.judge.budget_cost
        if budget is None:
            return True
        each = self.spent / self.rulings if self.rulings else 0.0
        return self.spent + each * (under_way + wanted) <= budget


def budget_in_words(judge: Judge) -> str:
    """The judge's caps, and what of them is used."""
    parts = []
    if judge.budget_matches is not None:
        used = Job.objects.filter(jobs_of(judge) & USED).count()
        parts.append(f"{used:,} of {judge.budget_matches:,} matches")
    if judge.budget_cost is not None:
        parts.append(f"{Purse(judge).spent:,.4f} of {judge.budget_cost:,.4f} in money")
    return ", ".join(parts) or "none"


def spent(judge: Judge) -> EngineError:
    """What the matches are told that wait for a larger budget."""
    caps = {"matches": judge.budget_matches, "in money": judge.budget_cost}
    named = " and ".join(f"{cap:,g} {what}" for what, cap in caps.items() if cap is not None)
    message = f"The judge's budget ({named}) is spent; raise it in the admin to go on."
    return EngineError("budget_spent", message, retry_after=None, final=False)
