"""What a submission waits for, in words: its place in the queue, its worker, its pace, and until when."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.dateformat import format as format_date

from arena.models import HostWorker, Queue, Submission
from arena.models.progress import (
    Ahead,
    Held,
    Measured,
    ahead_of,
    held_by,
    measured_pace,
    pace_of,
    sent_back,
    workers_of_models,
)
from arena.models.submissions import AnsweringProgress
from leaderboard.models import JudgingProgress
from leaderboard.views.formats import counted
from leaderboard.views.queue_rows import model_name

NO_WORKER = "waiting for a worker"
ORDINALS = {1: "First", 2: "Second", 3: "Third"}


def about(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"


def clock(time: datetime, now: datetime) -> str:
    """ "14:05 UTC", with the day unless it is today."""
    return format_date(time, "H:i" if time.date() == now.date() else "j M, H:i") + " UTC"


def due(seconds: float, now: datetime) -> str:
    """ "in about 7 s (14:05 UTC)"."""
    return f"in {about(seconds)} ({clock(now + timedelta(seconds=seconds), now)})"


def again(submission: Submission, now: datetime) -> str:
    """Why it waits, and until when."""
    if not submission.message:
        return ""
    at = submission.next_attempt_at
    seconds = max((at - now).total_seconds(), 0) if at else 0
    return f"{submission.message} It is asked again in {about(seconds)}."


def speed(rate: float, what: str = "") -> str:
    """ "4 a second", "6 a minute"."""
    number, unit = (rate, "second") if rate >= 2 else (rate * 60, "minute")
    return f"{number:,.0f} {what + ' ' if what else ''}a {unit}"


def judging_pace(progress: JudgingProgress, begun: datetime, now: datetime) -> str:
    """ "3 of 8, 3 a minute, done in about 2 min"."""
    words = f"{progress.ended:,} of {progress.total:,}"
    rate = progress.recent / min(max((now - begun).total_seconds(), 1.0), 60.0)
    if not rate:
        return words if progress.ended else f"{words}, {NO_WORKER}"
    return f"{words}, {speed(rate)}, done in {about((progress.total - progress.ended) / rate)}"


def answering_pace(submission: Submission, progress: AnsweringProgress, now: datetime) -> str:
    """How far, how fast in answers and tokens, and when it will be done by the pace of the last minute."""
    words = f"{progress.ended:,} of {progress.total:,} prompts"
    pace = pace_of(submission, now=now)
    if pace is None:
        return words
    tokens = f", {speed(pace.tokens, 'tokens')}" if pace.tokens else ""
    left = progress.total - progress.ended
    end = f", done {due(left / pace.answers, now)} by the pace of the last minute" if left else ""
    return f"{words}, {speed(pace.answers, 'answers')}{tokens}{end}"


def workers(submission: Submission, now: datetime) -> tuple[list[str], str]:
    """Who is at its prompts and when it was heard of, what was sent back to the queue, and a log's end."""
    notes, log = [], ""
    held = held_by(submission)
    names = [each.worker for each in held]
    rows = HostWorker.objects.select_related("host_model").filter(name__in=names)
    known = {row.name: row for row in rows}
    for each in held:
        row = known.get(each.worker)
        notes.append(_at_work(each, row, now))
        if row and _serves(row, submission):
            log = log or row.log
    lost = sent_back(submission)
    if lost:
        what, were, their = ("prompt", "was", "its") if lost == 1 else ("prompts", "were", "their")
        notes.append(f"{lost:,} {what} {were} sent back to the queue because {their} worker went silent")
    return notes, log


def _serves(worker: HostWorker, submission: Submission) -> bool:
    """Whether it has loaded the submission's model, or the one below its adapter."""
    loaded, wanted = worker.host_model, submission.host_model
    return bool(loaded and wanted and loaded.base == wanted.base)


def _at_work(held: Held, row: HostWorker | None, now: datetime) -> str:
    prompts = counted(held.prompts, "prompt")
    if held.until < now:
        silent = about((now - held.until).total_seconds() + settings.LEASE_SECONDS).removeprefix("about ")
        return f"{held.worker} has been silent for {silent}, so its {prompts} go back to the queue"
    beat = held.until - timedelta(seconds=settings.LEASE_SECONDS)
    left = (held.until - now).total_seconds()
    if left < settings.LEASE_SECONDS / 2:  # it is moved on every third: what held them has died or is stopped
        seconds = round((now - beat).total_seconds())
        return (
            f"{held.worker} was at {prompts}, of which nothing was heard for {seconds} s; "
            f"in {about(left)} they go back to the queue"
        )
    if row:
        beat = max(beat, row.seen_at)
    ago = max((now - beat).total_seconds(), 0)
    return f"{held.worker} is at {prompts}; it was heard of {round(ago)} s ago"


