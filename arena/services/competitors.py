"""Making competitors with free slugs."""

from collections.abc import Iterable

from django.utils.text import slugify

from arena.models import Competitor


def free_slugs(names: Iterable[str]) -> list[str]:
    """A slug for each name that no competitor has: the name's own, or with -2, -3 ... after it."""
    wanted = [slugify(name)[:100] or "model" for name in names]
    taken = set(Competitor.objects.values_list("slug", flat=True))
    slugs = []
    for slug in wanted:
        free, number = slug, 2
        while free in taken:
            free, number = f"{slug}-{number}", number + 1
        taken.add(free)
        slugs.append(free)
    return slugs
