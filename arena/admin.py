"""The staff's door. Facts that people gave are read here; what may change is little."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.timesince import timesince

from arena import jobs
from arena.models import Answer, Ballot, Benchmark, Competitor, Job, Prompt, Submission, Vote, Voter

# The site's own sign-in, with its rate limit.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Arena"
admin.site.index_title = "Data and work"


COUNTED = 50_000  # rows up to which a list is counted one by one


class LargePaginator(Paginator):
    """Takes the database's own estimate for all rows of a large table, which it need not read for that."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        if not rows.query.where:
            with connection.cursor() as cursor:
                table = rows.model._meta.db_table
                cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
                [estimate] = cursor.fetchone()
            if estimate > COUNTED:
                return estimate
        return rows.count()


def number_of(rows: QuerySet, owner: str, *, of: str = "pk") -> Coalesce:
    """How many of ``rows`` (or of what they have in ``of``) belong to each row of a list by ``owner``."""
    grouped = rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner)
    return Coalesce(Subquery(grouped.annotate(number=Count(of, distinct=of != "pk")).values("number")), 0)


def log_changes(door: admin.ModelAdmin, request: HttpRequest, rows: Iterable[Model], words: str) -> None:
    """Write an action into each row's history."""
    for row in rows:
        door.log_change(request, row, words)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that nobody writes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


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
    raw_id_fields = ("owner",)
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


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("competitor", "benchmark", "submitter", "state", "cause", "received_at", "paired_at")
    list_filter = ("state", "benchmark", "kind")
    list_select_related = ("competitor", "benchmark", "submitter")
    search_fields = ("competitor__name", "submitter__username", "filename")
    date_hierarchy = "received_at"


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


@admin.register(Voter)
class VoterAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "origin", "role", "vote_count", "created_at")
    list_filter = ("role", "origin", ("user", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("cookie",)
    paginator = LargePaginator
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voter]:
        return super().get_queryset(request).annotate(vote_count=number_of(Vote.objects.all(), "voter"))

    @admin.display(description="votes", ordering="vote_count")
    def vote_count(self, voter) -> int:
        return voter.vote_count


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
