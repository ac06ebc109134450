"""Benchmarks: the list, one with its prompts, a new one, and the file to fill in."""

import json

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from arena.forms import BenchmarkForm, unread_status
from arena.models import Benchmark
from arena.services.benchmarks import create_benchmark
from arena.services.rendering import prompt_images, prompt_turns
from arena.services.submissions import UploadRefused

PROMPTS_A_PAGE = 25


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    benchmarks = Benchmark.objects.annotate(
        prompt_count=Count("prompts", distinct=True),
        model_count=Count(
            "prompts__answers__competitor",
            filter=Q(prompts__answers__competitor__withdrawn_at=None),
            distinct=True,
        ),
    )
    return render(request, "arena/benchmarks.html", {"benchmarks": benchmarks})


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    benchmark = get_object_or_404(Benchmark, slug=slug)
    categories, tag = benchmark.categories(), request.GET.get("category", "")
    prompts = benchmark.prompts.all() if not tag else benchmark.prompts.none()
    if tag in categories:
        prompts = benchmark.prompts.filter(tags__contains=[tag])
    page = Paginator(prompts, PROMPTS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "benchmark": benchmark,
        "page": page,
        "rows": [
            (prompt, list(zip(prompt_turns(prompt), prompt_images(prompt), strict=True))) for prompt in page
        ],
        "tag": tag,
        "categories": categories,
        "prompt_count": benchmark.prompts.count(),
    }
    return render(request, "arena/benchmark.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied("Only the staff of this arena adds benchmarks.")
    if request.method != "POST":
        return render(request, "arena/benchmark_new.html", {"form": BenchmarkForm()})
    form = BenchmarkForm(request.POST, request.FILES, refused=unread_status(request))
    if not form.is_valid():
        return render(
            request, "arena/benchmark_new.html", {"form": form}, status=unread_status(request) or 422
        )
    file = form.cleaned_data.pop("file")
    try:
        benchmark = create_benchmark(file=file, now=timezone.now(), **form.cleaned_data)
    except UploadRefused as refusal:
        context = {"form": form, "problems": refusal.problems, "filename": file.name}
        return render(request, "arena/benchmark_new.html", context, status=422)
    return redirect("benchmark", benchmark.slug)


@require_safe
def template_file(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """A JSON Lines file with every prompt and an empty answer a turn, ready to be filled in."""
    benchmark = get_object_or_404(Benchmark, slug=slug)
    prompts = benchmark.prompts.values_list("key", "turns", "images").iterator(500)
    response = StreamingHttpResponse(
        (_line(request, *prompt) for prompt in prompts), content_type="application/jsonl; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{benchmark.slug}-template.jsonl"'
    return response


def _line(request: HttpRequest, key: str, turns: list[str], images: list[list[dict[str, str]]]) -> str:
    blank = {"answer": ""} if len(turns) == 1 else {"turns": [""] * len(turns)}
    addresses = [
        [request.build_absolute_uri(reverse("image", args=[each["sha256"]])) for each in turn]
        for turn in images
    ]
    shown = {"images": addresses} if images else {}
    return json.dumps({"id": key, "prompt": turns, **shown, **blank}, ensure_ascii=False) + "\n"
