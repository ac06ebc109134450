"""An upload for which the disk has no room."""

import resource
from contextlib import contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Submission
from tests.factories import make_benchmark

pytestmark = pytest.mark.django_db
LARGE = 3 * 1024 * 1024  # bytes of a file that is not kept in memory


@contextmanager
def no_file_beyond(size: int):
    """Writing beyond it is an OSError, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("page", ["submit", "benchmark_new"])
def test_the_form_says_so_and_nothing_is_kept(client, olga, page):
    client.force_login(olga)
    benchmark = make_benchmark()
    file = SimpleUploadedFile("answers.jsonl", b"x" * LARGE)
    with no_file_beyond(LARGE // 2):
        answer = client.post(reverse(page), {"benchmark": benchmark.slug, "name": "New", "file": file})
    assert answer.status_code == 507
    assert "no room for the file just now" in answer.content.decode()
    assert not Submission.objects.exists()
