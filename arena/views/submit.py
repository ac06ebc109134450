"""The form that takes recorded answers."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from arena.forms import SubmitForm, too_large
from arena.models import Benchmark
from arena.services.submissions import UploadRefused, accept_submission


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, SubmitForm(initial={"benchmark": request.GET.get("benchmark", "")}))
    form = SubmitForm(request.POST, request.FILES, refused=too_large(request))
    if not form.is_valid():
        return _page(request, form, status=413 if too_large(request) else 422)
    file = form.cleaned_data.pop("file")
    try:
        submission = accept_submission(user=request.user, file=file, now=timezone.now(), **form.cleaned_data)
    except UploadRefused as refusal:
        return _page(request, form, problems=refusal.problems, filename=file.name, status=422)
    return redirect(submission)


def _page(request: HttpRequest, form: SubmitForm, *, status: int = 200, **context: object) -> HttpResponse:
    context |= {
        "form": form,
        "open_benchmarks": list(Benchmark.objects.open()),
        "limit": settings.UPLOAD_LIMIT,
    }
    return render(request, "arena/submit.html", context, status=status)
