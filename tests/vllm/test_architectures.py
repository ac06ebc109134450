"""Which architectures a real vLLM may know."""

import pytest

from arena.engines.vllm.architectures import known_architectures

pytestmark = pytest.mark.vllm


def test_of_its_own_and_of_transformers(python):
    known = known_architectures(python)
    assert {"LlamaForCausalLM", "Qwen3MoeForCausalLM", "BertModel"} <= set(known)
    assert "CatForCausalLM" not in known
