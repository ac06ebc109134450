"""/methods/: what every number means and how it is computed.

A new part is one line in ``SECTIONS`` and one template.
"""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.ratings import Limits, Policy
from leaderboard.ratings.clusters import FEW
from leaderboard.services.boards import CHEAP, SHARE
from leaderboard.views.worked_examples import work_examples


class Section(NamedTuple):
    """A part of the page: the id that links name, and its heading."""

    id: str
    title: str

    @property
    def template(self) -> str:
        return f"leaderboard/methods/{self.id.replace('-', '_')}.html"


SECTIONS = (
    Section("reading", "Reading a board"),
    Section("matches", "Matches, votes and rulings"),
    Section("ratings", "Ratings"),
    Section("status", "Rated, provisional, unrated"),
    Section("intervals", "Intervals"),
    Section("ranks", "Ranks"),
    Section("style", "Equal style"),
    Section("people-and-judge", "People and a judge together"),
    Section("elo", "Elo"),
    Section("robustness", "How firm first place is"),
    Section("voters", "Votes that do not go with the answers"),
    Section("pairs", "Which pairs come next"),
    Section("snapshots", "Snapshots"),
    Section("agreement", "Agreement with people"),
    Section("position", "Position and reading"),
    Section("references", "References"),
)


@require_safe
def methods(request: HttpRequest) -> HttpResponse:
    context = {
        "sections": SECTIONS,
        "limits": Limits(),
        "policy": Policy(),
        "few": FEW,
        "cheap": CHEAP,
        "share": SHARE,
        "example": work_examples(),
    }
    return render(request, "leaderboard/methods.html", context)
