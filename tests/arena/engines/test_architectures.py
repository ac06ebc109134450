"""Which architectures an interpreter's vLLM may know, read from files like those of its packages."""

import shutil
from pathlib import Path

import pytest

from arena.engines.vllm.architectures import known_architectures
from tests.arena.engines.stand_in_vllm import make_python

REGISTRY = """
raise SystemExit("nobody may run this")
_MODELS = {"LlamaForCausalLM": ("llama", "LlamaForCausalLM"), "small words": 1, **{"A": 2}}
"""
AUTO = 'NAMES = OrderedDict([("olmo", "OlmoForCausalLM"), ("t5", ("T5Model", "T5EncoderModel"))])\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_python(tmp_path_factory.mktemp("python") / "it")


@pytest.fixture
def python(made, tmp_path):
    """An interpreter with both packages."""
    copy = tmp_path / "it"
    shutil.copytree(Path(made).parents[1], copy, symlinks=True)
    (site,) = copy.glob("lib/python*/site-packages")
    for file, text in (
        ("vllm/model_executor/models/registry.py", REGISTRY),
        ("transformers/models/auto/modeling_auto.py", AUTO),
    ):
        (site / file).parent.mkdir(parents=True)
        (site / file).write_text(text)
    return copy / "bin" / "python"


def test_what_vllm_or_transformers_names(python):
    assert known_architectures(str(python)) == [
        "LlamaForCausalLM",
        "OlmoForCausalLM",
        "T5EncoderModel",
        "T5Model",
    ]


def test_nothing_where_files_are_elsewhere(python):
    (found,) = python.parents[1].glob("lib/python*/site-packages/vllm/model_executor/models/registry.py")
    found.unlink()
    assert known_architectures(str(python)) == []


def test_nothing_without_an_interpreter(made):
    assert known_architectures("/nowhere/python") == known_architectures(made) == []
