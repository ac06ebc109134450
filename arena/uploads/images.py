"""Images of prompts: data: URIs read, checked, and written anew as a still picture and nothing else."""

import base64
import binascii
import hashlib
import io
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image, ImageOps

from arena.uploads.fields import Bad
from arena.uploads.rows import kind_of

MOST_IMAGES = 8  # of one prompt
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
WRITTEN = {"image/jpeg": "image/jpeg"}  # what has lost something already; all else loses nothing as PNG
HEAD = re.compile(r"data:([^,;]{0,80})(;base64)?,", re.IGNORECASE)


class ImageLimits(NamedTuple):
    """Most bytes and most pixels of one image."""

    bytes: int
    pixels: int


@dataclass(frozen=True)
class CheckedImage:
    """A picture as it will be stored: its bytes, their SHA-256, and its size in pixels."""

    sha256: str
    media_type: str
    width: int
    height: int
    data: bytes = field(repr=False)


def read_images(value: object, turns: int, limits: ImageLimits) -> tuple[tuple[CheckedImage, ...], ...]:
    """The images of each turn; empty where there is none at all. Raises Bad.

    `value` is a list of data: URIs where there is one turn, else a list with such a list (or null) a turn.
    """
    if value is None or value == []:
        return ()
    if not isinstance(value, list):
        raise Bad(f"images is {kind_of(value)}, not a list of data: URIs")
    if turns == 1 and not isinstance(value[0], list):
        value = [value]
    if len(value) != turns:
        raise Bad(
            f"images has {len(value):,} entries; wanted {turns} lists, one a turn, [] where there is none"
        )
    places = [_listed(entry, number) for number, entry in enumerate(value, start=1)]
    count = sum(map(len, places))
    if count > MOST_IMAGES:
        raise Bad(f"{count:,} images; the limit is {MOST_IMAGES} a prompt, so leave some out")
    numbers = iter(range(1, count + 1))
    read = tuple(tuple(_read(uri, f"image {next(numbers)}", limits) for uri in place) for place in places)
    return read if count else ()


def _listed(entry: object, number: int) -> list[object]:
    if entry is None:
        return []
    if not isinstance(entry, list):
        raise Bad(f"images, entry {number}: {kind_of(entry)}, not the list of that turn's data: URIs")
    return entry


def _read(uri: object, name: str, limits: ImageLimits) -> CheckedImage:
    if not isinstance(uri, str):
        raise Bad(f"{name} is {kind_of(uri)}, not a data: URI")
    head = HEAD.match(uri)
    if not head or not head[2]:
        raise Bad(f"{name} is no data: URI; write it as data:image/png;base64,… with the file's own bytes")
    kind = head[1].lower()
    if kind not in FORMATS:
        raise Bad(f"{name} says that it is {kind or 'nothing'}; save it as PNG, JPEG, WebP or GIF")
    if (len(uri) - head.end()) * 3 // 4 > limits.bytes + 2:
        raise Bad(f"{name} is larger than {limits.bytes:,} bytes; make it smaller")
    try:
        data = base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Bad(f"{name} is not valid base64; encode the file again, without line ends") from None
    return _written_anew(_opened(data, kind, name, limits), kind, name, limits)


def _opened(data: bytes, kind: str, name: str, limits: ImageLimits) -> Image.Image:
    """The picture, decoded once its size is known to be within the limits."""
    try:
        picture = Image.open(io.BytesIO(data), formats=[FORMATS[kind]])
    except Image.DecompressionBombError:
        raise Bad(f"{name} has more than {limits.pixels:,} pixels; make it smaller") from None
    except Exception:
        raise Bad(f"{name} says that it is {kind}, but its bytes are not; name its real type") from None
    if picture.width * picture.height > limits.pixels:
        size = f"{picture.width:,} × {picture.height:,}"
        raise Bad(f"{name} has {size} pixels; the limit is {limits.pixels:,}, so make it smaller")
    try:
        picture.load()
    except Exception:
        raise Bad(f"{name} is damaged or cut off; save it again") from None
    return picture


def _written_anew(picture: Image.Image, kind: str, name: str, limits: ImageLimits) -> CheckedImage:
    """The first frame, upright, its pixels alone: no metadata, no profile, nothing behind the end."""
    opaque = not picture.has_transparency_data
    upright = ImageOps.exif_transpose(picture)
    mode = "RGBA" if not opaque else "L" if picture.mode in ("1", "L", "I;16") else "RGB"
    still = upright if upright.mode == mode else upright.convert(mode)
    still.info = {}
    media_type = WRITTEN.get(kind, "image/png")
    out = io.BytesIO()
    if media_type == "image/jpeg":
        still.save(out, "JPEG", quality=95, subsampling=0)
    else:
        still.save(out, "PNG")
    data = out.getvalue()
    if len(data) > limits.bytes:
        raise Bad(f"{name} takes {len(data):,} bytes as it would be stored; the limit is {limits.bytes:,}")
    return CheckedImage(hashlib.sha256(data).hexdigest(), media_type, still.width, still.height, data)
