"""Taking in benchmarks."""

from datetime import datetime
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from arena.models import Benchmark, Prompt
from arena.services.images import store_images
from arena.services.submissions import UploadRefused
from arena.uploads import ImageLimits, NewPrompt, check_prompts


def create_benchmark(
    *, name: str, description: str, file: IO[bytes], is_open: bool, now: datetime
) -> Benchmark:
    """Check a (named) file of prompts as a whole and store it as a benchmark, or raise UploadRefused."""
    slug = slugify(name)[:80]
    if not slug:
        raise UploadRefused.because("The name needs a letter from a to z or a digit, for its address.")
    if slug == "new":  # the address of the form itself
        raise UploadRefused.because("The name new is kept for the site itself. Choose another one.")
    limits = ImageLimits(settings.IMAGE_LIMIT, settings.IMAGE_PIXELS)
    checked = check_prompts(file, file.name, limit_bytes=settings.UPLOAD_LIMIT, image_limits=limits)
    if checked.problems:
        raise UploadRefused(checked.problems)
    with transaction.atomic():
        benchmark, created = Benchmark.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name.strip(),
                "description": description,
                "is_open": is_open,
                "created_at": now,
            },
        )
        if not created:
            raise UploadRefused.because(f"A benchmark {slug} exists already. Choose another name.")
        images = {each.sha256: each for row in checked.prompts for turn in row.images for each in turn}
        if images:
            store_images(images.values(), now)
        Prompt.objects.bulk_create(
            (
                Prompt(
                    benchmark=benchmark,
                    key=prompt.key,
                    turns=list(prompt.turns),
                    reference=list(prompt.reference) if prompt.reference else None,
                    images=_places(prompt),
                    tags=list(prompt.tags),
                )
                for prompt in checked.prompts
            ),
            batch_size=1000,
        )
        return benchmark


def _places(prompt: NewPrompt) -> list[list[dict[str, object]]]:
    """What ``Prompt.images`` holds."""
    return [
        [{"sha256": each.sha256, "width": each.width, "height": each.height} for each in turn]
        for turn in prompt.images
    ]
