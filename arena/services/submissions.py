"""Taking in models: recorded answers, or where a model answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction

from arena import jobs
from arena.models import Answer, Benchmark, Competitor, Endpoint, HostModel, Job, Prompt, Submission
from arena.models.jobs import ANSWER
from arena.models.quotas import Spent
from arena.sealing import seal
from arena.services import quotas
from arena.services.competitors import free_slugs
from arena.services.dry_runs import plan_answers
from arena.uploads import CheckedAnswers, Problem, PromptInfo, check_answers

NAMING = 2**40  # the advisory lock under which new models get their names; no other lock has this number


class UploadRefused(Exception):
    """Nothing was stored. ``problems`` say what is wrong and where; ``line`` None means the form itself."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.reason for problem in problems[:3]))
        self.problems = problems

    @classmethod
    def because(cls, reason: str) -> "UploadRefused":
        return cls([Problem(None, reason)])


@dataclass(frozen=True)
class Entry:
    """Who submits what to which benchmark.

    ``sampling`` belongs to the model: other settings, other model, which names its ``parent``. With a
    ``dry_run``, its first answers are shown before the rest is asked.
    """

    user: Any
    benchmark: Benchmark
    name: str
    organisation: str = ""
    sampling: Mapping[str, object] = field(default_factory=dict)
    parent: Competitor | None = None
    dry_run: bool = False


def accept_recorded(entry: Entry, *, file: IO[bytes], now: datetime) -> Submission:
    """Check a (named) file of recorded answers as a whole and store it.

    Raises UploadRefused or QuotaSpent, as all that accepts models does.
    """
    benchmark = entry.benchmark
    _refuse_closed(benchmark)
    prompts = {prompt.key: prompt for prompt in benchmark.prompts.all()}
    known = [PromptInfo(prompt.key, tuple(prompt.turns)) for prompt in prompts.values()]
    checked = check_answers(file, file.name, known, limit_bytes=settings.UPLOAD_LIMIT)
    if checked.problems:
        raise UploadRefused(checked.problems)
    with transaction.atomic():
        submission = _enter(entry, now=now, filename=file.name[:255], checked_at=now, answered_at=now)
        _store_answers(submission, prompts, checked, now)
        return submission


def accept_endpoint(entry: Entry, *, base_url: str, model: str, key: str, now: datetime) -> Submission:
    """Store an OpenAI-compatible endpoint whose model a worker will ask."""
    _refuse_closed(entry.benchmark)
    with transaction.atomic():
        asked = {"dry_run": entry.dry_run, "checked_at": now, **Submission.ready(entry.dry_run, now)}
        submission = _enter(entry, now=now, kind=Submission.Kind.ENDPOINT, **asked)
        Endpoint.objects.create(submission=submission, base_url=base_url, model=model, **_sealed(key))
        plan_answers(submission)
        return submission


def accept_host_model(entry: Entry, *, now: datetime, source: str, **options: Any) -> Submission:
    """Store a model that a worker with vLLM will serve and ask.

    ``options`` are HostModel.SETTINGS; what is not given has its default.
    """
    _refuse_closed(entry.benchmark)
    with transaction.atomic():
        host_model = HostModel.objects.configured(source, **options)
        submission = _enter(
            entry,
            now=now,
            kind=Submission.Kind.HOST,
            state=Submission.State.RECEIVED,
            dry_run=entry.dry_run,
            host_model=host_model,
        )
        plan_answers(submission)
        return submission


def retry_submission(submission: Submission, *, now: datetime, key: str = "", counts: bool = True) -> bool:
    """Go on with a failed or cancelled submission, with another key if one is given.

    Answers that are stored stay. Raises QuotaSpent when it ``counts`` and its sender's quota is used up.
    Returns whether there was something to try again.
    """
    with transaction.atomic():
        if counts:
            quotas.spend(submission.submitter, now, but=submission)
        ended = Submission.objects.filter(pk=submission.pk, state__in=Submission.ENDED)
        again = ended.filter(competitor__withdrawn_at=None).exclude(kind=Submission.Kind.RECORDED)
        if not again.update(**_afresh(submission, now)):
            return False
        if key:
            Endpoint.objects.filter(submission=submission).update(**_sealed(key))
        jobs.retry_failed(ANSWER, submission.pk)
        return True


