"""Prompts with images: stored once, served, shown at their turn, and put to the models that answer."""

import json
from hashlib import sha256

import pytest
from django.contrib import admin
from django.utils import timezone

from arena.admin.benchmarks import BenchmarkAdmin
from arena.models import Answer, Benchmark, Image, Prompt
from arena.services import answering
from arena.services.submissions import UploadRefused
from tests.factories import make_answers, make_endpoint, make_matches
from tests.pictures import benchmark_with_images, picture, uri
from tests.servers import running_server

pytestmark = pytest.mark.django_db
RED, BLUE = uri(picture("red")), uri(picture("blue", size=(1440, 900)))


@pytest.fixture
def benchmark():
    """One turn with a picture, and two turns with the same one and another."""
    rows = [
        {"id": "one", "prompt": "Which colour?", "images": [RED]},
        {"id": "two", "turns": ["And this?", "And these?"], "images": [[], [BLUE, RED]]},
        {"id": "none", "prompt": "No image."},
    ]
    return benchmark_with_images(*rows, now=timezone.now())


def test_an_image_is_stored_once(benchmark):
    one, two, none = benchmark.prompts.all()
    assert Image.objects.count() == 2
    assert (one.image_count, two.image_count, none.image_count) == (1, 2, 0)
    assert one.images[0][0] == two.images[1][1]
    stored = Image.objects.get(pk=one.images[0][0]["sha256"])
    assert sha256(stored.data).hexdigest() == stored.pk
    benchmark_with_images({"id": "a", "prompt": "?", "images": [RED]}, name="Other", now=timezone.now())
    assert Image.objects.count() == 2


def test_nothing_is_stored_when_one_image_is_wrong():
    rows = [{"id": "a", "prompt": "?", "images": [RED]}, {"id": "b", "prompt": "?", "images": ["b.png"]}]
    with pytest.raises(UploadRefused) as refused:
        benchmark_with_images(*rows, now=timezone.now())
    assert [problem.line for problem in refused.value.problems] == [2]
    assert (Image.objects.count(), Benchmark.objects.count()) == (0, 0)


def test_an_image_is_served_for_good(client, benchmark):
    stored = Image.objects.get(width=40)
    response = client.get(f"/images/{stored.pk}")
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert response.content == bytes(stored.data)
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies
    again = client.get(f"/images/{stored.pk}", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["0" * 64, "x", "0" * 63 + "G", "%00" * 64])
def test_an_unknown_image_is_not_found(client, name):
    assert client.get(f"/images/{name}").status_code == 404


def test_pages_show_images_at_their_turn(client, benchmark):
    make_answers(benchmark, "short", "rather longer")
    match = make_matches(benchmark)[1]  # of the prompt with two turns
    page = client.get(f"/matches/{match.pk}/").content.decode()
    first, second = page.split('<section class="turn"')[1:3]
    assert "<img" not in first
    # 1440 x 900 fits into 720 x 360 as 576 x 360; the small one keeps its size.
    assert 'width="576" height="360" alt="Image 1 of the question" loading="lazy"' in second
    assert 'width="40" height="30" alt="Image 2 of the question" loading="lazy"' in second
    page = client.get("/benchmarks/pictures/").content.decode()
    assert page.count("<img") == 3
    assert "2 images" in page
    Prompt.objects.exclude(key="two").delete()
    page = client.get("/").content.decode()
    assert page.index("And these?") < page.index("Image 1 of the question") < page.index("Image 2 of the")


def test_the_file_to_fill_in_names_the_images(client, benchmark):
    rows = client.get("/benchmarks/pictures/template.jsonl").getvalue().decode().splitlines()
    one, two, none = map(json.loads, rows)
    sha = Image.objects.get(width=40).pk
    assert one["images"] == [[f"http://testserver/images/{sha}"]]
    assert (len(two["images"][1]), "images" in none) == (2, False)


def test_a_model_is_asked_with_the_images_of_each_turn(benchmark, settings):
    settings.ENDPOINT_ALLOW = "127.0.0.1"
    with running_server(lambda prompt: f"{prompt.count('[image/png ')} seen") as server:
        submission = make_endpoint(benchmark, server.base_url)
        answering.answer_by_endpoint(submission, worker="tests")
    said = {row.prompt.key: row.turns for row in Answer.objects.filter(submission=submission)}
    assert said == {"one": ["1 seen"], "two": ["0 seen", "2 seen"], "none": ["0 seen"]}
    plain = [body["messages"][0]["content"] for body in server.bodies if len(body["messages"]) == 1]
    assert "No image." in plain  # texts alone stay texts


def test_an_image_that_no_prompt_shows_goes_with_its_benchmark(rf, benchmark):
    kept = benchmark_with_images(
        {"id": "a", "prompt": "?", "images": [RED]}, name="Other", now=timezone.now()
    )
    site = BenchmarkAdmin(Benchmark, admin.site)
    site.delete_queryset(rf.post("/"), Benchmark.objects.filter(pk=benchmark.pk))
    assert [row.width for row in Image.objects.all()] == [40]
    site.delete_model(rf.post("/"), kept)
    assert not Image.objects.exists()


def test_an_answered_prompt_keeps_its_images(benchmark):
    make_answers(benchmark, "text")
    prompt = benchmark.prompts.first()
    prompt.images = []
    with pytest.raises(ValueError, match="can no longer change"):
        prompt.save()
