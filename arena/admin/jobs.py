"""The queue of record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timesince import timesince

from arena import jobs
from arena.admin.lists import LargePaginator, ReadOnlyAdmin
from arena.models import Job


class KindFilter(admin.SimpleListFilter):
    """Django's own filter would read the whole queue for its list of kinds."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Sequence[tuple[str, str]]:
        return [(kind, kind) for kind in jobs.kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class CauseFilter(admin.SimpleListFilter):
    title = "cause"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Sequence[tuple[str, str]]:
        return [(code, code) for code in jobs.causes() if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "kind", "owner", "subject", "state", "attempts"),
        *("age", "next_attempt", "cause", "last_error", "worker"),
    )
    list_filter = ("state", KindFilter, CauseFilter)
    search_fields = ("=subject", "error")
    paginator = LargePaginator
    show_full_result_count = False
    actions = ("try_again",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("arena.change_job")

    @admin.display(description="next attempt", ordering="next_attempt_at")
    def next_attempt(self, job: Job) -> datetime | None:
        return job.next_attempt_at

    @admin.display(ordering="error_code")
    def cause(self, job: Job) -> str:
        return job.error_code

    @admin.display(description="last error")
    def last_error(self, job: Job) -> str:
        return format_html('<span title="{}">{}</span>', job.error, job.error[:80]) if job.error else ""

    @admin.display(ordering="created_at")
    def age(self, job: Job) -> str | None:
        return timesince(job.created_at, depth=1) if job.created_at else None

    @admin.action(description="Try again now: what failed or was put off", permissions=["retry"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        count = jobs.try_again(chosen)
        self.message_user(request, f"Waiting for a worker again: {count}.")
