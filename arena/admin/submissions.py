"""Submissions with where their answers come from, and the hosts that serve models."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from arena.admin.lists import ReadOnlyAdmin, log_changes
from arena.models import AllowedCode, Competitor, Endpoint, HostModel, HostWorker, Submission
from arena.services.submissions import retry_submission


class EndpointInline(admin.StackedInline):
    """Without its key, of which the last characters are all that anybody sees."""

    model = Endpoint
    readonly_fields = fields = ("base_url", "model", "key_ending")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = (
        *("competitor", "benchmark", "kind", "state", "cause", "why", "attempts"),
        *("submitter", "received_at", "paired_at"),
    )
    list_filter = ("state", "kind", "cause", "benchmark")
    list_select_related = ("competitor", "benchmark", "submitter")
    search_fields = ("competitor__name", "submitter__username", "filename", "message")
    date_hierarchy = "received_at"
    inlines = (EndpointInline,)
    actions = ("try_again", "withdraw")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("arena.change_submission")

    @admin.display(description="message")
    def why(self, submission: Submission) -> str:
        text = submission.message
        return format_html('<span title="{}">{}</span>', text, text[:80]) if text else ""

    @admin.action(description="Try the failed and cancelled ones again", permissions=["act"])
    def try_again(self, request: HttpRequest, submissions: QuerySet[Submission]) -> None:
        changed = [row for row in submissions if retry_submission(row, now=timezone.now(), counts=False)]
        log_changes(self, request, changed, "Tried again.")
        self.message_user(request, f"Their models are asked again: {len(changed)}.")

    @admin.action(description="Withdraw their models: keep what was recorded", permissions=["act"])
    def withdraw(self, request: HttpRequest, submissions: QuerySet[Submission]) -> None:
        models = Competitor.objects.filter(submissions__in=submissions).distinct()
        changed = [row for row in models if row.withdraw(now=timezone.now())]
        log_changes(self, request, changed, "Withdrawn.")
        self.message_user(request, f"Withdrawn: {len(changed)}. Boards follow within seconds.")


@admin.register(HostModel)
class HostModelAdmin(admin.ModelAdmin):
    list_display = ("source", "revision", "adapter", "dtype", "max_model_len")
    search_fields = ("source", "adapter")


@admin.register(AllowedCode)
class AllowedCodeAdmin(admin.ModelAdmin):
    """Commits whose own code may run on the workers: each is a decision that the log keeps."""

    list_display = ("source", "revision", "why")
    search_fields = ("source", "revision")


@admin.register(HostWorker)
class HostWorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "host_model", "since", "seen_at", "message")
    list_filter = ("state",)
    list_select_related = ("host_model",)
