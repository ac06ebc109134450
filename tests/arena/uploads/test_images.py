"""Images in files of prompts: what is taken, how it is stored, and what is refused in which words."""

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from arena.uploads import ImageLimits
from tests.arena.uploads.files import jsonl, prompts
from tests.pictures import picture, uri


def read(*images, turns=1, **options):
    row = {"id": "p1", "turns": ["What is this?"] * turns, "images": list(images)}
    return prompts(jsonl(row), **options)


def one(image):
    checked = read(image)
    assert checked.problems == []
    return checked.prompts[0].images[0][0]


def reason(*images, **options):
    (problem,) = read(*images, **options).problems
    assert problem.line == 1
    return problem.reason


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("PNG", "image/png", "image/png"),
        ("JPEG", "image/jpeg", "image/jpeg"),
        ("WEBP", "image/webp", "image/png"),
        ("GIF", "image/gif", "image/png"),
    ],
)
def test_each_kind_is_taken(kind, given, stored):
    image = one(uri(picture(kind=kind), given))
    assert (image.media_type, image.width, image.height) == (stored, 40, 30)
    red, green, blue = Image.open(io.BytesIO(image.data)).convert("RGB").getpixel((5, 5))
    assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_the_same_picture_is_one_image():
    red, blue = uri(picture("red")), uri(picture("blue"))
    (prompt,) = read([red], [], [blue, red], turns=3).prompts
    first, none, last = prompt.images
    assert (len(first), len(none), len(last)) == (1, 0, 2)
    assert first[0] is last[1]


def test_only_the_first_frame_is_kept():
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("lime", "red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(one(uri(out.getvalue(), "image/gif")).data)) as still:
        assert getattr(still, "n_frames", 1) == 1
        assert still.convert("RGB").getpixel((3, 3)) == (0, 255, 0)


def test_metadata_goes_and_its_orientation_is_carried_out():
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "taken at a secret place"  # orientation: turn right; description
    data = picture(kind="JPEG", exif=exif) + b"hidden behind the end"
    image = one(uri(data, "image/jpeg"))
    assert (image.width, image.height) == (30, 40)
    assert b"secret" not in image.data
    assert b"hidden" not in image.data


def test_transparency_stays():
    image = one(uri(picture((255, 0, 0, 0), mode="RGBA")))
    assert Image.open(io.BytesIO(image.data)).getpixel((0, 0))[3] == 0


def bomb(width, height):
    """A PNG that announces this size and holds almost nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PNG = picture()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (7, "image 1 is a number, not a data: URI"),
        ("cat.png", "image 1 is no data: URI; write it as data:image/png;base64,"),
        ("https://example.org/cat.png", "image 1 is no data: URI"),
        ("data:image/png,abc", "image 1 is no data: URI"),
        (
            uri(SVG, "image/svg+xml"),
            "image 1 says that it is image/svg+xml; save it as PNG, JPEG, WebP or GIF",
        ),
        (uri(SVG), "image 1 says that it is image/png, but its bytes are not"),
        (
            uri(PNG, "image/jpeg"),
            "image 1 says that it is image/jpeg, but its bytes are not; name its real type",
        ),
        ("data:image/png;base64,@@@@", "image 1 is not valid base64"),
        ("data:image/png;base64,ä", "image 1 is not valid base64"),
        (uri(PNG[:60]), "image 1 is damaged or cut off; save it again"),
        (uri(b""), "image 1 says that it is image/png, but its bytes are not"),
        (
            uri(bomb(5000, 5000)),
            "image 1 has 5,000 × 5,000 pixels; the limit is 16,777,216, so make it smaller",
        ),
        (uri(bomb(60000, 60000)), "image 1 has more than 16,777,216 pixels; make it smaller"),
    ],
)
def test_what_is_wrong_with_an_image(image, words):
    assert words in reason(image)


def test_an_image_that_is_too_large():
    limits = ImageLimits(bytes=50, pixels=10_000)
    assert reason(uri(PNG), image_limits=limits) == "image 1 is larger than 50 bytes; make it smaller"


def test_the_file_of_a_small_image_may_not_grow_beyond_the_limit():
    noise = Image.effect_noise((200, 200), 90)
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=5)
    limits = ImageLimits(bytes=len(out.getvalue()) + 100, pixels=100_000)
    assert "as it would be stored; the limit is" in reason(
        uri(out.getvalue(), "image/jpeg"), image_limits=limits
    )


@pytest.mark.parametrize(
    ("images", "turns", "words"),
    [
        ("data:", 1, "images is text, not a list of data: URIs"),
        ([uri(PNG)], 2, "images has 1 entries; wanted 2 lists, one a turn, [] where there is none"),
        ([uri(PNG), []], 2, "images, entry 1: text, not the list of that turn's data: URIs"),
        ([[], [uri(PNG)] * 9], 2, "9 images; the limit is 8 a prompt, so leave some out"),
    ],
)
def test_what_is_wrong_with_the_list(images, turns, words):
    row = {"id": "p1", "turns": ["?"] * turns, "images": images}
    (problem,) = prompts(jsonl(row)).problems
    assert words in problem.reason


def test_a_line_with_images_may_be_long():
    """Over 1 MiB, where a line without images ends."""
    out = io.BytesIO()
    Image.effect_noise((1100, 1100), 90).save(out, "PNG")
    assert len(base64.b64encode(out.getvalue())) > 1024 * 1024
    assert one(uri(out.getvalue())).width == 1100
