"""Staff's view of judges and what they said."""

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from arena.admin import LargePaginator, number_of
from arena.models import Job
from judging.forms import RubricForm
from judging.models import KIND, InstalledRecipe, Judge, Judgment, Rubric
from judging.services.budgets import budget_in_words
from judging.services.reasons import ask_for_reasons


def _jobs_link(judge: Judge, number: int, state: str) -> str:
    query: dict[str, str | int] = {"kind": KIND, "owner": judge.pk, "state": state}
    address = reverse("admin:arena_job_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(query), number)


@admin.register(Judge)
class JudgeAdmin(admin.ModelAdmin):
    list_display = (
        *("name", "version", "is_active", "waiting", "failed"),
        *("engine", "model", "protocol", "both_orders", "budget", "created_at"),
    )
    list_filter = ("is_active", "engine", "is_demo")
    search_fields = ("name", "slug", "model")
    actions = ("pause", "resume")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Judge]:
        jobs = Job.objects.filter(kind=KIND)
        waiting = jobs.unfinished()
        failed = jobs.filter(state=Job.State.FAILED)
        counts = {"waiting_jobs": number_of(waiting, "owner"), "failed_jobs": number_of(failed, "owner")}
        return super().get_queryset(request).annotate(**counts)

    @admin.display(description="matches waiting", ordering="waiting_jobs")
    def waiting(self, judge) -> str:
        return _jobs_link(judge, judge.waiting_jobs, "pending")

    @admin.display(description="matches failed", ordering="failed_jobs")
    def failed(self, judge) -> str:
        return _jobs_link(judge, judge.failed_jobs, "failed")

    @admin.display(description="budget used")
    def budget(self, judge) -> str:
        return budget_in_words(judge)

    def get_readonly_fields(self, request: HttpRequest, obj: Judge | None = None) -> tuple[str, ...]:
        """What a judge is stays fixed once it has ruled; pausing and its texts do not."""
        return (*Judge.FIXED, "slug") if obj and obj.judgments.exists() else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Judge | None = None) -> dict:
        return {} if obj else dict(self.prepopulated_fields)

    @admin.action(description="Pause: give no new matches", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Judge]) -> None:
        self.message_user(request, f"Paused: {queryset.update(is_active=False)}.")

    @admin.action(description="Resume: rule on every match of the open benchmarks", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Judge]) -> None:
        able = queryset.exclude(engine=Judge.Engine.RECORDED)  # imported rulings have nothing that could rule
        self.message_user(request, f"Resumed: {able.update(is_active=True)}.")


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at: nobody adds, edits or deletes what was said or fetched."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def _is_used(rubric: Rubric) -> bool:
    return Judge.objects.filter(protocol=rubric.protocol()).exists()


@admin.register(Rubric)
class RubricAdmin(admin.ModelAdmin):
    form = RubricForm
    list_display = ("name", "names", "lowest", "highest", "protocol", "created_at")

    @admin.display(description="criteria")
    def names(self, rubric) -> str:
        return ", ".join(name for name, _ in rubric.criteria)

    def has_change_permission(self, request: HttpRequest, obj: Rubric | None = None) -> bool:
        """What a judge was told to grade by stays what it was."""
        return super().has_change_permission(request, obj) and not (obj and _is_used(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Rubric | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and _is_used(obj))


@admin.register(InstalledRecipe)
class InstalledRecipeAdmin(ReadOnlyAdmin):
    list_display = ("name", "sha256", "source", "installed_at")


@admin.register(Judgment)
class JudgmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "judge", "match_id", "turn", "order", "verdict", "winner", "suspect", "created_at")
    list_filter = ("judge", "order", "verdict", "suspect")
    list_select_related = ("judge",)
    raw_id_fields = ("match",)
    search_fields = ("=match__id",)
    paginator = LargePaginator
    show_full_result_count = False
    actions = ("explain",)

    @admin.action(description="Ask for reasons, with the verdict fixed", permissions=["view"])
    def explain(self, request: HttpRequest, queryset: QuerySet[Judgment]) -> None:
        self.message_user(request, f"Asked for: {ask_for_reasons(queryset.select_related('judge'))}.")
