"""Images of prompts: stored once, and handed to engines while a request needs them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from django.db import connection

from arena.engines import Attachment, Request
from arena.models import Image
from arena.uploads import CheckedImage

# Requests about one image share its bytes, which go when the last of them does.
_in_use: WeakValueDictionary[str, Attachment] = WeakValueDictionary()


def store_images(images: Iterable[CheckedImage], now: datetime) -> None:
    """Keep those that are not kept yet. Within a transaction, until whose end none is dropped."""
    _lock()
    fields = ("sha256", "media_type", "width", "height", "data")
    rows = [Image(created_at=now, **{name: getattr(image, name) for name in fields}) for image in images]
    Image.objects.bulk_create(rows, ignore_conflicts=True, batch_size=16)


def drop_unused_images() -> int:
    """Remove what no prompt shows any more; returns how many. Within a transaction."""
    _lock()
    return Image.objects.unused().delete()[0]


def attach(request: Request) -> Request:
    """The same request with the bytes of the images that its messages name.

    One that is not stored any more is left out, and then the engine refuses this request alone.
    """
    wanted = dict.fromkeys(sha256 for message in request.messages for sha256 in message.images)
    if not wanted:
        return request
    found: dict[str, Attachment] = {name: kept for name in wanted if (kept := _in_use.get(name))}
    missing = [name for name in wanted if name not in found]
    rows: Any = Image.objects.filter(pk__in=missing).values_list("sha256", "media_type", "data")
    for sha256, media_type, data in rows if missing else ():
        found[sha256] = _in_use[sha256] = Attachment(media_type, bytes(data))
    return replace(request, images=found)


def _lock() -> None:
    """An image is not dropped between its being found stored and the prompt that will show it."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE arena_image IN SHARE ROW EXCLUSIVE MODE")
