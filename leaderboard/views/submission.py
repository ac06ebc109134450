"""/submissions/<id>/: one entry's way from received to rated; the page asks for its own progress."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import linebreaks
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from arena.models import Answer, Job, Prompt, Submission
from arena.models.jobs import ANSWER
from leaderboard.models import JudgingProgress, Standing, judging_progress, rated_standings
from leaderboard.views.cached import NotHere, not_here
from leaderboard.views.formats import counted, span
from leaderboard.views.steps import State, Step, ending_step, received, up_to_answers
from leaderboard.views.steps import ended as ended_step
from leaderboard.views.waiting import judging_pace

# What the sender may do next, or what comes, at each step.
NEXT = {
    "Checked": "Nothing is needed from you. A refusal comes with its reason.",
    "Queued": "Nothing is needed from you. You may leave this page, or cancel.",
    "Generating": "Nothing is needed from you. You may leave this page, or cancel.",
    "Pairing": "Nothing is needed from you.",
    "Judging": "Nothing is needed from you. You may vote on this benchmark meanwhile.",
}


@dataclass(frozen=True)
class Stage:
    """Where a submission is, in one word, since when, and the next step."""

    name: str
    look: str
    next: str
    since: datetime | None


@dataclass(frozen=True)
class Tried:
    """One prompt of a dry run: each turn with its answer's HTML (None while there is none), or an error."""

    prompt: Prompt
    turns: list[tuple[str, str | None]]
    answer: Answer | None
    error: str


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
    part = request.GET.get("part") == "steps"
    if part and request.GET.get("seen") == _seen(submission) != "":
        return HttpResponse(status=204)  # somebody reads: nothing is put in its place
    context = context_of(submission, now=timezone.now())
    may_withdraw = request.user.is_staff or submission.competitor.owner_id == request.user.pk
    context["may_withdraw"] = may_withdraw and not submission.competitor.withdrawn_at
    context["may_go_on"] = context["may_go_on"] or (context["in_dry_run"] and request.user.is_staff)
    page = "submission_steps" if part else "submission"
    return render(request, f"leaderboard/{page}.html", context)


def _seen(submission: Submission) -> str:
    """What the page has shown while only a word, or time, can change something; else ""."""
    if submission.state != State.DRY_RUN or submission.tried_at is None:
        return ""
    rendered = submission.answers.filter(html_version__gt=0).count()
    return f"{submission.tried_at.timestamp():.0f}-{rendered}"


def _visible(request: HttpRequest, pk: int) -> Submission | None:
    found = Submission.objects.select_related("competitor", "benchmark", "submitter").filter(pk=pk).first()
    if found and (request.user.is_staff or (found.submitter and found.submitter == request.user)):
        return found
    return None


def context_of(submission: Submission, *, now: datetime) -> dict[str, Any]:
    ended = submission.state in Submission.ENDED
    progress = judging_progress(submission, now=now) if submission.paired_at and not ended else None
    places = list(rated_standings(submission)) if progress and progress.is_complete else []
    recorded = submission.kind == Submission.Kind.RECORDED
    steps = [
        received(submission),
        *up_to_answers(submission, now),
        _pairing(submission, progress),
        _judging(submission, progress, now),
        _rated(submission, places, progress),
    ]
    trials = _trials(submission)
    return {
        "submission": submission,
        "competitor": submission.competitor,
        "benchmark": submission.benchmark,
        "steps": steps,
        "stage": _stage(submission, steps),
        "trials": trials,
        "seen": _seen(submission),
        "places": places,
        "is_over": ended or steps[-1].state == "done" or _is_stuck(progress),
        "is_rated": steps[-1].state == "done" and not submission.competitor.withdrawn_at,
        "ended": ended,
        "in_dry_run": submission.state == State.DRY_RUN,
        "may_go_on": submission.state == State.DRY_RUN and any(trial.answer for trial in trials),
        "may_cancel": submission.state in Submission.MOVING,
        "may_retry": ended and not recorded and not submission.competitor.withdrawn_at,
        "asks_for_key": ended and submission.kind == Submission.Kind.ENDPOINT,
        "board_url": _board_url(places) or submission.benchmark.get_absolute_url(),
        # Judging moves by itself; what waits for people need not ask so often.
        "every": "10s" if progress and progress.is_complete and not progress.total else "2s",
    }


