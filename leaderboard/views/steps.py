"""The steps of a submission up to its answers: received, checked, dry run, queued, generating."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from arena.models import Submission
from arena.models.submissions import AnsweringProgress, answering_progress
from leaderboard.models import JudgingProgress
from leaderboard.views import waiting
from leaderboard.views.formats import counted

State = Submission.State


@dataclass(frozen=True)
class Step:
    """``state`` is done, now, failed, cancelled or "" (still to come); ``progress`` is for the live bar.

    ``notes`` are further sentences, ``trouble`` says why it waits or what failed, ``log`` holds an engine's
    last lines.
    """

    title: str
    state: str
    words: str = ""
    at: datetime | None = None
    progress: JudgingProgress | AnsweringProgress | None = None
    trouble: str = ""
    log: str = ""
    notes: tuple[str, ...] = ()


def received(submission: Submission) -> Step:
    words = submission.filename
    if submission.kind == Submission.Kind.ENDPOINT:
        endpoint = submission.endpoint
        key = f", key ending in {endpoint.key_ending}" if endpoint.key_ending else ""
        words = f"{endpoint.model} at {endpoint.base_url}{key}"
    elif submission.host_model:
        words = str(submission.host_model)
    return Step("Received", "done", words, submission.received_at)


def up_to_answers(submission: Submission, now: datetime) -> list[Step]:
    """What comes before pairing: of a file its check alone; of a model what a worker does."""
    if submission.kind == Submission.Kind.RECORDED:
        number = submission.answers.count()
        words = f"{counted(number, 'answer')}, every line in order"
        return [Step("Checked", "done", words, submission.checked_at or submission.received_at)]
    progress = answering_progress(submission, now=now)
    tries = [_dry_run(submission, progress, now)] if submission.dry_run else []
    return [
        _checked(submission, now),
        *tries,
        _queued(submission, progress, now),
        _generating(submission, progress, now),
    ]


def ending_step(submission: Submission) -> str:
    """The title of the step at which a submission failed or was cancelled; "" while it did not."""
    if submission.state not in Submission.ENDED:
        return ""
    if submission.kind == Submission.Kind.RECORDED:
        return "Pairing"
    if submission.checked_at is None:
        return "Checked"
    if submission.queued_at is None:
        return "Dry run"
    return "Generating" if submission.begun_at else "Queued"


def ended(submission: Submission, title: str, words: str = "") -> Step:
    return Step(title, submission.state, words, submission.ended_at, trouble=submission.message)


def _checked(submission: Submission, now: datetime) -> Step:
    if ending_step(submission) == "Checked":
        return ended(submission, "Checked")
    if submission.state == State.RECEIVED:
        words = "" if submission.message else "Looking at what its repository holds"
        return Step("Checked", "now", words, trouble=waiting.again(submission, now))
    if not submission.host_model:
        return Step("Checked", "done", "The address may be asked", submission.checked_at)
    return Step("Checked", "done", _facts(submission.host_model.facts), submission.checked_at)


def _facts(facts: dict[str, Any]) -> str:
    rank = facts.get("adapter", {}).get("rank")
    adapter = f"a LoRA of rank {rank}" if rank else ""
    if "architecture" not in facts:
        folder = "Its folder is looked at by the worker that loads it"
        return f"{folder}; {adapter}" if adapter else folder
    context = f"{facts['context']:,} tokens of context" if facts["context"] else ""
    commit = f"commit {facts['commit'][:8]}" if facts["commit"] else ""
    weights = f"{filesizeformat(facts['weights'])} of weights"
    licence = f"licence {facts['licence']}" if facts["licence"] else ""
    kept = facts["quantization"] or facts["dtype"]
    needs = f"about {filesizeformat(facts['memory_mib'] * 2**20)} of memory" if "memory_mib" in facts else ""
    words = (facts["architecture"], weights, kept, context, needs, adapter, licence, commit)
    return ", ".join(filter(None, words))


def _dry_run(submission: Submission, progress: AnsweringProgress, now: datetime) -> Step:
    """The first prompts: asked, then shown until somebody says a word or the time is over."""
    if submission.queued_at:
        words = "Its answers were seen, and the rest was let go on" if submission.tried_at else ""
        return Step("Dry run", "done", words, submission.tried_at or submission.queued_at)
    if ending_step(submission) == "Dry run":
        return ended(submission, "Dry run", _kept(progress))
    if submission.state != State.DRY_RUN:
        return Step("Dry run", "")
    words = f"{progress.done} of {counted(progress.total, 'prompt')} answered"
    if submission.tried_at:
        end = submission.tried_at + timedelta(seconds=settings.DRY_RUN_SECONDS)
        note = f"It goes on by itself at {waiting.clock(end, now)} unless you cancel it"
        return Step("Dry run", "now", words, submission.checked_at, progress, notes=(note,))
    return _at_work(submission, Step("Dry run", "now", words, submission.checked_at, progress), progress, now)


def _queued(submission: Submission, progress: AnsweringProgress, now: datetime) -> Step:
    if ending_step(submission) == "Queued":
        return ended(submission, "Queued", _kept(progress))
    if submission.queued_at is None or submission.state == State.RECEIVED:
        return Step("Queued", "")
    if submission.state != State.ANSWERING or submission.begun_at:
        return Step("Queued", "done", "", submission.queued_at)
    words = f"{progress.done} of {counted(progress.total, 'prompt')} answered" if progress.done else ""
    step = Step("Queued", "now", words, submission.queued_at)
    return _at_work(submission, step, progress, now)


def _generating(submission: Submission, progress: AnsweringProgress, now: datetime) -> Step:
    """The model at work: how far it is and how fast, what its engine is doing, or why it waits or failed."""
    if ending_step(submission) == "Generating":
        return ended(submission, "Generating", _kept(progress))
    if submission.state in (State.ANSWERED, State.PAIRED):
        return Step("Generating", "done", counted(progress.total, "answer"), submission.answered_at)
    if submission.state != State.ANSWERING or submission.begun_at is None:
        return Step("Generating", "")
    words = waiting.answering_pace(submission, progress, now)
    step = Step("Generating", "now", words, submission.begun_at, progress)
    return _at_work(submission, step, progress, now)


def _at_work(submission: Submission, step: Step, progress: AnsweringProgress, now: datetime) -> Step:
    """The step with who works on it; while nobody does, with what it waits for."""
    notes, log = waiting.workers(submission, now)
    recent = progress.recent if step.title != "Queued" else 0  # until it begins, that was its dry run
    idle = not progress.running and not recent
    trouble = waiting.again(submission, now)
    if idle and (words := waiting.paused(submission, now)):
        return Step(step.title, step.state, step.words, step.at, step.progress, trouble, notes=(words,))
    if submission.host_model and not recent:
        words, loading = waiting.host(submission, now)
        notes, log = [*notes, words], log or loading
    elif idle and not submission.message:
        notes.append("Waiting for a worker")
    if idle and submission.next_attempt_at is None:
        notes += waiting.queue(submission, progress.total - progress.ended, now)
    return Step(step.title, step.state, step.words, step.at, step.progress, trouble, log, tuple(notes))


def _kept(progress: AnsweringProgress) -> str:
    if not progress.done:
        return ""
    return f"{progress.done:,} of {counted(progress.total, 'prompt')} answered; those answers are kept"