def paused(submission: Submission, now: datetime) -> str:
    """What keeps every worker from taking its prompts until staff say otherwise; "" if nothing does."""
    whole = Queue.read()
    if whole.paused_at:
        note = f" ({whole.note})" if whole.note else ""
        return f"The queue is paused{note}. It goes on by itself when staff let it"
    if submission.host_model:
        present = workers_of_models(now)
    else:
        present = list(HostWorker.objects.present(now).filter(queues__contains=["io"]))
    if present and all(worker.control for worker in present):
        return "Every worker for it is paused. It goes on by itself when staff let one work"
    return ""


def queue(submission: Submission, left: int, now: datetime) -> list[str]:
    """Its place, what is ahead, and when it starts and ends, with where the estimate comes from."""
    ahead = ahead_of(submission, now=now)
    pace = measured_pace(submission.kind, now=now)
    if submission.kind == Submission.Kind.ENDPOINT:
        return [_turns(ahead), _end_of_endpoint(left, pace, now)]
    return [_place(ahead), _times(ahead, left, pace, now)]


def _place(ahead: Ahead) -> str:
    number = ahead.submissions + 1
    place = ORDINALS.get(number, f"Number {number:,}")
    if not ahead.submissions:
        return "First in the queue"
    return f"{place} in the queue, behind {_listed(ahead)} with {counted(ahead.prompts, 'prompt')}"


def _turns(ahead: Ahead) -> str:
    if not ahead.submissions:
        return "No endpoint is asked before it"
    return f"{_listed(ahead)} {'is' if ahead.submissions == 1 else 'are'} asked as well, in turns"


def _listed(ahead: Ahead) -> str:
    others = ahead.submissions - len(ahead.names)
    names = [*ahead.names, *([f"{others:,} more"] if others > 0 else [])]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _end_of_endpoint(left: int, pace: Measured | None, now: datetime) -> str:
    if pace is None:
        return "No estimate yet: no endpoint has been answered here lately"
    return (
        f"Once it begins, {counted(left, 'prompt')} take {about(left / pace.prompts)} by the pace of "
        f"{_models(pace, 'endpoint')}"
    )


def _times(ahead: Ahead, left: int, pace: Measured | None, now: datetime) -> str:
    hosts = sum(not worker.control for worker in workers_of_models(now))
    if not hosts:
        return "No estimate until one does"
    if pace is None:
        return "No estimate yet: no model has been answered on a GPU host here lately"
    start = ahead.prompts / pace.prompts / hosts
    begin = f"It begins {due(start, now)} and" if ahead.prompts else "It"
    end = due(start + left / pace.prompts, now)
    running = "1 host" if hosts == 1 else f"{hosts} hosts"
    return (
        f"{begin} ends {end}, by the pace of {_models(pace, 'model')} on {running}; "
        "the time to load models comes on top"
    )


def _models(pace: Measured, word: str) -> str:
    last = f"the last {word}" if pace.models == 1 else f"the last {pace.models} {word}s"
    return f"{last} here ({speed(pace.prompts, 'prompts')})"


def host(submission: Submission, now: datetime) -> tuple[str, str]:
    """What the GPU hosts are doing for a model that is not answering yet, and the last lines of the log."""
    present = workers_of_models(now)
    mine = next((worker for worker in present if _serves(worker, submission)), None)
    if mine and mine.state == HostWorker.State.LOADING:
        seconds = (now - mine.since).total_seconds()
        return f"{mine.name} has been loading the model for {about(seconds)}", mine.log
    if mine:
        return f"{mine.name} has loaded the model and asks it", mine.log
    if not present:
        return "No GPU host is running. It goes on by itself when one starts", ""
    busy = next((worker for worker in present if worker.host_model), None)
    if busy and busy.host_model:
        return f"{busy.name} is busy with {model_name(busy.host_model)}", ""
    return "A GPU host will load the model in a moment", ""
