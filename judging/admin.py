"""Staff's view of judges and what they said."""

import random
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from arena.admin import LargePaginator, number_of
from arena.models import Job, Match
from judging.custom import CustomProtocol
from judging.custom.example import EXAMPLE, FIELDS_HELP
from judging.forms import CustomJudgeForm, PanelForm, RubricForm, TryForm
from judging.models import KIND, CustomJudge, InstalledRecipe, Judge, Judgment, Panel, Rubric
from judging.services.budgets import budget_in_words
from judging.services.reasons import ask_for_reasons
from judging.services.trying import Attempt, match_to_try, try_match, try_text


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

    def has_change_permission(self, request: HttpRequest, obj: Judge | None = None) -> bool:
        """A panel has a form of its own."""
        return super().has_change_permission(request, obj) and not (obj and obj.engine == Judge.Engine.PANEL)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Judge | None = None) -> dict:
        return {} if obj else dict(self.prepopulated_fields)

    @admin.action(description="Pause: give no new matches", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Judge]) -> None:
        self.message_user(request, f"Paused: {queryset.update(is_active=False)}.")

    @admin.action(description="Resume: rule on every match of the open benchmarks", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Judge]) -> None:
        able = queryset.exclude(engine=Judge.Engine.RECORDED)  # imported rulings have nothing that could rule
        self.message_user(request, f"Resumed: {able.update(is_active=True)}.")


@admin.register(Panel)
class PanelAdmin(admin.ModelAdmin):
    form = PanelForm
    list_display = ("name", "version", "is_active", "rule", "names", "both_orders", "created_at")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Panel]:
        return super().get_queryset(request).filter(engine=Judge.Engine.PANEL)

    @admin.display(description="rule", ordering="protocol")
    def rule(self, panel) -> str:
        return panel.protocol

    @admin.display(description="members")
    def names(self, panel) -> str:
        return ", ".join(map(str, panel.seated))

    def get_fields(self, request: HttpRequest, obj: Panel | None = None) -> tuple[str, ...]:
        shown = ("names", "rule") if obj and obj.judgments.exists() else ("judges", "protocol")
        return ("name", "version", "slug", "description", *shown, "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Panel | None = None) -> tuple[str, ...]:
        return ("name", "version", "slug", "names", "rule") if obj and obj.judgments.exists() else ()

    def get_form(self, request: HttpRequest, obj: Panel | None = None, change: bool = False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        if obj and obj.judgments.exists():  # what it is stays
            del form.base_fields["judges"], form.base_fields["protocol"]
        return form

    def save_related(self, request: HttpRequest, form, formsets, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "judges" in form.cleaned_data:
            form.instance.seat(form.cleaned_data["judges"])

    def get_prepopulated_fields(self, request: HttpRequest, obj: Panel | None = None) -> dict:
        return {} if obj else dict(self.prepopulated_fields)


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at: nobody adds, edits or deletes what was said or fetched."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class NamedByJudges(admin.ModelAdmin):
    """What a judge is asked by stays what it was, once a judge names it."""

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_named(obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_named(obj)


def _is_named(stored: Any) -> bool:
    return stored is not None and Judge.objects.filter(protocol=stored.protocol()).exists()


@admin.register(Rubric)
class RubricAdmin(NamedByJudges):
    form = RubricForm
    list_display = ("name", "names", "lowest", "highest", "protocol", "created_at")

    @admin.display(description="criteria")
    def names(self, rubric) -> str:
        return ", ".join(name for name, _ in rubric.criteria)


@admin.register(CustomJudge)
class CustomJudgeAdmin(NamedByJudges):
    form = CustomJudgeForm
    list_display = ("name", "asks", "rule", "protocol", "judges", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "asks")}),
        ("What the judge is shown", {"fields": ("system", "template", "raw"), "description": FIELDS_HELP}),
        ("How its text is read", {"fields": ("rule", "expression")}),
        ("What the rule catches, if it compares", {"fields": ("words_first", "words_second", "words_tie")}),
        ("What the rule catches, if it scores", {"fields": (("lowest", "highest", "tie_margin"),)}),
    )

    @admin.display(description="judges asked so")
    def judges(self, custom) -> str:
        names = [str(judge) for judge in Judge.objects.filter(protocol=custom.protocol())]
        return ", ".join(names) or _make_a_judge(custom, "Make a judge of it")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """An example to begin with, or a copy of the one that the address names."""
        like = request.GET.get("like", "")
        copied = CustomJudge.objects.filter(pk=like).first() if like.isascii() and like.isdigit() else None
        if copied is None:
            return EXAMPLE | super().get_changeform_initial_data(request)
        return {name: getattr(copied, name) for name in CustomJudgeForm.base_fields}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context=None
    ) -> HttpResponse:
        """The form, and below it what came of trying what stands in it, saved or not."""
        sent = request.POST if "_try" in request.POST else None
        try_form = TryForm(sent, prefix="try")
        attempts: list[Attempt] = []
        match = None
        stored = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, stored) if stored else self.has_add_permission(request)
        address = _judge_address(stored) if stored else ""  # before the form writes into it
        if sent and allowed:
            form = super().get_form(request, stored, change=stored is not None)(sent, instance=stored)
            # Outside the page's transaction, because a server is waited for.
            if not form.errors and try_form.is_valid():
                match, attempts = self._try(form.instance.form(), try_form)
        shown = {"try_form": try_form, "is_tried": bool(sent), "attempts": attempts, "tried_match": match}
        shown["judge_address"] = address
        return super().changeform_view(request, object_id, form_url, (extra_context or {}) | shown)

    def get_form(self, request: HttpRequest, obj=None, change=False, **kwargs):
        """When it is only tried: a form that shows its errors and is never valid, so that nothing is kept."""
        form = super().get_form(request, obj, change, **kwargs)
        if "_try" not in request.POST:
            return form
        return type(form.__name__, (form,), {"is_valid": lambda tried: bool(tried.errors) and False})

    def save_model(self, request: HttpRequest, obj: CustomJudge, form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.message_user(request, _make_a_judge(obj, f"Make a judge of {obj.name}"))

    def _try(self, protocol: CustomProtocol, try_form: TryForm) -> tuple[Match | None, list[Attempt]]:
        said = try_form.cleaned_data
        match = None
        if said["match"] or said["benchmark"]:
            match = match_to_try(said["match"], said["benchmark"], random.Random())  # noqa: S311 -- no secret
            if match is None:
                field = "match" if said["match"] else "benchmark"
                try_form.add_error(field, "There is no such match whose answers have texts.")
                return None, []
        attempts = [try_text(protocol, said["text"])] if said["text"] else []
        judge = None if said["text"] else said["judge"]
        return match, attempts + (try_match(protocol, match, judge) if match else [])


def _judge_address(custom: CustomJudge) -> str:
    query = {"protocol": custom.protocol(), "name": custom.name, "slug": custom.name, "engine": "openai"}
    return f"{reverse('admin:judging_judge_add')}?{urlencode(query)}"


def _make_a_judge(custom: CustomJudge, words: str) -> str:
    return format_html('<a href="{}">{}</a>', _judge_address(custom), words)


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
