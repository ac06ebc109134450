"""Answer a request from the page cache: no SQL for visitors without a session."""

import time
from collections.abc import Callable, Hashable

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers

from arena.views.errors import MISSING, answer, kind_wanted
from leaderboard.page_cache import PageCache, Rendered

CACHE = PageCache(limit=256)
HTML = "text/html; charset=utf-8"


class NotHere(Http404):
    """A page that does not exist, with what to say and where to go instead."""

    def __init__(self, title: str, sentence: str, href: str, link: str) -> None:
        super().__init__(sentence)
        self.context = {"heading": title, "sentence": sentence, "href": href, "link": link}


def not_here(request: HttpRequest, problem: NotHere) -> HttpResponse:
    if kind_wanted(request) != "page":
        return answer(request, MISSING._replace(heading=problem.context["heading"], sentence=str(problem)))
    return render(request, "leaderboard/not_here.html", problem.context, status=404)


def serve(
    request: HttpRequest, key: Hashable, *, stamp: Callable[[], object], make: Callable[[], Rendered]
) -> HttpResponseBase:
    """The page from the cache; made anew for somebody who is known, whose name stands in the header."""
    try:
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "messages" in request.COOKIES:
            response = _respond(make(), make_header="private, no-cache")
            patch_vary_headers(response, ["Cookie", "Accept-Encoding"])
            return response
        page = CACHE.get(key, stamp=stamp, render=make, now=time.monotonic(), down=(DatabaseTrouble,))
    except NotHere as problem:
        return not_here(request, problem)
    response = _respond(page.rendered, make_header="no-cache")
    response["ETag"] = page.etag
    patch_vary_headers(response, ["Cookie", "Accept-Encoding"])
    body, encoding = page.encoded(request.headers.get("Accept-Encoding", ""))
    if encoding:
        response.content = body
        response["Content-Encoding"] = encoding
    return get_conditional_response(request, etag=page.etag, response=response) or response


def fragment(key: Hashable, *, stamp: Callable[[], object], make: Callable[[], Rendered]) -> str:
    """A piece of a page, the same for everybody, from the cache."""
    page = CACHE.get(key, stamp=stamp, render=make, now=time.monotonic(), down=(DatabaseTrouble,))
    return page.rendered.body.decode()


def _respond(rendered: Rendered, *, make_header: str) -> HttpResponse:
    response = HttpResponse(rendered.body, content_type=rendered.content_type)
    response["Cache-Control"] = make_header
    for name, value in rendered.headers:
        response[name] = value
    return response
