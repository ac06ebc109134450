"""Programs that read pages: what they may ask for, and how they are told from people."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

# Everything else is worth finding. Addresses of single people are none, and a pair is for somebody who votes.
RULES = """\
User-agent: *
Disallow: /?
Disallow: /vote/
Disallow: /submit/
Disallow: /submissions/
Disallow: /accounts/
Disallow: /admin/
Disallow: /snapshots/*/export.zip
"""
# What crawlers and link previews call themselves; Cubot makes telephones.
NAMES = re.compile(r"(?<!cu)bot\b|crawler|spider|slurp|preview|externalhit", re.IGNORECASE)


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    return HttpResponse(RULES, content_type="text/plain; charset=utf-8")


def is_robot(request: HttpRequest) -> bool:
    """Whether a request looks like a program's. A person taken for one says so by ``?person``."""
    return "person" not in request.GET and bool(NAMES.search(request.headers.get("User-Agent", "")))
