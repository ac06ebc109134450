"""/submissions/<id>/: one entry's way from received to rated; the page asks for its own progress."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from arena.models import HostWorker, Submission
from arena.models.submissions import AnsweringProgress, answering_progress
from leaderboard.models import JudgingProgress, Standing, judging_progress, rated_standings
from leaderboard.views.cached import NotHere, not_here
from leaderboard.views.formats import counted, span

NO_WORKER = "waiting for a worker"


@dataclass(frozen=True)
class Step:
    """``state`` is done, now, failed or "" (still to come); ``progress`` is given for the live bar.

    ``trouble`` says why it waits or what failed, ``log`` holds an engine's last lines.
    """

    title: str
    state: str
    words: str = ""
    at: datetime | None = None
    progress: JudgingProgress | AnsweringProgress | None = None
    trouble: str = ""
    log: str = ""


@require_safe
@never_cache
def status(request: HttpRequest, pk: int) -> HttpResponseBase:
    submission = _visible(request, pk)
    if submission is None:
        known = request.user.is_authenticated
        link = reverse("submit" if known else "account_login")
        sentence = "A submission is shown to the person who sent it and to staff."
        words = "Submit a model" if known else "Sign in"
        return not_here(request, NotHere("No such submission", sentence, link, words))
    page = "submission_steps" if request.GET.get("part") == "steps" else "submission"
    return render(request, f"leaderboard/{page}.html", context_of(submission, now=timezone.now()))


def _visible(request: HttpRequest, pk: int) -> Submission | None:
    found = Submission.objects.select_related("competitor", "benchmark", "submitter").filter(pk=pk).first()
    if found and (request.user.is_staff or (found.submitter and found.submitter == request.user)):
        return found
    return None


def context_of(submission: Submission, *, now: datetime) -> dict[str, Any]:
    failed = submission.state == Submission.State.FAILED
    progress = judging_progress(submission, now=now) if submission.paired_at and not failed else None
    places = list(rated_standings(submission)) if progress and progress.is_complete else []
    recorded = submission.kind == Submission.Kind.RECORDED
    steps = [
        _received(submission),
        *_ahead(submission, now),
        _pairing(submission, progress),
        _judging(submission, progress, now),
        _rated(submission, places, progress),
    ]
    return {
        "submission": submission,
        "competitor": submission.competitor,
        "benchmark": submission.benchmark,
        "steps": steps,
        "places": places,
        "is_over": failed or steps[-1].state == "done" or _is_stuck(progress),
        "is_rated": steps[-1].state == "done",
        "failed": failed,
        "may_stop": submission.state in Submission.MOVING,
        "may_retry": failed and not recorded,
        "asks_for_key": failed and submission.kind == Submission.Kind.ENDPOINT,
        "board_url": _board_url(places) or submission.benchmark.get_absolute_url(),
        # Judging moves by itself; what waits for people need not ask so often.
        "every": "10s" if progress and progress.is_complete and not progress.total else "2s",
    }


def _received(submission: Submission) -> Step:
    words = submission.filename
    if submission.kind == Submission.Kind.ENDPOINT:
        endpoint = submission.endpoint
        key = f", key ending in {endpoint.key_ending}" if endpoint.key_ending else ""
        words = f"{endpoint.model} at {endpoint.base_url}{key}"
    elif submission.host_model:
        words = str(submission.host_model)
    return Step("Received", "done", words, submission.received_at)


def _ahead(submission: Submission, now: datetime) -> list[Step]:
    """What comes before pairing: a check of the file; or of the repository, and the answers."""
    if submission.kind == Submission.Kind.RECORDED:
        return [_checked(submission)]
    looked = [_looked_at(submission, now)] if submission.host_model else []
    return [*looked, _answering(submission, now)]


def _looked_at(submission: Submission, now: datetime) -> Step:
    if submission.state == Submission.State.RECEIVED:
        words = "" if submission.message else "Looking at what its repository holds"
        return Step("Checking", "now", words, trouble=_waiting(submission, now))
    if submission.checked_at is None and submission.state == Submission.State.FAILED:
        return Step("Checking", "failed", trouble=submission.message)
    facts = submission.host_model.facts if submission.host_model else {}
    return Step("Checked", "done", _facts(facts), submission.checked_at)


def _facts(facts: dict[str, Any]) -> str:
    if not facts:
        return "Its folder is looked at by the worker that loads it"
    context = f"{facts['context']:,} tokens of context" if facts["context"] else ""
    commit = f"commit {facts['commit'][:8]}" if facts["commit"] else ""
    weights = f"{filesizeformat(facts['weights'])} of weights"
    parts = [facts["architecture"], weights, facts["quantization"] or facts["dtype"], context]
    return ", ".join(filter(None, [*parts, facts["licence"] and f"licence {facts['licence']}", commit]))


def _checked(submission: Submission) -> Step:
    number = submission.answers.count()
    words = f"{counted(number, 'answer')}, every line in order"
    return Step("Checked", "done", words, submission.received_at)


def _answering(submission: Submission, now: datetime) -> Step:
    """The model at work: how far it is and how fast, what its engine is doing, or why it waits or failed."""
    progress = answering_progress(submission, now=now)
    unchecked = submission.host_model and submission.checked_at is None
    if submission.state == Submission.State.RECEIVED or (unchecked and submission.message):
        return Step("Answering", "")
    if submission.state == Submission.State.FAILED:
        words = f"{progress.done:,} of {counted(progress.total, 'prompt')} answered; those answers are kept"
        return Step("Answering", "failed", words if progress.done else "", trouble=submission.message)
    if submission.state != Submission.State.ANSWERING:
        words = counted(progress.total, "answer")
        return Step("Answered", "done", words, submission.answered_at)
    idle = "waiting for its first answer" if progress.running else NO_WORKER
    idle = "" if submission.message else idle  # the trouble says more
    words, log = _pace(progress, submission.received_at, now, idle), ""
    if submission.host_model and not progress.recent:
        words, log = _host(submission, progress, now)
    return Step("Answering", "now", words, None, progress, _waiting(submission, now), log)


def _waiting(submission: Submission, now: datetime) -> str:
    if not submission.message:
        return ""
    again = submission.next_attempt_at
    seconds = max((again - now).total_seconds(), 0) if again else 0
    return f"{submission.message} It is asked again in {_about(seconds)}."


def _host(submission: Submission, progress: AnsweringProgress, now: datetime) -> tuple[str, str]:
    """What the GPU hosts are doing for a model that is not answering yet, and the last lines of the log."""
    workers = list(HostWorker.objects.seen(now).select_related("host_model").order_by("-seen_at"))
    mine = next((worker for worker in workers if worker.host_model == submission.host_model), None)
    if mine and mine.state == HostWorker.State.LOADING:
        seconds = (now - mine.since).total_seconds()
        return f"{mine.name} has been loading the model for {_about(seconds)}", mine.log
    if mine:
        return f"{mine.name} has loaded the model and asks it", ""
    if not workers:
        return "No GPU host is running. It goes on by itself when one starts", ""
    busy = next((worker for worker in workers if worker.host_model), None)
    if busy:
        return f"{busy.name} is busy with {busy.host_model}; this model is loaded next", ""
    return "A GPU host will load the model in a moment", ""


def _pairing(submission: Submission, progress: JudgingProgress | None) -> Step:
    if submission.state == Submission.State.FAILED and submission.kind == Submission.Kind.RECORDED:
        return Step("Pairing", "failed", trouble=submission.message)
    if submission.state in (Submission.State.FAILED, *Submission.MOVING):
        return Step("Pairing", "")
    if progress is None:
        return Step("Pairing", "now", "Choosing which answers of other models to meet")
    if not progress.matches:
        words = "No other model has answered these prompts yet"
        if submission.competitor.withdrawn_at:
            words = "Its matches are kept, but out of play"
        return Step("Pairing", "done", words, submission.paired_at)
    return Step("Paired", "done", counted(progress.matches, "match", "matches"), submission.paired_at)


def _judging(submission: Submission, progress: JudgingProgress | None, now: datetime) -> Step:
    if progress is None or not progress.matches:
        return Step("Judging", "")
    if not progress.total:
        return Step("Judging", "done", "No judge is active; people’s votes alone will rate it")
    if not progress.is_complete:
        since = submission.paired_at or submission.received_at
        return Step("Judging", "now", _pace(progress, since, now), progress=progress)
    judges = counted(progress.total // progress.matches, "judge")
    words = f"{counted(progress.matches, 'match', 'matches')}, each by {judges}"
    if progress.failed:
        words += f"; {progress.failed:,} of {progress.total:,} failed: {progress.error}"
    return Step("Judged", "done", words)


def _pace(
    progress: JudgingProgress | AnsweringProgress, begun: datetime, now: datetime, idle: str = NO_WORKER
) -> str:
    """ "12 of 40, 4 a second, done in about 7 s". ``idle`` says what it waits for before the first."""
    words = f"{progress.ended:,} of {progress.total:,}"
    rate = progress.recent / min(max((now - begun).total_seconds(), 1.0), 60.0)
    if not rate:
        return f"{words}, {idle}" if idle and not progress.ended else words
    pace = f"{rate:.0f} a second" if rate >= 2 else f"{rate * 60:.0f} a minute"
    return f"{words}, {pace}, done in {_about((progress.total - progress.ended) / rate)}"


def _about(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"


def _rated(submission: Submission, places: list[Standing], progress: JudgingProgress | None) -> Step:
    ranked = [row for row in places if row.rating is not None]
    if ranked:
        boards = "; ".join(
            f"{row.board.judge or 'people'}: rank {span(row.rank_lower, row.rank_upper)}" for row in ranked
        )
        return Step("Rated", "done", boards, min(row.board.fitted_at for row in ranked))
    if progress is None or not progress.is_complete:
        return Step("Rated", "")
    if _is_stuck(progress):
        withdrawn = submission.competitor.withdrawn_at
        words = "" if withdrawn else "It will be rated once another model answers, or people vote"
        return Step("Rated", "", words)
    if not progress.total:
        return Step("Rated", "now", "Waiting for people’s votes")
    reason = next((row.reason for row in places if row.reason), "")
    return Step("Rated", "now", reason or "Fitting the boards")


def _board_url(places: list[Standing]) -> str:
    """The first board that rates it: people's, if they do."""
    for row in places:
        if row.rating is not None:
            source = f"&source={row.board.judge.slug}" if row.board.judge else ""
            return f"{row.board.benchmark.get_absolute_url()}{source}"
    return ""


def _is_stuck(progress: JudgingProgress | None) -> bool:
    """Whether nothing will move by itself: no match to judge."""
    return progress is not None and not progress.matches
