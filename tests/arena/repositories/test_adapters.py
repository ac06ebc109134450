"""Which LoRA adapters are taken."""

import json

import pytest

from arena.repositories import AdapterFacts, Listing, Refused, examine_adapter, memory_needed

CONFIG = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "base_model_name_or_path": "owner/base"}
WEIGHTS = {"adapter_model.safetensors": b"x" * 500}


def listing_of(files: dict[str, bytes], source: str) -> Listing:
    sizes = {name: len(data) for name, data in files.items()}

    def piece(name: str, start: int, length: int) -> bytes:
        return files[name][start : start + length]

    return Listing(source, "c0ffee", sizes, files.__getitem__, piece, "mit")


def look(base: str = "owner/base", files: dict[str, bytes] = WEIGHTS, **config) -> AdapterFacts:
    everything = {"adapter_config.json": json.dumps(CONFIG | config).encode()} | files
    return examine_adapter(listing_of(everything, "owner/lora"), base)


def test_what_it_is():
    assert look() == AdapterFacts("c0ffee", 8, 500, "owner/base", "mit")


def test_its_rank_is_the_largest_of_any_matrix():
    assert look(rank_pattern={"q_proj": 32, "v_proj": 4}).rank == 32


@pytest.mark.parametrize("made_on", ["owner/base", "Owner/Base", "/home/somebody/base", "", None])
def test_the_base_it_was_made_on_may_be_told_by_a_path_or_not_at_all(made_on):
    assert look(base_model_name_or_path=made_on).rank == 8


def test_a_base_by_its_path_is_taken_at_its_word():
    assert look(base="/models/base").base == "owner/base"


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        (
            {"base_model_name_or_path": "owner/other"},
            "other_base",
            "was made on owner/other, not on owner/base",
        ),
        ({"peft_type": "IA3"}, "unsupported_adapter", "kind IA3"),
        ({"peft_type": None}, "unsupported_adapter", "only LoRA adapters"),
        ({"use_dora": True}, "unsupported_adapter", "uses use_dora"),
        ({"modules_to_save": ["lm_head"]}, "unsupported_adapter", "uses modules_to_save"),
        ({"r": 1024}, "unsupported_adapter", "rank 1024; vLLM takes adapters up to 512"),
        ({"r": "8"}, "bad_config", "says no rank"),
        ({"r": -1}, "bad_config", "says no rank"),
        ({"r": True, "rank_pattern": 5}, "bad_config", "says no rank"),
    ],
)
def test_what_cannot_be_served_is_refused(config, code, words):
    with pytest.raises(Refused, match=words) as refusal:
        look(**config)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"adapter_model.bin": b"pickle"}, "pickle_weights"),
        ({}, "no_weights"),
        (WEIGHTS | {"model.py": b"import os"}, "remote_code"),
        (WEIGHTS | {"adapter_config.json": b"[]"}, "bad_config"),
        (WEIGHTS | {"adapter_config.json": b"not JSON"}, "bad_config"),
    ],
)
def test_only_safetensors_and_settings_are_taken(files, code):
    with pytest.raises(Refused) as refusal:
        look(files=files)
    assert refusal.value.code == code


def test_a_model_is_no_adapter():
    with pytest.raises(Refused, match="it is no adapter") as refusal:
        examine_adapter(listing_of({"config.json": b"{}"}, "owner/model"), "owner/base")
    assert refusal.value.code == "no_config"


class TestMemory:
    GIB = 2**30

    def test_weights_as_they_are_stored_and_room_on_each_gpu(self):
        assert memory_needed(9 * self.GIB, "bfloat16") == round((9 * 1024 + 1024) / 0.9)
        assert memory_needed(9 * self.GIB, "bfloat16", tensor_parallel_size=4) == round(13 * 1024 / 0.9)

    def test_another_number_format_changes_their_size(self):
        same = memory_needed(8 * self.GIB, "bfloat16")
        assert memory_needed(16 * self.GIB, "float32", "bfloat16") == same
        assert memory_needed(16 * self.GIB, "bfloat16", quantization="fp8") == same

    def test_an_unknown_format_is_taken_as_it_is(self):
        assert memory_needed(8 * self.GIB, "", "float16") == memory_needed(8 * self.GIB, "int4")
