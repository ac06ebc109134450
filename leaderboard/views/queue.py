"""/queue/: what runs where, what waits and for how long; /queue/operate/ for the staff, with levers."""

import re
import time
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from arena.models import HostWorker, Queue, Submission
from arena.models.queue import database_now
from arena.services import operating
from leaderboard.page_cache import Rendered
from leaderboard.views.cached import HTML, fragment
from leaderboard.views.queue_rows import Work, judge_rows, waiting_rows, worker_rows

ROWS = 25  # that wait, on one page
MOST = 2000  # of those that wait are listed
ACT = re.compile(r"(\w+)(?::(\d+))?")


class FirstRows(Paginator):
    """Lists, and counts, only so many: a long queue costs no more than a short one."""

    @cached_property
    def counted(self) -> int:
        return cast(QuerySet, self.object_list)[: MOST + 1].count()

    @property
    def count(self) -> int:
        return min(self.counted, MOST)

    @property
    def is_more(self) -> bool:
        return self.counted > MOST


@require_safe
@never_cache
def queue(request: HttpRequest) -> HttpResponse:
    """The same for everybody, made anew every two seconds at most."""
    number = _page_number(request)
    live = fragment(
        ("queue", number),
        stamp=time.monotonic,  # always another: what it shows moves by itself
        make=lambda: Rendered(
            render_to_string("leaderboard/queue_live.html", context(number)).encode(), HTML
        ),
    )
    if request.GET.get("part") == "live":
        return HttpResponse(live)
    return render(request, "leaderboard/queue.html", {"live": mark_safe(live)})  # noqa: S308 -- our template's


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def operate(request: HttpRequest) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied("Only the staff of this arena operates its queue.")
    if request.method == "POST":
        words = _act(request.user, request.POST.get("act", ""), request.POST.get("note", "").strip()[:200])
        messages.success(request, words)
        return redirect(request.get_full_path())
    shown = context(_page_number(request), for_staff=True)
    if request.GET.get("part") == "live":
        return render(request, "leaderboard/queue_live.html", shown)
    return render(request, "leaderboard/queue_operate.html", shown)


def context(number: int, *, for_staff: bool = False) -> dict[str, Any]:
    """What the live part shows. Staff read what others do not: closed benchmarks, causes, logs."""
    now = database_now()
    state, work = Queue.read(), Work.read(now, for_staff=for_staff)
    waiting = Submission.objects.in_queue().exclude(pk__in=work.under_way)
    listed = FirstRows(waiting, ROWS)
    page = listed.get_page(number)
    judges = judge_rows(work)
    return {
        "queue": state,
        "workers": worker_rows(work),
        "page": page,
        "is_more": listed.is_more,
        "rows": waiting_rows(work, list(page), page.start_index() or 1, paused=bool(state.paused_at)),
        "judges": judges,
        "running": work.number_under_way,
        "for_staff": for_staff,
        "now": now,
        "failed": _failed() if for_staff else [],
    }


def _failed() -> list[Submission]:
    failed = Submission.objects.filter(state=Submission.State.FAILED).exclude(kind=Submission.Kind.RECORDED)
    return list(failed.select_related("competitor", "benchmark").order_by("-pk")[:20])


def _page_number(request: HttpRequest) -> int:
    given = request.GET.get("page", "")
    return min(max(int(given), 1), MOST // ROWS) if given.isdecimal() and len(given) < 9 else 1


def _act(user: Any, act: str, note: str) -> str:
    read = ACT.fullmatch(act)
    verb, pk = read.groups() if read else ("", None)
    if verb == "pause_all":
        return operating.pause_queue(user, note)
    if verb == "resume_all":
        return operating.resume_queue(user, note)
    if verb in WORKER_ACTS:
        return operating.control_worker(user, get_object_or_404(HostWorker, pk=pk), WORKER_ACTS[verb], note)
    if verb in STEPS:
        return operating.move_submission(user, _submission(pk), STEPS[verb], note)
    if verb == "requeue":
        return operating.requeue_submission(user, _submission(pk), note)
    raise Http404("There is no such act.")


WORKER_ACTS = {
    "resume": HostWorker.Control.WORKS,
    "pause": HostWorker.Control.PAUSED,
    "drain": HostWorker.Control.DRAINED,
}
STEPS = {"up": 1, "down": -1}


def _submission(pk: str | None) -> Submission:
    return get_object_or_404(Submission.objects.select_related("competitor"), pk=pk)
