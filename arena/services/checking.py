"""Looking at a submitted model's repository before it is queued: what it is, or why it is not taken."""

import logging
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from arena import turns
from arena.engines.vllm import Launch
from arena.engines.vllm.folders import why_unreadable
from arena.models import AllowedCode, HostModel, HostWorker, Submission
from arena.models.queue import database_now
from arena.repositories import (
    AdapterFacts,
    Facts,
    Listing,
    OutOfReach,
    Refused,
    examine,
    examine_adapter,
    list_folder,
    list_hub,
    memory_needed,
)

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0  # before a hub that was out of reach is asked again
ATTEMPTS = 10  # after which the submission has failed; it can be tried again by hand


def check_received() -> int:
    """Look at what was received and is not checked; returns how many were looked at. Safe to run at once."""
    received = Submission.objects.received(timezone.now()).select_related("host_model")
    for submission in received:
        with turns.alone(f"check {submission.pk}") as mine:
            if mine:
                _check(submission)
    return len(received)


def _check(submission: Submission) -> None:
    model = submission.host_model
    assert model is not None  # nothing else is received unchecked
    try:
        looked = look_at(model)
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
        _accept(submission, model, looked)


class Looked(NamedTuple):
    """What the repositories of a model and its adapter hold; None for a folder that is not on this host."""

    model: Facts | None
    adapter: AdapterFacts | None


def look_at(model: HostModel) -> Looked:
    """What the model's repository holds, and its adapter's. Raises Refused, and OutOfReach."""
    try:
        return _look_at(model)
    except OSError as error:  # of a folder; those of the hub have words of their own
        raise Refused("not_readable", why_unreadable(error)) from error


def _look_at(model: HostModel) -> Looked:
    facts = None
    if base := _list(model.source, model.revision):
        allowed = AllowedCode.objects.filter(source=model.source, revision=base.commit)
        trusts_code = bool(base.commit) and allowed.exists()
        facts = examine(base, trusts_code=trusts_code)
        _refuse_longer(model, facts)
        if not trusts_code:  # which brings an architecture of its own
            _refuse_unknown(model, facts)
    adapter = None
    if model.adapter and (listing := _list(model.adapter, model.adapter_revision)):
        adapter = examine_adapter(listing, model.source, base)
    return Looked(facts, adapter)


def _list(source: str, revision: str) -> Listing | None:
    if not Launch(source).is_local:
        return list_hub(source, revision, endpoint=settings.HF_ENDPOINT)
    try:
        return list_folder(Path(source))
    except (FileNotFoundError, NotADirectoryError):
        return None  # perhaps on the GPU hosts alone, whose worker says if it is not there either


def _refuse_longer(model: HostModel, facts: Facts) -> None:
    if facts.context and model.max_model_len and model.max_model_len > facts.context:
        raise Refused(
            "context_too_long",
            f"{model.source} is made for {facts.context:,} tokens, fewer than the {model.max_model_len:,} "
            "asked for; submit it with a shorter context.",
        )


def _refuse_unknown(model: HostModel, facts: Facts) -> None:
    """Where no host is there, or one may know the architecture, it is vLLM that says so."""
    if strangers := HostWorker.objects.strangers_to(facts.architecture, database_now()):
        raise Refused(
            "unsupported_model",
            f"{model.source} has the architecture {facts.architecture}, which the GPU hosts here do not know "
            f"({', '.join(filter(None, strangers))}); a newer vLLM may. Check the name in its config.json.",
        )


@transaction.atomic
def _accept(submission: Submission, model: HostModel, looked: Looked) -> None:
    """Pin the model to the commits that were looked at, and queue it."""
    pinned = {name: getattr(model, name) for name in HostModel.SETTINGS}
    if looked.model and looked.model.commit:
        pinned["revision"] = looked.model.commit
    if looked.adapter and looked.adapter.commit:
        pinned["adapter_revision"] = looked.adapter.commit
    model = HostModel.objects.configured(**pinned)
    if found := _facts(model, looked):
        HostModel.objects.filter(pk=model.pk).update(facts=model.facts | found)
    submission.note_checked(model, timezone.now())


def _facts(model: HostModel, looked: Looked) -> dict[str, object]:
    found: dict[str, object] = {}
    if looked.model:
        found = asdict(looked.model)
        found["memory_mib"] = memory_needed(
            looked.model.weights,
            looked.model.dtype,
            model.dtype,
            model.quantization,
            model.tensor_parallel_size,
        )
    if looked.adapter:
        found["adapter"] = asdict(looked.adapter)
    return found
