"""Where the files of a LoRA adapter are on this host."""

from pathlib import Path

from django.conf import settings

from arena.engines.vllm import Launch, ServerFailed
from arena.engines.vllm.folders import ABSENT, try_to_read, why_unreadable
from arena.models import HostModel
from arena.repositories import ADAPTER_FILES, OutOfReach, Refused, fetch_files


def adapter_folder(model: HostModel) -> Path:
    """The folder with the adapter of a model, fetched from the hub if need be: its settings and safetensors.

    Raises ServerFailed: `no_such_adapter`, `not_readable`, `hub_out_of_reach`, and the codes of a refused
    repository.
    """
    if Launch(model.adapter).is_local:
        folder = Path(model.adapter)
        for name in ADAPTER_FILES:
            _try(folder, name)
        return folder
    try:
        return fetch_files(
            model.adapter, model.adapter_revision, ADAPTER_FILES, endpoint=settings.HF_ENDPOINT
        )
    except Refused as refusal:
        raise ServerFailed(refusal.code, refusal.message, final=True) from refusal
    except OutOfReach as error:
        raise ServerFailed("hub_out_of_reach", str(error), final=False) from error


def _try(folder: Path, name: str) -> None:
    """vLLM would take a pickle where there is no such file."""
    try:
        try_to_read(folder / name)
    except ABSENT as error:
        words = f"There is no {name} in {folder} on this host; check the path."
        raise ServerFailed("no_such_adapter", words, final=True) from error
    except OSError as error:
        raise ServerFailed("not_readable", why_unreadable(error), final=True) from error
