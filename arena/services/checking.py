"""Looking at a submitted model's repository before it is queued: what it is, or why it is not taken."""

import logging
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from arena import jobs
from arena.engines.vllm import Launch
from arena.models import HostModel, Submission
from arena.repositories import Facts, OutOfReach, Refused, examine, list_folder, list_hub

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0  # before a hub that was out of reach is asked again
ATTEMPTS = 10  # after which the submission has failed; it can be tried again by hand


def check_received() -> int:
    """Look at what was received and is not checked; returns how many were looked at. Safe to run at once."""
    received = Submission.objects.received(timezone.now()).select_related("host_model")
    for submission in received:
        with jobs.alone(f"check {submission.pk}") as mine:
            if mine:
                _check(submission)
    return len(received)


def _check(submission: Submission) -> None:
    model = submission.host_model
    assert model is not None  # nothing else is received unchecked
    try:
        facts = look_at(model)
    except Refused as refusal:
        log.info("submission %s: %s", submission.pk, refusal.message)
        submission.fail(refusal.code, refusal.message)
    except OutOfReach as error:
        if submission.attempts + 1 >= ATTEMPTS:
            submission.fail("hub_out_of_reach", f"{error} Try again when the network is back.")
        else:
            until = timezone.now() + timedelta(seconds=AGAIN_SECONDS)
            submission.postpone("hub_out_of_reach", str(error), until=until)
    else:
        _accept(submission, model, facts)


def look_at(model: HostModel) -> Facts | None:
    """What the model's repository holds; None for a folder that is not on this host.

    Raises Refused, and OutOfReach.
    """
    if not Launch(model.source).is_local:
        facts = examine(list_hub(model.source, model.revision, endpoint=settings.HF_ENDPOINT))
    else:
        folder = Path(model.source)
        if not folder.is_dir():  # perhaps on the GPU hosts alone, whose vLLM says if it is not there either
            return None
        try:
            facts = examine(list_folder(folder))
        except OSError as error:
            words = f"{model.source} cannot be read ({error.strerror}); check its permissions."
            raise Refused("no_such_model", words) from error
    if facts.context and model.max_model_len and model.max_model_len > facts.context:
        raise Refused(
            "context_too_long",
            f"{model.source} is made for {facts.context:,} tokens, fewer than the {model.max_model_len:,} "
            "asked for; submit it with a shorter context.",
        )
    return facts


@transaction.atomic
def _accept(submission: Submission, model: HostModel, facts: Facts | None) -> None:
    """Pin the model to the commit that was looked at, and queue it."""
    if facts is not None:
        if facts.commit and facts.commit != model.revision:
            model, _ = HostModel.objects.get_or_create(
                source=model.source,
                revision=facts.commit,
                dtype=model.dtype,
                max_model_len=model.max_model_len,
            )
        HostModel.objects.filter(pk=model.pk).update(facts=asdict(facts))
    submission.note_checked(model, timezone.now())
