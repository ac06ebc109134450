"""/judges/: every judge between a guess and people's own agreement, and one judge in full."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from arena import jobs
from arena.models import Benchmark, HostWorker
from judging.models import KIND, Difference, Judge, differences
from judging.services.effort import count_failed
from leaderboard import charts
from leaderboard.models import Board, JudgeReport, boards_stamp, trouble_of
from leaderboard.page_cache import Rendered
from leaderboard.views.cached import HTML, NotHere, serve
from leaderboard.views.figures import Figures, Rule, figures_of, people_agree, read_report
from leaderboard.views.formats import counted, percent
from leaderboard.views.judge_parts import parts_of

DIFFERENCES = 20
SHOWN = 6  # of them before "show more"
GUESS = 1 / 3  # agreement of a guess among first, second and tie with any votes

TROUBLES = {
    "unreachable": "its server does not answer",
    "connection_lost": "its server ended the connection in the middle of an answer",
    "engine_died": "its server died in the middle of an answer",
    "timeout": "its server does not answer in time",
    "rate_limited": "its server takes no more requests for now",
    "server_error": "its server reports an error of its own",
    "unauthorized": "its server refuses the key",
    "not_found": "its server does not know the model",
    "misconfigured": "its settings do not work",
    "budget_spent": "its budget is spent",
}


@dataclass(frozen=True)
class Dot:
    """A judge on the dot plot; places in per cent of the width."""

    figures: Figures
    mark: charts.Interval


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    slug = request.GET.get("benchmark", "")[:80]
    return serve(
        request,
        ("judges", slug),
        stamp=lambda: boards_stamp(""),
        make=lambda: _page(request, "leaderboard/judges.html", _index(slug)),
    )


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponseBase:
    benchmark = request.GET.get("benchmark", "")[:80]
    return serve(
        request,
        ("judge", slug, benchmark),
        stamp=lambda: boards_stamp(""),
        make=lambda: _page(request, "leaderboard/judge.html", _detail(slug, benchmark)),
    )


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> Rendered:
    return Rendered(render_to_string(template, context, request).encode(), HTML)


def _index(slug: str) -> dict[str, Any]:
    """The judges that ruled on one benchmark, and those that have not ruled at all yet."""
    reported = list(Benchmark.objects.filter(judge_reports__isnull=False).distinct())
    waiting = list(Judge.objects.filter(reports=None))
    if not reported:
        _refuse(slug)
        return {"benchmark": None, "waiting": waiting}
    benchmark = next((each for each in reported if each.slug == slug), None)
    if benchmark is None:
        _refuse(slug)
        benchmark = reported[0]
    rows = figures_of(benchmark)
    people = people_agree(rows)
    shown = {"benchmark": benchmark, "benchmarks": reported, "rows": rows, "people": people}
    return shown | {"waiting": waiting} | dot_plot(rows, people)


def _refuse(slug: str) -> None:
    if slug:
        raise NotHere(
            "No judge’s report",
            f"No judge has been measured on a benchmark “{slug}”.",
            reverse("judges"),
            "See all judges",
        )


def dot_plot(rows: list[Figures], people: Rule | None) -> dict[str, Any]:
    """Agreement of each judge on one scale, with the floor (a guess) and people's agreement as lines."""
    measured = [row for row in rows if row.each_vote.agreement is not None]
    if not measured:
        return {"dots": []}
    drawn = next((row for row in measured if _is_random(row.judge)), None)
    floor = drawn.each_vote.agreement if drawn else GUESS
    ceiling = people.human_agreement if people else None
    ends = [end for row in measured for end in row.each_vote.interval or ()]
    known = [value for value in (*ends, floor, ceiling) if value is not None]
    scale = charts.Scale(max(0.0, min(known) - 0.03), min(1.0, max(known) + 0.03), pad=1)
    dots = []
    for row in measured:
        low, high = row.each_vote.interval or (None, None)
        dots.append(Dot(row, charts.interval(scale, row.each_vote.agreement or 0.0, low, high)))
    return {
        "dots": dots,
        "floor": charts.Tick(scale.x(floor or 0.0), percent(floor)),
        "floor_is_drawn": drawn is not None,
        "ceiling": None if ceiling is None else charts.Tick(scale.x(ceiling), percent(ceiling)),
        "ticks": charts.ticks(scale, about=4, percent=True),
    }


def _is_random(judge: Judge) -> bool:
    return judge.engine == Judge.Engine.BASELINE and judge.model == "random"


