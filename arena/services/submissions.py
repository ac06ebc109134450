"""Taking in what people upload: recorded answers, and benchmarks."""

from datetime import datetime
from typing import IO

from django.conf import settings
from django.db import connection, transaction
from django.utils.text import slugify

from arena.models import Answer, Benchmark, Competitor, Prompt, Submission
from arena.services.competitors import free_slugs
from arena.uploads import CheckedAnswers, Problem, PromptInfo, check_answers, check_prompts

NAMING = 2**40  # the advisory lock under which new models get their names; no other lock has this number


class UploadRefused(Exception):
    """Nothing was stored. ``problems`` say what is wrong and where; ``line`` None means the form itself."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.reason for problem in problems[:3]))
        self.problems = problems


def accept_submission(
    *, user, benchmark: Benchmark, name: str, organisation: str, file: IO[bytes], now: datetime
) -> Submission:
    """Check a (named) file of recorded answers as a whole and store it, or raise UploadRefused."""
    if not benchmark.is_open:
        raise UploadRefused([Problem(None, f"{benchmark} is closed: it takes no new models.")])
    prompts = {prompt.key: prompt for prompt in benchmark.prompts.all()}
    known = [PromptInfo(prompt.key, tuple(prompt.turns)) for prompt in prompts.values()]
    checked = check_answers(file, file.name, known, limit_bytes=settings.UPLOAD_LIMIT)
    if checked.problems:
        raise UploadRefused(checked.problems)
    with transaction.atomic():
        competitor = _competitor(user, benchmark, name.strip(), organisation.strip())
        submission = Submission.objects.create(
            competitor=competitor,
            benchmark=benchmark,
            submitter=user,
            filename=file.name[:255],
            received_at=now,
        )
        _store_answers(submission, prompts, checked)
        return submission


def _competitor(user, benchmark: Benchmark, name: str, organisation: str) -> Competitor:
    """The user's own competitor of that name, or a new one; another's name is refused."""
    with connection.cursor() as cursor:  # two people who choose one name, or one address, at the same moment
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMING])
    taken = Competitor.objects.filter(name__iexact=name).first()
    if taken is None:
        [slug] = free_slugs([name])
        return Competitor.objects.create(slug=slug, name=name, organisation=organisation, owner=user)
    if taken.owner_id != user.pk:
        raise UploadRefused(
            [Problem(None, f"A model named {taken.name} exists already. Choose another name.")]
        )
    if taken.submissions.filter(benchmark=benchmark).exists():
        reason = (
            f"{taken.name} has its answers on {benchmark} already. Other answers need another model name."
        )
        raise UploadRefused([Problem(None, reason)])
    return taken


def _store_answers(submission: Submission, prompts: dict[str, Prompt], checked: CheckedAnswers) -> None:
    Answer.objects.bulk_create(
        (
            Answer(
                competitor=submission.competitor,
                prompt=prompts[answer.prompt_key],
                submission=submission,
                sample=answer.sample,
                turns=list(answer.turns),
                engine="recorded",
            )
            for answer in checked.answers
        ),
        batch_size=1000,
    )


def create_benchmark(
    *, name: str, description: str, file: IO[bytes], is_open: bool, now: datetime
) -> Benchmark:
    """Check a (named) file of prompts as a whole and store it as a benchmark, or raise UploadRefused."""
    slug = slugify(name)[:80]
    if not slug:
        raise UploadRefused(
            [Problem(None, "The name needs a letter from a to z or a digit, for its address.")]
        )
    if slug == "new":  # the address of the form itself
        raise UploadRefused([Problem(None, "The name new is kept for the site itself. Choose another one.")])
    checked = check_prompts(file, file.name, limit_bytes=settings.UPLOAD_LIMIT)
    if checked.problems:
        raise UploadRefused(checked.problems)
    with transaction.atomic():
        benchmark, created = Benchmark.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name.strip(),
                "description": description,
                "is_open": is_open,
                "created_at": now,
            },
        )
        if not created:
            raise UploadRefused([Problem(None, f"A benchmark {slug} exists already. Choose another name.")])
        Prompt.objects.bulk_create(
            (
                Prompt(
                    benchmark=benchmark,
                    key=prompt.key,
                    turns=list(prompt.turns),
                    reference=list(prompt.reference) if prompt.reference else None,
                    tags=list(prompt.tags),
                )
                for prompt in checked.prompts
            ),
            batch_size=1000,
        )
        return benchmark
