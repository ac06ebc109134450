"""The forms that take models: recorded answers, an endpoint, a model for this arena's own GPU hosts."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from arena.forms import EndpointForm, EntryForm, RecordedForm, RetryForm, too_large
from arena.host_forms import HostForm
from arena.models import Benchmark, Submission
from arena.services import submissions
from arena.services.submissions import UploadRefused

SENT = 50  # of the visitor's own submissions, listed below the form


@dataclass(frozen=True)
class Kind:
    """One way to submit a model."""

    name: str
    words: str
    form: type[EntryForm]
    for_staff: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind(Submission.Kind.RECORDED, "Recorded answers", RecordedForm),
        Kind(Submission.Kind.ENDPOINT, "An endpoint", EndpointForm),
        Kind(Submission.Kind.HOST, "On our GPU hosts", HostForm, for_staff=True),
    )
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    kind = KINDS.get(request.GET.get("kind", ""), KINDS[Submission.Kind.RECORDED])
    if kind.for_staff and not request.user.is_staff:
        raise PermissionDenied("Only the staff of this arena uses its GPU hosts.")
    if request.method != "POST":
        return _page(request, kind, kind.form(initial={"benchmark": request.GET.get("benchmark", "")}))
    form = _filled(request, kind)
    if not form.is_valid():
        return _page(request, kind, form, status=413 if too_large(request) else 422)
    try:
        return redirect(_accept(request, kind, form))
    except UploadRefused as refusal:
        file = form.cleaned_data.get("file")
        context = {"problems": refusal.problems, "filename": file.name if file else ""}
        return _page(request, kind, form, status=422, **context)


@login_required
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a failed submission again, for its submitter and for staff."""
    submission = _own(request, pk)
    form = RetryForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["key"])))
    elif not submissions.retry_submission(submission, key=form.cleaned_data["key"]):
        messages.info(request, "There was nothing to try again.")
    return redirect(submission)


@login_required
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a submission that is answering, for its submitter and for staff."""
    submission = _own(request, pk)
    if not submissions.stop_submission(submission):
        messages.info(request, "There was nothing to stop.")
    return redirect(submission)


def _own(request: HttpRequest, pk: int) -> Submission:
    submission = get_object_or_404(Submission, pk=pk)
    if submission.submitter != request.user and not request.user.is_staff:
        raise Http404("A submission is shown to the person who sent it and to staff.")
    return submission


def _filled(request: HttpRequest, kind: Kind) -> EntryForm:
    if kind.form is RecordedForm:
        return RecordedForm(request.POST, request.FILES, refused=too_large(request))
    return kind.form(request.POST)


def _accept(request: HttpRequest, kind: Kind, form: EntryForm) -> Submission:
    entry, now, given = form.entry(request.user), timezone.now(), form.cleaned_data
    if kind.name == Submission.Kind.RECORDED:
        return submissions.accept_recorded(entry, file=given["file"], now=now)
    if kind.name == Submission.Kind.ENDPOINT:
        where = {name: given[name] for name in ("base_url", "model", "key")}
        return submissions.accept_endpoint(entry, now=now, **where)
    assert isinstance(form, HostForm)
    return submissions.accept_host_model(entry, now=now, **form.settings)


def _page(
    request: HttpRequest, kind: Kind, form: EntryForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {
        "form": form,
        "kind": kind,
        "kinds": [each for each in KINDS.values() if request.user.is_staff or not each.for_staff],
        "open_benchmarks": list(Benchmark.objects.open()),
        "limit": settings.UPLOAD_LIMIT,
        "sent": Submission.objects.sent_by(request.user)[:SENT],
    }
    return render(request, "arena/submit.html", context, status=status)
