"""People, what they were shown, and what they chose."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from arena.admin.lists import LargePaginator, ReadOnlyAdmin, log_changes, number_of
from arena.models import Ballot, Vote, Voter


@admin.register(Voter)
class VoterAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "origin", "role", "vote_count", "quarantined_at", "created_at")
    list_filter = (
        *("role", "origin"),
        ("user", admin.EmptyFieldListFilter),
        ("quarantined_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("cookie",)
    actions = ("quarantine", "release")
    paginator = LargePaginator
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voter]:
        return super().get_queryset(request).annotate(vote_count=number_of(Vote.objects.all(), "voter"))

    @admin.display(description="votes", ordering="vote_count")
    def vote_count(self, voter) -> int:
        return voter.vote_count

    @admin.action(description="Quarantine: keep their votes, count them nowhere", permissions=["delete"])
    def quarantine(self, request: HttpRequest, voters: QuerySet[Voter]) -> None:
        changed = list(voters.filter(quarantined_at=None))
        Voter.objects.filter(pk__in=[voter.pk for voter in changed]).quarantine(now=timezone.now())
        log_changes(self, request, changed, "Quarantined.")
        self.message_user(request, f"Quarantined: {len(changed)}. Boards follow within seconds.")

    @admin.action(description="Release: count their votes again", permissions=["delete"])
    def release(self, request: HttpRequest, voters: QuerySet[Voter]) -> None:
        changed = list(voters.filter(quarantined_at__isnull=False))
        Voter.objects.filter(pk__in=[voter.pk for voter in changed]).release()
        log_changes(self, request, changed, "Released.")
        self.message_user(request, f"Released: {len(changed)}. Boards follow within seconds.")


def match_link(row: Any) -> str:
    return format_html('<a href="{}">{}</a>', row.match.get_absolute_url(), row.match_id)


@admin.register(Ballot)
class BallotAdmin(ReadOnlyAdmin):
    """Which match an open ballot shows stays hidden: staff vote too."""

    list_display = ("id", "voter", "shown", "order", "issued_at", "answered_at", "skipped_at", "withdrawn_at")
    list_filter = (
        ("answered_at", admin.EmptyFieldListFilter),
        ("withdrawn_at", admin.EmptyFieldListFilter),
        "issued_at",
    )
    list_select_related = ("voter__user", "match")
    search_fields = ("=voter__id",)
    exclude = ("match",)
    readonly_fields = ("shown",)
    paginator = LargePaginator
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="match")
    def shown(self, ballot: Ballot) -> str:
        return match_link(ballot) if ballot.answered_at else "hidden until the vote"


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "voter", "of_match", "turn", "order", "winner", "seconds", "created_at")
    list_filter = ("winner", "order", "created_at", "match__prompt__benchmark")
    list_select_related = ("voter__user", "match")
    search_fields = ("=match__id", "=voter__id")
    raw_id_fields = ("ballot",)
    paginator = LargePaginator
    show_full_result_count = False

    @admin.display(description="match", ordering="match")
    def of_match(self, vote: Vote) -> str:
        return match_link(vote)
