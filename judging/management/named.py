"""Finding the judge that a shell command names."""

from django.core.management.base import CommandError

from judging.models import Judge


def judge_named(name: str) -> Judge:
    """The judge of that name; else CommandError with those that there are."""
    judge = Judge.objects.named(name)
    if judge is None:
        known = ", ".join(map(str, Judge.objects.all())) or "none yet"
        raise CommandError(f"There is no judge {name!r}. There are: {known}.")
    return judge
