"""Benchmarks, their prompts, and the models that answered them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from arena.admin.lists import ReadOnlyAdmin, log_changes, number_of
from arena.models import Answer, Benchmark, Competitor, Prompt, Vote
from arena.services.images import drop_unused_images


@admin.register(Benchmark)
class BenchmarkAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "is_open", "prompts", "models", "votes", "is_demo", "created_at")
    list_filter = ("is_open", "is_demo")
    search_fields = ("name", "slug")
    readonly_fields = ("is_demo", "created_at")
    actions = ("close", "reopen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Benchmark]:
        in_play = Answer.objects.filter(competitor__withdrawn_at=None)
        return (
            super()
            .get_queryset(request)
            .annotate(
                prompt_count=number_of(Prompt.objects.all(), "benchmark"),
                model_count=number_of(in_play, "prompt__benchmark", of="competitor"),
                vote_count=number_of(Vote.objects.all(), "match__prompt__benchmark"),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields  # addresses stay

    def delete_model(self, request: HttpRequest, obj: Benchmark) -> None:
        super().delete_model(request, obj)
        drop_unused_images()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Benchmark]) -> None:
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            drop_unused_images()

    @admin.display(ordering="prompt_count")
    def prompts(self, benchmark) -> int:
        return benchmark.prompt_count

    @admin.display(ordering="model_count")
    def models(self, benchmark) -> int:
        return benchmark.model_count

    @admin.display(ordering="vote_count")
    def votes(self, benchmark) -> int:
        return benchmark.vote_count

    @admin.action(description="Close: nothing new is paired, judged or voted on", permissions=["change"])
    def close(self, request: HttpRequest, benchmarks: QuerySet[Benchmark]) -> None:
        self._set_open(request, benchmarks, False, "Closed")

    @admin.action(description="Open: pairing, judging and voting go on", permissions=["change"])
    def reopen(self, request: HttpRequest, benchmarks: QuerySet[Benchmark]) -> None:
        self._set_open(request, benchmarks, True, "Opened")

    def _set_open(
        self, request: HttpRequest, benchmarks: QuerySet[Benchmark], is_open: bool, word: str
    ) -> None:
        changed = [row for row in benchmarks if row.is_open != is_open]
        Benchmark.objects.filter(pk__in=[row.pk for row in changed]).update(is_open=is_open)
        log_changes(self, request, changed, f"{word}.")
        self.message_user(request, f"{word}: {len(changed)}.")


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    list_display = ("key", "benchmark", "first_turn", "tags")
    list_filter = ("benchmark",)
    list_select_related = ("benchmark",)
    search_fields = ("key",)

    @admin.display(description="first turn")
    def first_turn(self, prompt: Prompt) -> str:
        return prompt.turns[0][:80] if prompt.turns else ""


class InPlayFilter(admin.SimpleListFilter):
    title = parameter_name = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Sequence[tuple[str, str]]:
        return [("no", "in play"), ("yes", "withdrawn")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() == "no")


@admin.register(Competitor)
class CompetitorAdmin(admin.ModelAdmin):
    list_display = ("name", "organisation", "owner", "answer_count", "withdrawn_at", "is_demo", "created_at")
    list_filter = (InPlayFilter, "is_demo", "submissions__benchmark")
    list_select_related = ("owner",)
    search_fields = ("name", "slug", "organisation")
    readonly_fields = ("slug", "withdrawn_at", "is_demo", "created_at")
    raw_id_fields = ("owner", "parent")
    actions = ("withdraw", "restore")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a model comes with its answers

    def get_queryset(self, request: HttpRequest) -> QuerySet[Competitor]:
        answers = number_of(Answer.objects.all(), "competitor")
        return super().get_queryset(request).annotate(answer_count=answers)

    @admin.display(description="answers", ordering="answer_count")
    def answer_count(self, competitor) -> int:
        return competitor.answer_count

    @admin.action(description="Withdraw: keep what was recorded, take no part", permissions=["change"])
    def withdraw(self, request: HttpRequest, competitors: QuerySet[Competitor]) -> None:
        now = timezone.now()
        changed = [row for row in competitors if row.withdraw(now=now)]
        log_changes(self, request, changed, "Withdrawn.")
        self.message_user(request, f"Withdrawn: {len(changed)}. Boards follow within seconds.")

    @admin.action(description="Restore: take part again", permissions=["change"])
    def restore(self, request: HttpRequest, competitors: QuerySet[Competitor]) -> None:
        changed = [row for row in competitors if row.restore()]
        log_changes(self, request, changed, "Restored.")
        self.message_user(request, f"Restored: {len(changed)}. Boards follow within seconds.")
