"""The forms that take models: recorded answers, an endpoint, a model for this arena's own GPU hosts."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from arena.forms import EndpointForm, EntryForm, RecordedForm, unread_status
from arena.host_forms import HostForm
from arena.models import Benchmark, Competitor, HostWorker, Submission
from arena.models.submissions import latest_submission, settings_of
from arena.services import submissions
from arena.services.quotas import QuotaSpent, allowances
from arena.services.submissions import UploadRefused

SENT = 50  # of the visitor's own submissions, listed below the form


@dataclass(frozen=True)
class Kind:
    """One way to submit a model."""

    name: str
    words: str
    form: type[EntryForm]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(Submission.Kind.RECORDED, "Recorded answers", RecordedForm),
        Kind(Submission.Kind.ENDPOINT, "An endpoint", EndpointForm),
        Kind(Submission.Kind.HOST, "On our GPU hosts", HostForm),
    )
}


def _kinds(user: Any) -> dict[str, Kind]:
    """Those that are open to somebody: a host for staff alone, or for all once there is one."""
    hosts = user.is_staff or (settings.HOSTS_FOR_MEMBERS and HostWorker.objects.exists())
    return {name: kind for name, kind in KINDS.items() if hosts or kind.form is not HostForm}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    parent = _parent(request)
    before = latest_submission(parent) if parent else _again(request)
    kind = KINDS.get(
        request.GET.get("kind") or (before.kind if before else ""), KINDS[Submission.Kind.RECORDED]
    )
    if kind.name not in _kinds(request.user):
        raise PermissionDenied("This arena serves no models for its members.")
    same_kind = before is not None and before.kind == kind.name
    initial = settings_of(before) if before and same_kind else {}
    if before and not parent:
        initial["name"] = before.competitor.name
    initial |= {"benchmark": request.GET.get("benchmark") or initial.get("benchmark", "")}
    page = partial(_page, request, kind, parent)
    if request.method != "POST":
        return page(_blank(request, kind, initial))
    form = _filled(request, kind, initial)
    if form.is_valid() and parent and same_kind and not form.changed_settings():
        form.add_error(None, f"These are the settings of {parent.name} itself. Change at least one of them.")
    if not form.is_valid():
        return page(form, status=unread_status(request) or 422)
    try:
        return redirect(_accept(request, kind, form, parent))
    except UploadRefused as refusal:
        if kind.name != Submission.Kind.RECORDED:  # no file, so no lines
            form.add_error(None, [problem.reason for problem in refusal.problems])
            return page(form, status=422)
        file = form.cleaned_data.get("file")
        return page(form, status=422, problems=refusal.problems, filename=file.name if file else "")
    except QuotaSpent as spent:
        return page(form, status=429, spent=spent)


def _parent(request: HttpRequest) -> Competitor | None:
    """The model whose settings are to be changed, for its owner and for staff."""
    slug = request.GET.get("parent", "")
    if not slug:
        return None
    competitor = get_object_or_404(Competitor, slug=slug.replace("\0", ""))
    if competitor.owner != request.user and not request.user.is_staff:
        raise Http404("Other settings of a model are submitted by the person who submitted it or by staff.")
    return competitor


def _again(request: HttpRequest) -> Submission | None:
    """The visitor's own submission that is to be sent anew; its form is filled in."""
    pk = request.GET.get("again", "")
    if not pk.isdecimal() or len(pk) > 18:
        return None
    mine = Submission.objects.filter(submitter=request.user.pk)
    return mine.select_related("competitor", "benchmark", "host_model").filter(pk=pk).first()


def _blank(request: HttpRequest, kind: Kind, initial: dict[str, Any]) -> EntryForm:
    if kind.form is HostForm:
        return HostForm(initial=initial, by_staff=request.user.is_staff)
    return kind.form(initial=initial)


def _filled(request: HttpRequest, kind: Kind, initial: dict[str, Any]) -> EntryForm:
    if kind.form is HostForm:
        return HostForm(request.POST, initial=initial, by_staff=request.user.is_staff)
    if kind.form is RecordedForm:
        return RecordedForm(request.POST, request.FILES, refused=unread_status(request))
    return kind.form(request.POST, initial=initial)


def _accept(request: HttpRequest, kind: Kind, form: EntryForm, parent: Competitor | None) -> Submission:
    dry_run = settings.DRY_RUN_SECONDS > 0
    entry = form.entry(request.user, parent=parent, dry_run=dry_run)
    now, given = timezone.now(), form.cleaned_data
    if kind.name == Submission.Kind.RECORDED:
        return submissions.accept_recorded(entry, file=given["file"], now=now)
    if kind.name == Submission.Kind.ENDPOINT:
        where = {name: given[name] for name in ("base_url", "model", "key")}
        return submissions.accept_endpoint(entry, now=now, **where)
    assert isinstance(form, HostForm)
    return submissions.accept_host_model(entry, now=now, **form.settings)


def _left(request: HttpRequest, kind: Kind, now: datetime) -> list[str]:
    """The visitor's quotas, so that a refusal surprises nobody."""
    bound = {"submissions"} if kind.name == Submission.Kind.RECORDED else {"submissions", "running", "tokens"}
    return [each.words for name, each in allowances(request.user, now).items() if name in bound]


def _page(
    request: HttpRequest,
    kind: Kind,
    parent: Competitor | None,
    form: EntryForm,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    now = timezone.now()
    context |= {
        "form": form,
        "kind": kind,
        "kinds": list(_kinds(request.user).values()),
        "parent": parent,
        "open_benchmarks": list(Benchmark.objects.open()),
        "limit": settings.UPLOAD_LIMIT,
        "allowances": _left(request, kind, now),
        "dry_run_seconds": settings.DRY_RUN_SECONDS,
        "sent": Submission.objects.sent_by(request.user)[:SENT],
    }
    response = render(request, "arena/submit.html", context, status=status)
    spent = context.get("spent")
    if spent and spent.frees_at:
        response["Retry-After"] = max(ceil((spent.frees_at - now).total_seconds()), 1)
    return response
