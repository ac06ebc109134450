"""Staff's view of derived rows: to look at, never to edit (a refresh makes them again)."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from leaderboard.models import Board, JudgeReport, Snapshot, SnapshotRequest, Standing


class Derived:
    """Read-only: what follows from votes and judgments is never typed in."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class StandingInline(Derived, admin.TabularInline):
    model = Standing
    fields = (
        "competitor",
        "rank_lower",
        "rank_upper",
        "rating",
        "rating_lower",
        "rating_upper",
        "matches",
        "reason",
    )
    can_delete = False

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).select_related("competitor")


@admin.register(Board)
class BoardAdmin(Derived, admin.ModelAdmin):
    list_display = ("__str__", "benchmark", "judge", "category", "method", "matches", "voters", "fitted_at")
    list_filter = ("benchmark", "method", "judge")
    list_select_related = ("benchmark", "judge")
    ordering = ("benchmark", "judge", "category")
    inlines = (StandingInline,)

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).select_related("benchmark", "judge")


@admin.register(JudgeReport)
class JudgeReportAdmin(Derived, admin.ModelAdmin):
    list_display = ("judge", "benchmark", "measured_at")
    list_filter = ("benchmark",)
    list_select_related = ("judge", "benchmark")


@admin.register(Snapshot)
class SnapshotAdmin(Derived, admin.ModelAdmin):
    """Kept for ever: to look at. A new one is asked for under "Snapshot requests"."""

    list_display = ("__str__", "taken_at", "by", "note", "page")
    fields = ("number", "taken_at", "by", "note", "software", "method")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="page")
    def page(self, snapshot: Snapshot) -> str:
        return format_html('<a href="{}">boards</a>', snapshot.get_absolute_url())


@admin.register(SnapshotRequest)
class SnapshotRequestAdmin(admin.ModelAdmin):
    """Take a snapshot by hand: a worker does within a minute."""

    list_display = ("__str__", "by", "asked_at")
    fields = ("note",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: SnapshotRequest, form: object, change: bool) -> None:
        obj.by = request.user.get_username()
        obj.save()
        self.message_user(request, "A worker takes the snapshot within a minute.")
