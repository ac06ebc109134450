"""The staff's door. Facts that people gave are read here; what may change is little."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from arena.models import Benchmark, Competitor, Job, Prompt, Submission, Vote, Voter

# The site's own sign-in, with its rate limit.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Arena"
admin.site.index_title = "Data and work"


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that nobody writes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Benchmark)
class BenchmarkAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "is_open", "is_demo", "prompt_count", "created_at")
    list_filter = ("is_open", "is_demo")
    search_fields = ("name", "slug")
    readonly_fields = ("is_demo", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Benchmark]:
        return super().get_queryset(request).annotate(prompt_count=Count("prompts"))

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields  # addresses stay

    @admin.display(description="prompts", ordering="prompt_count")
    def prompt_count(self, benchmark) -> int:
        return benchmark.prompt_count


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    list_display = ("key", "benchmark", "first_turn", "tags")
    list_filter = ("benchmark",)
    list_select_related = ("benchmark",)
    search_fields = ("key",)

    @admin.display(description="first turn")
    def first_turn(self, prompt: Prompt) -> str:
        return prompt.turns[0][:80] if prompt.turns else ""


@admin.register(Competitor)
class CompetitorAdmin(admin.ModelAdmin):
    list_display = ("name", "organisation", "owner", "is_demo", "created_at")
    list_filter = ("is_demo", "submissions__benchmark")
    list_select_related = ("owner",)
    search_fields = ("name", "slug", "organisation")
    readonly_fields = ("slug", "is_demo", "created_at")
    raw_id_fields = ("owner",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a model comes with its answers


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("competitor", "benchmark", "submitter", "state", "cause", "received_at", "paired_at")
    list_filter = ("state", "benchmark", "kind")
    list_select_related = ("competitor", "benchmark", "submitter")
    search_fields = ("competitor__name", "submitter__username", "filename")
    date_hierarchy = "received_at"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "kind",
        "owner",
        "subject",
        "state",
        "attempts",
        "next_attempt_at",
        "worker",
        "error_code",
    )
    list_filter = ("state", "kind", "error_code", "owner")
    search_fields = ("=subject", "error")
    show_full_result_count = False
    actions = ("try_again",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("arena.change_job")

    @admin.action(description="Try the failed ones again", permissions=["retry"])
    def try_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        count = jobs.filter(state=Job.State.FAILED).update(
            state=Job.State.PENDING, attempts=0, next_attempt_at=None, token=None, lease_until=None
        )
        self.message_user(request, f"{count} failed jobs wait for a worker again.")


@admin.register(Voter)
class VoterAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "origin", "role", "vote_count", "created_at")
    list_filter = ("role", "origin", ("user", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("cookie",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voter]:
        return super().get_queryset(request).annotate(vote_count=Count("votes"))

    @admin.display(description="votes", ordering="vote_count")
    def vote_count(self, voter) -> int:
        return voter.vote_count


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "voter", "match", "turn", "order", "winner", "seconds", "created_at")
    list_filter = ("winner", "order", "match__prompt__benchmark")
    list_select_related = ("voter__user", "match")
    search_fields = ("=match__id", "=voter__id")
    raw_id_fields = ("ballot",)
    date_hierarchy = "created_at"
    show_full_result_count = False
