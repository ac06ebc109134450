"""Quotas: what a person may use in 24 hours and at once. Staff, and what has no sender, have none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.dateformat import format as format_date

from arena.models import Submission
from arena.models.quotas import Use, running_of, submissions_since, tokens_since

DAY = timedelta(hours=24)
WORDS = {
    "submissions": "submissions in 24 hours",
    "running": "at once",
    "tokens": "generated tokens in 24 hours",
}


class QuotaSpent(Exception):
    """A person has used up a quota; nothing was stored. ``frees_at`` is None where that depends on events."""

    def __init__(self, message: str, frees_at: datetime | None = None) -> None:
        super().__init__(message)
        self.frees_at = frees_at


@dataclass(frozen=True)
class Allowance:
    """What a person may use of one thing. ``limit`` is above 0; ``frees_at`` is given when it is used up."""

    name: str
    limit: int
    used: int
    frees_at: datetime | None = None

    @property
    def left(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def words(self) -> str:
        """ "17 of 20 submissions in 24 hours", and from when there is more."""
        again = f" (more {_from(self.frees_at)})" if self.frees_at else ""
        return f"{self.left:,} of {self.limit:,} {WORDS[self.name]}{again}"


def allowances(user: Any, now: datetime, *, but: Submission | None = None) -> dict[str, Allowance]:
    """A person's quotas by name; ``but`` one submission, which is asked about itself. None for staff."""
    if user is None or user.is_staff:
        return {}
    since, me = now - DAY, but.pk if but else 0
    found = [
        _of_the_day(
            "submissions", settings.QUOTA_SUBMISSIONS_PER_DAY, submissions_since(user, since, but=me)
        ),
        Allowance("running", settings.QUOTA_RUNNING, running_of(user).exclude(pk=me).count()),
        _of_the_day("tokens", settings.QUOTA_TOKENS_PER_DAY, tokens_since(user, since)),
    ]
    return {each.name: each for each in found if each.limit}


def _of_the_day(name: str, limit: int, uses: Sequence[Use]) -> Allowance:
    used = rest = sum(use.amount for use in uses)
    frees_at = None
    for use in uses:  # the oldest leave the window first
        if rest < limit:
            break
        rest, frees_at = rest - use.amount, use.at + DAY
    return Allowance(name, limit, used, frees_at)


def spend(user: Any, now: datetime, *, but: Submission | None = None, generates: bool = True) -> None:
    """Raise QuotaSpent unless a person may submit one more, or try ``but`` again.

    Call it in the transaction that stores the submission: until its end, the person's row is locked, so that
    two requests at the same moment are counted one after the other. What ``generates`` nothing here, recorded
    answers, is bound by the number of submissions alone.
    """
    if user is None or user.is_staff:
        return
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    found = allowances(user, now, but=but)
    for name in ("submissions", *(("running", "tokens") if generates else ())):
        if name in found and not found[name].left:
            raise QuotaSpent(_words(found[name]), found[name].frees_at)


def _words(spent: Allowance) -> str:
    again = _from(spent.frees_at) if spent.frees_at else ""
    if spent.name == "submissions":
        sent = f"You sent {_models(spent.used)} in the last 24 hours; {spent.limit} is the most."
        return f"{sent} The next can be sent {again}."
    if spent.name == "tokens":
        used = (
            f"Your models generated {spent.used:,} tokens in the last 24 hours; {spent.limit:,} is the most."
        )
        return f"{used} The next can be sent {again}."
    going = f"{_models(spent.used)} of yours {'is' if spent.used == 1 else 'are'} waiting or generating"
    return f"{going}; {spent.limit} at once is the most. Send this one when one has ended, or cancel one."


def _from(time: datetime) -> str:
    return f"from {format_date(time + timedelta(seconds=59), 'j F, H:i')} UTC on"  # never a minute too soon


def _models(number: int) -> str:
    return "1 model" if number == 1 else f"{number} models"
