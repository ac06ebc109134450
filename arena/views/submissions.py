"""What a person does to a submission that was sent, or to its model: go on, cancel, try again, withdraw."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from arena.forms import RetryForm
from arena.models import Competitor, Submission
from arena.services import dry_runs, submissions
from arena.services.quotas import QuotaSpent


@login_required
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """End a dry run, for its submitter and for staff: the rest is asked."""
    submission = _own(request, pk)
    if not request.user.is_staff and not submission.answers.exists():
        messages.info(request, "It goes on once one answer of its dry run is there.")
    elif not dry_runs.go_on(submission, timezone.now()):
        messages.info(request, "Its dry run is over already.")
    return redirect(submission)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """End a submission that moves, for its submitter and for staff."""
    submission = _own(request, pk)
    if not submissions.cancel_submission(submission):
        messages.info(request, "There was nothing to cancel.")
    return redirect(submission)


@login_required
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a failed or cancelled submission again, for its submitter and for staff."""
    submission = _own(request, pk)
    form, now = RetryForm(request.POST), timezone.now()
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["key"])))
        return redirect(submission)
    key, counts = form.cleaned_data["key"], not request.user.is_staff
    try:
        if not submissions.retry_submission(submission, now=now, key=key, counts=counts):
            messages.info(request, "There was nothing to try again.")
    except QuotaSpent as spent:
        messages.error(request, str(spent))
    return redirect(submission)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a model out of play, for its owner and for staff, after they have read what that means."""
    competitor = get_object_or_404(Competitor, slug=slug)
    if competitor.owner != request.user and not request.user.is_staff:
        raise Http404("A model is withdrawn by the person who submitted it or by staff.")
    if request.method != "POST":
        moving = competitor.submissions.moving().exists()
        return render(request, "arena/withdraw.html", {"competitor": competitor, "moving": moving})
    if competitor.withdraw(now=timezone.now()):
        messages.success(request, f"{competitor.name} was withdrawn. Boards follow within seconds.")
    return redirect(competitor)


def _own(request: HttpRequest, pk: int) -> Submission:
    submission = get_object_or_404(Submission, pk=pk)
    if submission.submitter != request.user and not request.user.is_staff:
        raise Http404("A submission is shown to the person who sent it and to staff.")
    return submission
