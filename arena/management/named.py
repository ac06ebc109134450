"""Finding what a shell command names."""

from django.core.management.base import CommandError

from arena.models import Benchmark


def benchmark_named(slug: str) -> Benchmark:
    """The benchmark of that slug; else CommandError with those that there are."""
    benchmark = Benchmark.objects.filter(slug=slug).first()
    if benchmark is None:
        known = ", ".join(Benchmark.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no benchmark {slug!r}. There are: {known}.")
    return benchmark