def _afresh(submission: Submission, now: datetime) -> dict[str, object]:
    """What stands on a submission that goes on where it ended: at its check, its dry run, or its answers."""
    tries = submission.dry_run and submission.queued_at is None
    fresh = {"tried_at": None, "begun_at": None, "ended_at": None} | Submission.ready(tries, now)
    if submission.host_model_id and submission.checked_at is None:
        fresh |= {"state": Submission.State.RECEIVED, "queued_at": None}
    elif submission.queued_at and submission.tried_at:
        fresh["tried_at"] = submission.tried_at
    return fresh


def cancel_submission(submission: Submission) -> bool:
    """Ask its model nothing more, as its sender wishes. Returns whether it was going on."""
    words = "It was cancelled. What was answered is kept: try again to go on where it stopped."
    return submission.cancel("cancelled", words)


def _refuse_closed(benchmark: Benchmark) -> None:
    if not benchmark.is_open:
        raise UploadRefused.because(f"{benchmark} is closed: it takes no new models.")


def _enter(entry: Entry, *, now: datetime, kind: str = Submission.Kind.RECORDED, **fields: Any) -> Submission:
    quotas.spend(entry.user, now, generates=kind != Submission.Kind.RECORDED)
    return Submission.objects.create(
        kind=kind,
        competitor=_competitor(entry),
        benchmark=entry.benchmark,
        submitter=entry.user,
        received_at=now,
        **fields,
    )


def _sealed(key: str) -> dict[str, str]:
    ending = key[-4:] if len(key) >= 12 else ""  # of a short key, four characters would give away too much
    return {"sealed_key": seal(key, settings.SEALING_KEYS), "key_ending": ending}


def _competitor(entry: Entry) -> Competitor:
    """The user's own competitor of that name, or a new one; another's name is refused."""
    user, benchmark, name = entry.user, entry.benchmark, entry.name.strip()
    with connection.cursor() as cursor:  # two people who choose one name, or one address, at the same moment
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMING])
    taken = Competitor.objects.filter(name__iexact=name).first()
    if taken is None:
        [slug] = free_slugs([name])
        return Competitor.objects.create(
            slug=slug,
            name=name,
            organisation=entry.organisation.strip(),
            owner=user,
            sampling=dict(entry.sampling),
            parent=entry.parent,
        )
    if taken.owner_id != user.pk:
        raise UploadRefused.because(f"A model named {taken.name} exists already. Choose another name.")
    if taken.withdrawn_at:
        raise UploadRefused.because(
            f"{taken.name} was withdrawn. Choose another name, or ask the people who run this site to "
            "restore it."
        )
    if entry.parent == taken:
        raise UploadRefused.because(
            f"Other settings make another model than {taken.name}: give it another name."
        )
    _make_room(taken, benchmark)
    if taken.sampling != dict(entry.sampling):
        if taken.submissions.exists() or taken.answers.exists():
            raise UploadRefused.because(
                f"{taken.name} was submitted with other sampling settings. Other settings make another "
                "model: give it a name of its own."
            )
        taken.sampling, taken.parent = dict(entry.sampling), entry.parent or taken.parent
        taken.save(update_fields=["sampling", "parent"])
    return taken


def _make_room(competitor: Competitor, benchmark: Benchmark) -> None:
    """A failed or cancelled entry, which no match has met yet, gives way to the next one under its name."""
    earlier = competitor.submissions.select_for_update().filter(benchmark=benchmark).first()
    if earlier is None:
        return
    if earlier.state not in Submission.ENDED:
        raise UploadRefused.because(f"{competitor.name} is on {benchmark} already. Choose another name.")
    Spent.note(earlier)
    Job.objects.filter(kind=ANSWER, owner=earlier.pk).delete()
    earlier.delete()


def _store_answers(
    submission: Submission, prompts: dict[str, Prompt], checked: CheckedAnswers, now: datetime
) -> None:
    Answer.objects.bulk_create(
        (
            Answer(
                competitor=submission.competitor,
                prompt=prompts[answer.prompt_key],
                submission=submission,
                sample=answer.sample,
                turns=list(answer.turns),
                engine="recorded",
                created_at=now,
            )
            for answer in checked.answers
        ),
        batch_size=1000,
    )
