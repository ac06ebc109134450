"""Voting: a blind pair, the vote, the reveal. Every page works without JavaScript; htmx swaps its middle."""

import uuid
from collections.abc import Callable
from math import ceil
from random import SystemRandom
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from arena.forms import VoteForm
from arena.models import Ballot, Benchmark, Voter
from arena.outcomes import Order
from arena.services import voting
from arena.services.rendering import shown_turns
from arena.views.robots import is_robot

COOKIE = "voter"
COOKIE_SECONDS = 365 * 24 * 3600
RNG = SystemRandom()


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def show_pair(request: HttpRequest, *, line_of: Callable[[Benchmark | None], str]) -> HttpResponse:
    """``line_of`` gives the line under the header, as HTML, for the benchmark that the voter asked for."""
    if request.method == "HEAD":
        return HttpResponse()  # a monitor's question: it spends no pair and makes no voter
    if is_robot(request) and _known(request) is None:
        around = _surroundings(request, None)
        context = {"is_robot": True, "line": line_of(around["wanted"]), **around}
        return render(request, _template(request), context)
    voter = voting.ensure_voter(user=_user(request), cookie=_cookie(request))
    around = _surroundings(request, voter)
    if not request.htmx:  # type: ignore[attr-defined]
        around["line"] = line_of(around["wanted"])
    wanted = around["wanted"]
    try:
        ballot = voting.next_ballot(voter, benchmark=wanted, now=timezone.now(), rng=RNG)
    except voting.TooManyBallots as pause:
        return _remember(voter, _pause(request, pause))
    if ballot is None:
        seen = voter.ballots.filter(match__prompt__benchmark=wanted) if wanted else voter.ballots
        context = {"seen_all": seen.exists(), **around}
        return _remember(voter, render(request, _template(request), context))
    context = {"ballot": ballot, **_pair(ballot), **around}
    return _remember(voter, render(request, _template(request), context))


@require_POST
@never_cache
def cast(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    voter, form = _known(request), VoteForm(request.POST)
    if not form.is_valid():
        return _start_again(request, "That was none of the four choices. Here is the pair again.")
    try:
        choice = voting.Choice(form.cleaned_data["choice"])
        voting.cast_vote(token=token, voter=voter, choice=choice, now=timezone.now())
    except voting.AlreadyVoted:
        pass  # pressed twice, or back and again: the first vote stands and is shown
    except voting.VotingClosed:
        return _start_again(request, "That pair was taken out of voting meanwhile. Here is another one.")
    except (voting.BallotUnknown, voting.BallotNotYours):
        return _not_yours(request)
    return _reveal(request, token) if request.htmx else redirect(_here("ballot", request, token))  # type: ignore[attr-defined]


@require_safe
@never_cache
def show_reveal(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    return _reveal(request, token)


@require_POST
@never_cache
def undo(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    try:
        voting.withdraw_vote(token=token, voter=_known(request), now=timezone.now())
    except voting.TooLateToUndo:
        return _reveal(request, token, too_late=True)
    except voting.NotYetVoted:
        return _go(request, _here("vote", request))
    except (voting.BallotUnknown, voting.BallotNotYours):
        return _not_yours(request)
    return _reveal(request, token) if request.htmx else redirect(_here("ballot", request, token))  # type: ignore[attr-defined]


def _reveal(request: HttpRequest, token: uuid.UUID, *, too_late: bool = False) -> HttpResponse:
    voter = _known(request)
    try:
        ballot = voting.revealed_ballot(token=token, voter=voter)
    except voting.NotYetVoted:
        return _go(request, _here("vote", request))
    except voting.BallotUnknown:
        raise Http404("There is no such pair.") from None
    except voting.BallotNotYours:
        return _not_yours(request)
    context = {
        "ballot": ballot,
        "undo_seconds": voting.undo_seconds(ballot, now=timezone.now()),
        "undo_limit": voting.UNDO_LIMIT.seconds,
        "too_late": too_late,
        **_pair(ballot),
        **_names(ballot),
        **_surroundings(request, voter),
    }
    # htmx swaps in nothing that is called an error.
    status = 409 if too_late and not request.htmx else 200  # type: ignore[attr-defined]
    return render(request, _template(request), context, status=status)


@require_POST
@never_cache
def skip(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    try:
        voting.skip_ballot(token=token, voter=_known(request), now=timezone.now())
    except voting.AlreadyVoted:
        pass
    except (voting.BallotUnknown, voting.BallotNotYours):
        return _not_yours(request)
    return redirect(_here("vote", request))  # htmx follows it and swaps the next pair


def _pair(ballot: Ballot) -> dict[str, object]:
    """What may be shown before the vote; nothing here depends on the models but their texts."""
    prompt = ballot.match.prompt
    return {"turns": shown_turns(ballot), "tags": prompt.tags, "is_demo": prompt.benchmark.is_demo}


def _names(ballot: Ballot) -> dict[str, object]:
    match = ballot.match
    pair = [match.competitor_a, match.competitor_b]
    first, second = reversed(pair) if ballot.order == Order.BA else pair
    choice = "withdrawn" if ballot.withdrawn_at else voting.choice_of(ballot.vote).value
    return {"revealed": True, "first": first, "second": second, "choice": choice}


def _surroundings(request: HttpRequest, voter: Voter | None) -> dict[str, Any]:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    open_benchmarks = list(Benchmark.objects.open())
    return {
        "wanted": _wanted(request, open_benchmarks),
        "open_benchmarks": open_benchmarks,
        "votes_today": voting.votes_since(voter, midnight) if voter else 0,
    }


def _template(request: HttpRequest) -> str:
    return "arena/ballot.html" if request.htmx else "arena/vote.html"  # type: ignore[attr-defined]


def _user(request: HttpRequest):
    return request.user if request.user.is_authenticated else None


def _cookie(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.get_signed_cookie(COOKIE, "", salt=COOKIE))
    except ValueError:
        return None


def _known(request: HttpRequest) -> Voter | None:
    return voting.known_voter(user=_user(request), cookie=_cookie(request))


def _remember(voter: Voter, response: HttpResponse) -> HttpResponse:
    if voter.cookie is not None:
        response.set_signed_cookie(
            COOKIE,
            str(voter.cookie),
            salt=COOKIE,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def _wish(request: HttpRequest) -> str:
    return request.POST.get("benchmark", "") or request.GET.get("benchmark", "")


def _wanted(request: HttpRequest, open_benchmarks: list[Benchmark]) -> Benchmark | None:
    """The open benchmark that the voter asked for; all of them when there is no such one."""
    return next((row for row in open_benchmarks if row.slug == _wish(request)), None)


def _here(name: str, request: HttpRequest, *args: object) -> str:
    """An address that keeps the benchmark the voter asked for."""
    query = urlencode({"benchmark": wish}) if (wish := _wish(request)) else ""
    return reverse(name, args=args) + (f"?{query}" if query else "")


def _go(request: HttpRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]


def _start_again(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.warning(request, sentence)
    return _go(request, _here("vote", request))


def _not_yours(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return _start_again(request, "That pair was not yours, so nothing was changed. Here is your pair.")
    return render(request, "arena/not_yours.html", status=403)


def _pause(request: HttpRequest, pause: voting.TooManyBallots) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(_here("vote", request))
    seconds = max(1, ceil((pause.until - timezone.now()).total_seconds()))
    context = {"until": pause.until, "minutes": ceil(seconds / 60), "limit": voting.BALLOTS_PER_HOUR}
    response = render(request, "arena/pause.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
