"""The interpreter with vLLM, and tiny models for it."""

import os
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from arena.services.hosting import Host
from tests import tiny_models

# On a CPU, vLLM 0.32 dies of a request with a seed whose prompt is read in parts.
QUICK = {"enforce_eager": True, "dtype": "float32", "enable_chunked_prefill": False}


def work_until(is_done: Callable[[], bool], seconds: float = 300.0) -> None:
    """Call it until it says so."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def python():
    named = os.environ.get("VLLM_PYTHON", "")
    if not named:
        pytest.skip("VLLM_PYTHON names no interpreter with vLLM")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield named


@pytest.fixture(scope="session")
def models(python, tmp_path_factory):
    """Three that answer differently, with room for a judge's prompt."""
    folder = tmp_path_factory.mktemp("models")
    return [tiny_models.make_model(python, folder / f"tiny-{n}", seed=n, positions=16384) for n in (1, 2, 3)]


@pytest.fixture
def host(python, settings, tmp_path):
    """A worker's vLLM, which loads what it is given."""
    settings.VLLM_PYTHON, settings.VLLM_OPTIONS = python, QUICK
    host = Host("gpu@here", tmp_path / "servers")
    yield host
    host.close(timezone.now())
