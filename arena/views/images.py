"""An image of a prompt, by its hash: as public as the prompt's text."""

import re

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from arena.models import Image


@require_safe
def image(request: HttpRequest, sha256: str) -> HttpResponse:
    """The stored bytes. What an address names can never change, so that it is fetched once."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise Http404
    tag = f'"{sha256}"'
    if request.headers.get("If-None-Match") == tag and Image.objects.filter(pk=sha256).exists():
        response: HttpResponse = HttpResponseNotModified()
    else:
        found = get_object_or_404(Image, pk=sha256)
        response = HttpResponse(bytes(found.data), content_type=found.media_type)
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