def _detail(slug: str, benchmark_slug: str) -> dict[str, Any]:
    judge = get_object_or_404(Judge, slug=slug)
    reports = [read_report(report, judge, report.benchmark) for report in JudgeReport.objects.of_judge(judge)]
    boards = Board.objects.overall().filter(judge=judge, matches__gt=0).select_related("benchmark")
    context: dict[str, Any] = {
        "judge": judge,
        "demo": judge.is_demo,
        "trouble": _trouble(judge),
        "reports": reports,
        "boards": {board.benchmark_id: board for board in boards},
        "versions": Judge.objects.filter(name=judge.name).exclude(pk=judge.pk),
        "members": _members(judge, None),
        "sampling": sorted(judge.sampling.items()) if isinstance(judge.sampling, dict) else [],
    }
    shown = _choose(reports, benchmark_slug)
    if shown is None:
        return context
    return context | {
        "figures": shown,
        "agreement": [
            (shown.each_vote, "Each vote", "Each scored ruling against each vote; a tie is a third answer."),
            (shown.first_setup, "Inconsistent as tie", "MT-bench’s setup S1, without its authors’ votes."),
            (shown.second_setup, "Decided only", "MT-bench’s setup S2: no tie, nothing inconsistent."),
        ],
        "benchmark": shown.benchmark,
        "members": _members(judge, shown),
        "unity": _unity(shown),
        "board": context["boards"].get(shown.benchmark.pk),
        **parts_of(shown, count_failed(judge, shown.benchmark)),
        **_differences(judge, shown.benchmark),
    }


def _members(judge: Judge, shown: Figures | None) -> list[dict[str, Any]]:
    """A panel's members, and how far each agrees with the panel."""
    rows = []
    for each in judge.seated:
        n, agreed = shown.shared.get(each.pk, (0, 0)) if shown else (0, 0)
        paused = not each.is_active and each.engine != Judge.Engine.RECORDED
        rows.append(
            {"judge": each, "paused": paused, "share": percent(agreed / n if n else None), "count": f"{n:,}"}
        )
    return rows


def _unity(shown: Figures) -> dict[str, str] | None:
    """How often a panel's members were of one mind, in words."""
    kept = shown.kept.get("panel")
    if not kept or not kept["rulings"]:
        return None
    counts = {name: f"{kept[name]:,}" for name in ("rulings", "split", "abstained", "unscored")}
    return counts | {"share": percent(kept["unanimous"] / kept["rulings"])}


def _trouble(judge: Judge) -> str:
    """A sentence for everybody; what exactly the server said stands in the admin's list of jobs."""
    trouble = trouble_of(judge)
    if trouble is None:
        return _no_host(judge)
    if trouble.code == "unfit_protocol":
        return f"{trouble.matches:,} matches are not judged: its protocol is for other kinds of questions."
    reason = TROUBLES.get(trouble.code, f"the last attempt ended with “{trouble.code}”")
    return f"{trouble.matches:,} matches wait: {reason}."


def _no_host(judge: Judge) -> str:
    waits = judge.is_active and judge.engine == Judge.Engine.VLLM and jobs.has_claimable(KIND, judge.pk)
    if not waits or HostWorker.objects.seen(timezone.now()).exists():
        return ""
    return "Matches wait: its model is served by a GPU host, and none is running."


def _choose(reports: list[Figures], slug: str) -> Figures | None:
    """The named benchmark's report; else the one with most comparisons with people."""
    if slug:
        for report in reports:
            if report.benchmark.slug == slug:
                return report
        _refuse(slug)
    return max(reports, key=lambda report: report.each_vote.n, default=None)


def _differences(judge: Judge, benchmark: Benchmark) -> dict[str, Any]:
    """The clearest matches to read, and those behind "show more"."""
    rows = [_difference(row) for row in differences(judge, benchmark, limit=DIFFERENCES)]
    # One line more costs less room than a fold for it.
    cut = SHOWN if len(rows) > SHOWN + 1 else len(rows)
    return {"differences": rows[:cut], "more_differences": rows[cut:]}


def _difference(row: Difference) -> dict[str, Any]:
    """Both opinions by letter, as on the match's page."""
    counts = (("a", row.model_a), ("tie", row.tie), ("b", row.model_b))
    said = sorted((count for count in counts if count[1]), key=lambda count: -count[1])
    return {
        "match": row.match,
        "turn": row.turn,
        "side": {"model_a": "a", "model_b": "b"}.get(row.winner, "tie"),
        "people": [
            (f"{number:,} for {side.upper()}" if side != "tie" else counted(number, "tie"), side)
            for side, number in said
        ],
        "question": " ".join(str(turn) for turn in row.match.prompt.turns)[:140],
    }
