"""/snapshots/: boards that were kept, one page a snapshot, and each as a file."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from leaderboard.models import Snapshot, snapshots_stamp
from leaderboard.page_cache import Rendered
from leaderboard.services.snapshots import exported_snapshot
from leaderboard.views.board import page
from leaderboard.views.cached import NotHere, not_here, serve
from leaderboard.views.kept import KeptQuery, load_kept

PAGE = 50
LARGEST = 1_000_000  # games of an export that a web process makes


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    wanted = request.GET.get("page", "")[:6]
    return serve(
        request, ("snapshots", wanted), stamp=snapshots_stamp, make=lambda: _make_index(request, wanted)
    )


@require_safe
def detail(request: HttpRequest, number: int) -> HttpResponseBase:
    try:
        query = KeptQuery.read(number, request.GET)
    except NotHere as problem:
        return not_here(request, problem)
    return serve(
        request, ("snapshot", query), stamp=snapshots_stamp, make=lambda: _make_detail(request, query)
    )


@require_safe
def export(request: HttpRequest, number: int) -> HttpResponseBase:
    """The whole snapshot as a zip, made once."""
    try:
        snapshot = find(number)
        if not is_small(snapshot):
            raise NotHere(
                "Too large to download here",
                f"Snapshot {number} holds so many votes that its file is made on the shell: "
                f"manage.py export_snapshot {number}.",
                snapshot.get_absolute_url(),
                f"See snapshot {number}",
            )
    except NotHere as problem:
        return not_here(request, problem)
    path = exported_snapshot(snapshot, settings.ARENA_HOME / "exports")
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"snapshot-{number}.zip")


def find(number: int) -> Snapshot:
    """A snapshot with its counts. Raises NotHere."""
    snapshot = Snapshot.objects.counted().filter(number=number).first()
    if snapshot is None:
        raise NotHere(
            "No such snapshot",
            f"There is no snapshot {number}.",
            reverse("snapshots"),
            "See all snapshots",
        )
    return snapshot


def is_small(snapshot) -> bool:
    return snapshot.votes + snapshot.rulings <= LARGEST


def _make_index(request: HttpRequest, wanted: str) -> Rendered:
    shown = Paginator(Snapshot.objects.counted(), PAGE).get_page(wanted or None)
    return page(
        request,
        "leaderboard/snapshots.html",
        {"page": shown, "hours": settings.SNAPSHOT_HOURS, "largest": LARGEST},
    )


def _make_detail(request: HttpRequest, query: KeptQuery) -> Rendered:
    snapshot = find(query.number)
    context = {"snapshot": snapshot, "is_small": is_small(snapshot), "query": query}
    return page(request, "leaderboard/snapshot.html", context | load_kept(snapshot, query))
