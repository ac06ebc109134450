"""A page for every error, in the site's own hand; a sentence or JSON for a script, htmx or a download.

A page of a fault (500, 503) and of a request that cannot be read needs neither the database nor the session.
"""

import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

RETRY_SECONDS = 10  # after which a script may ask again while the database is down
TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
DATABASE_DOWN = (OperationalError, InterfaceError)  # lost, full, or slower than a page may wait for
FORMAT = re.compile(r"(?:^|&)format=(csv|json)(?:&|$)")

VOTE, BOARD = ("Vote on a pair", "vote"), ("See the leaderboard", "leaderboard")


class Trouble(NamedTuple):
    """What happened, and what to do next: links (words, name of an address), the likeliest first."""

    status: int
    heading: str
    sentence: str
    links: tuple[tuple[str, str], ...] = (VOTE, BOARD)


MALFORMED = Trouble(
    400,
    "That request made no sense",
    "Something in it was malformed, so nothing was done. Go back, reload the page and try once more.",
)
UNKNOWN_HOST = Trouble(
    400,
    "This is not the site’s address",
    "The site was asked for under a name that it does not know. Use its public address. Whoever runs it can "
    "add a name to ALLOWED_HOSTS.",
    (),
)
NOT_FOR_YOU = Trouble(
    403,
    "This page is not for you",
    "It needs an account with more rights.",
    (("Sign in", "account_login"), VOTE),
)
OLD_FORM = Trouble(
    403,
    "The form had grown old",
    "It was opened in another session, or the browser refuses this site’s cookies. Nothing was changed. Go "
    "back, reload the page and send it again.",
)
MISSING = Trouble(404, "There is no such page", "The address may be mistyped, or what it named was removed.")
NOT_ALLOWED = Trouble(
    405,
    "There is nothing to see here",
    "This address only takes what a form or a script sends to it in its own way. Nothing was changed. Go "
    "back to the page that you came from.",
)
TOO_LARGE = Trouble(
    413,
    "That was too much at once",
    "The request holds more than this site reads outside a file, so it was not read and nothing was changed. "
    "Send less, or send it as a file through the form for submissions.",
    (("Submit a model", "submit"), VOTE),
)
FAULT = Trouble(
    500,
    "Something went wrong here",
    "The fault is the site’s and was logged. Nothing that you sent was half stored. Try again in a moment.",
)
DOWN = Trouble(
    503,
    "The site cannot answer right now",
    "Its database does not answer at the moment. What was stored is safe. Wait a little, then try again.",
)
NOT_SURE = " What you sent just now may not have arrived: look before you send it again."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return answer(request, UNKNOWN_HOST, bare=True)
    return answer(request, TOO_LARGE if isinstance(exception, TOO_MUCH) else MALFORMED, bare=True)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    trouble = NOT_FOR_YOU._replace(sentence=str(exception) or NOT_FOR_YOU.sentence)
    return answer(
        request, trouble._replace(links=(VOTE, BOARD)) if request.user.is_authenticated else trouble
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, OLD_FORM)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, MISSING)


def server_error(request: HttpRequest) -> HttpResponse:
    """For whatever no view caught: called while the error is being handled."""
    if not isinstance(sys.exc_info()[1], DATABASE_DOWN):
        return answer(request, FAULT, bare=True)
    sent = "" if request.method in ("GET", "HEAD") else NOT_SURE
    response = answer(request, DOWN._replace(sentence=DOWN.sentence + sent), bare=True)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


class NotAllowedPage:
    """Middleware: gives a body to the empty answer (405) of a view that takes another method."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.streaming or response.content:
            return response
        page = answer(request, NOT_ALLOWED)
        page["Allow"] = response["Allow"]
        return page


def answer(request: HttpRequest, trouble: Trouble, *, bare: bool = False) -> HttpResponse:
    """The error as what was asked for. ``bare``: without who is signed in, which the database would say."""
    kind = kind_wanted(request)
    if kind == "json":
        response: HttpResponse = JsonResponse({"status": trouble.status, "error": trouble.sentence})
    elif kind == "text":
        words = f"{trouble.heading}. {trouble.sentence}\n"
        response = HttpResponse(words, content_type="text/plain; charset=utf-8")
    else:
        context = {
            "trouble": trouble,
            "links": [(words, reverse(name)) for words, name in trouble.links],
            "again": trouble.status >= 500 and request.method in ("GET", "HEAD"),
        }
        response = HttpResponse(render_to_string("error.html", context, None if bare else request))
    response.status_code = trouble.status
    add_never_cache_headers(response)
    return response


def kind_wanted(request: HttpRequest) -> str:
    """ "page", "json", or "text" for what shows or saves no page: htmx, CSV, JSON Lines."""
    asked = FORMAT.search(request.META.get("QUERY_STRING", ""))  # request.GET may be what cannot be read
    accepted = request.headers.get("Accept", "")
    if (asked and asked[1] == "json") or ("application/json" in accepted and "text/html" not in accepted):
        return "json"
    if asked or request.headers.get("HX-Request") or request.path.endswith(".jsonl"):
        return "text"
    return "page"