def _stage(submission: Submission, steps: list[Step]) -> Stage:
    if submission.state in Submission.ENDED:
        look, words = ("wrong", "Failed") if submission.state == State.FAILED else ("wait", "Cancelled")
        return Stage(words, look, _after_the_end(submission), submission.ended_at)
    now = next((step for step in steps if step.state == "now"), None)
    if submission.competitor.withdrawn_at:
        words = "What was recorded of it stands on the model’s page."
        return Stage("Withdrawn", "wait", words, submission.competitor.withdrawn_at)
    if now is None and steps[-1].state == "done":
        return Stage("Rated", "good", "Follow it on the board.", steps[-1].at)
    if now is None:
        waits = "It goes on once another model has answered the same prompts."
        return Stage("Pairing", "", waits, submission.paired_at)
    since = now.at or submission.paired_at
    if now.title == "Rated":  # not yet: votes, or a fit, are waited for
        return Stage("Judging", "", "It is rated once its matches are counted.", since)
    if now.title == "Dry run":
        told = "Read its first answers below, then let it go on, or cancel it."
        waits = "Its first answers come below. Then you say whether it goes on."
        return Stage(now.title, "", told if submission.tried_at else waits, since)
    return Stage(now.title, "", NEXT.get(now.title, ""), since)


def _after_the_end(submission: Submission) -> str:
    if submission.competitor.withdrawn_at:
        return "Its model is withdrawn. The people who run this site can restore it."
    if submission.kind == Submission.Kind.RECORDED:
        return "Submit it again."
    if submission.state == State.CANCELLED:
        return "Try again to go on where it stopped, or submit it anew."
    return "Mend what the cause names, then try again, or submit it anew."


def _trials(submission: Submission) -> list[Tried]:
    """The prompts of a dry run that nobody has let go on yet, with what came of them."""
    if not submission.dry_run or submission.queued_at or submission.checked_at is None:
        return []
    jobs = {job.subject: job for job in Job.objects.filter(kind=ANSWER, owner=submission.pk)}
    answers = {answer.prompt_id: answer for answer in submission.answers.all()}
    if submission.state in Submission.ENDED and not answers:
        return []
    prompts = Prompt.objects.filter(pk__in=jobs).order_by("pk")
    return [_tried(prompt, answers.get(prompt.pk), jobs[prompt.pk].error) for prompt in prompts]


def _tried(prompt: Prompt, answer: Answer | None, error: str) -> Tried:
    html: list[str | None] = list(answer.html or []) if answer and answer.html_version else []
    if answer and not html:
        html = [linebreaks(turn, autoescape=True) for turn in answer.turns or []]
    html += [None] * (len(prompt.turns) - len(html))
    return Tried(prompt, list(zip(prompt.turns, html, strict=False)), answer, "" if answer else error)


def _pairing(submission: Submission, progress: JudgingProgress | None) -> Step:
    if ending_step(submission) == "Pairing":
        return ended_step(submission, "Pairing")
    if submission.state in (*Submission.ENDED, *Submission.MOVING):
        return Step("Pairing", "")
    if progress is None:
        words = "Choosing which answers of other models to meet"
        return Step("Pairing", "now", words, submission.answered_at)
    if not progress.matches:
        words = "No other model has answered these prompts yet"
        if submission.competitor.withdrawn_at:
            words = "Its matches are kept, but out of play"
        return Step("Pairing", "done", words, submission.paired_at)
    return Step("Pairing", "done", counted(progress.matches, "match", "matches"), submission.paired_at)


def _judging(submission: Submission, progress: JudgingProgress | None, now: datetime) -> Step:
    if progress is None or not progress.matches:
        return Step("Judging", "")
    if not progress.total:
        return Step("Judging", "done", "No judge is active; people’s votes alone will rate it")
    if not progress.is_complete:
        since = submission.paired_at or submission.received_at
        return Step("Judging", "now", judging_pace(progress, since, now), submission.paired_at, progress)
    judges = counted(progress.total // progress.matches, "judge")
    words = f"{counted(progress.matches, 'match', 'matches')}, each by {judges}"
    if progress.failed:
        words += f"; {progress.failed:,} of {progress.total:,} failed: {progress.error}"
    return Step("Judging", "done", words, progress.last)


def _rated(submission: Submission, places: list[Standing], progress: JudgingProgress | None) -> Step:
    ranked = [row for row in places if row.rating is not None]
    if ranked:
        boards = "; ".join(f"{row.board.judge or 'people'}: {_rank(row)}" for row in ranked)
        # Boards are fitted anew all the time; the first that rated it came within seconds of its last ruling.
        at = progress.last if progress and progress.last else min(row.board.fitted_at for row in ranked)
        return Step("Rated", "done", boards, at)
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


def _rank(row: Standing) -> str:
    """Its range of ranks, which a new model gets with its interval."""
    if row.rank_lower is None:
        return f"rated {row.rating:,.0f}, its rank follows within minutes"
    return f"rank {span(row.rank_lower, row.rank_upper)}"


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
