"""An adapter's widths against its base's: by the base's weights where they tell, else by its settings."""

import json
from pathlib import Path

import pytest

from arena.repositories import Refused, examine_adapter, list_folder
from arena.repositories.reading import FIRST_BYTES
from tests.arena.repositories.test_adapters import CONFIG, listing_of
from tests.tiny_adapters import safetensors_of, shapes_of

# 4 heads of 16 make 64, 2 of them are shared keys and values of 32.
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}
Q = "model.layers.0.self_attn.q_proj"
K = "model.layers.1.self_attn.k_proj"


def base_of(weights: dict | None = None, dtype: str = "F32", **config) -> dict[str, bytes]:
    return {
        "config.json": json.dumps(LLAMA | config).encode(),
        "model.safetensors": safetensors_of(weights or {}, dtype),
    }


def check(shapes: dict, base: dict[str, bytes], **config) -> None:
    files = {
        "adapter_config.json": json.dumps(CONFIG | config).encode(),
        "adapter_model.safetensors": safetensors_of(shapes),
    }
    examine_adapter(listing_of(files, "owner/lora"), "owner/base", listing_of(base, "owner/base"))


def refusal(shapes: dict, base: dict[str, bytes]) -> str:
    with pytest.raises(Refused) as caught:
        check(shapes, base)
    assert caught.value.code == "other_base"
    return caught.value.message


@pytest.mark.parametrize(
    ("module", "comes_in", "goes_out"),
    [
        (Q, 64, 64),
        (K, 64, 32),
        ("model.layers.0.self_attn.v_proj", 64, 32),
        ("model.layers.0.self_attn.o_proj", 64, 64),
        ("model.layers.31.mlp.gate_proj", 64, 128),
        ("model.layers.0.mlp.up_proj", 64, 128),
        ("model.layers.0.mlp.down_proj", 128, 64),
        ("lm_head", 64, 300),
    ],
)
def test_every_known_part_by_the_settings(module, comes_in, goes_out):
    check(shapes_of(module, comes_in, goes_out), base_of())
    taken = refusal(shapes_of(module, 48, goes_out), base_of())
    assert f"base_model.model.{module}.lora_A.weight takes 48 numbers, where the base has {comes_in}" in taken
    given = refusal(shapes_of(module, comes_in, 48), base_of())
    assert f"base_model.model.{module}.lora_B.weight gives 48 numbers, where the base has {goes_out}" in given


def test_the_weights_of_the_base_know_better_than_its_settings():
    base = base_of({f"{Q}.weight": (96, 80)})
    check(shapes_of(Q, 80, 96), base)
    assert "takes 64 numbers, where the base has 80" in refusal(shapes_of(Q, 64, 96), base)


def test_any_part_that_the_weights_have_is_compared():
    base = base_of({"transformer.h.0.fc.weight": (96, 80)}, architectures=["SomethingElse"])
    check(shapes_of("transformer.h.0.fc", 80, 96), base)
    assert "gives 48" in refusal(shapes_of("transformer.h.0.fc", 80, 48), base)


def test_weights_in_several_files_are_found_by_the_index():
    parts = {f"model.layers.{n}.self_attn.q_proj.weight": f"model-{n}.safetensors" for n in range(9)}
    base = {name: data for name, data in base_of().items() if name == "config.json"}
    base |= {part: safetensors_of({name: (96, 80)}) for name, part in parts.items()}
    base["model.safetensors.index.json"] = json.dumps({"weight_map": parts}).encode()
    assert "where the base has 80" in refusal(shapes_of("model.layers.8.self_attn.q_proj", 64, 96), base)


@pytest.mark.parametrize(
    ("module", "base"),
    [
        ("model.layers.0.self_attn.qkv_proj", base_of()),  # a name that is not known
        ("model.vision_tower.layers.0.self_attn.q_proj", base_of()),  # not of the language model
        (Q, base_of(architectures=["DeepseekV3ForCausalLM"])),  # whose widths follow from more than these
        (Q, base_of(architectures=None)),
        (K, base_of(architectures=["MistralForCausalLM"], num_key_value_heads=None)),  # 8 by its own rule
        (Q, base_of(architectures=["Qwen3ForCausalLM"])),  # 128 a head by its own rule
    ],
)
def test_what_is_not_known_passes(module, base):
    check(shapes_of(module, 64, 7), base)


def test_packed_weights_tell_nothing_and_the_settings_do():
    base = base_of({f"{Q}.weight": (2048, 1)}, dtype="U8")
    check(shapes_of(Q, 64, 64), base)
    assert "takes 48" in refusal(shapes_of(Q, 48, 64), base)


def test_heads_of_a_width_of_their_own():
    check(shapes_of(Q, 64, 128), base_of(architectures=["Qwen3ForCausalLM"], head_dim=32))


def test_a_base_with_its_weights_the_other_way_round_is_not_compared():
    check(shapes_of("h.0.c_attn", 64, 192), base_of({"h.0.c_attn.weight": (64, 192)}), fan_in_fan_out=True)


def test_a_deeper_base_is_another_one():
    base = base_of(num_hidden_layers=2)
    check(shapes_of("model.layers.1.self_attn.q_proj", 64, 64), base)
    said = refusal(shapes_of("model.layers.7.self_attn.q_proj", 64, 64), base)
    assert "changes layer 8, where the base has 2" in said


def test_other_tensors_pass():
    check({"base_model.model.conv.lora_A.weight": (4, 3, 2, 2), "something": (1,)}, base_of())


def test_a_long_header_is_read_to_its_end():
    many = {}
    for layer in range(700):
        many |= shapes_of(f"model.layers.{layer}.self_attn.q_proj", 64, 64, rank=1)
    assert int.from_bytes(safetensors_of(many)[:8], "little") > FIRST_BYTES
    check(many, base_of())
    assert "layers.700." in refusal(many | shapes_of("model.layers.700.self_attn.q_proj", 48, 64), base_of())


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\x05",
        b"\xff" * 200,
        (9).to_bytes(8, "little") + b"[1, 2, 3]",
        (9).to_bytes(8, "little") + b'{"a": {}}',
        (400).to_bytes(8, "little") + b'{"a": {"dty',
        (33).to_bytes(8, "little") + b'{"a": {"dtype": 1, "shape": "x"}}',
    ],
)
def test_files_that_are_no_safetensors_are_refused(weights):
    files = {"adapter_config.json": json.dumps(CONFIG).encode(), "adapter_model.safetensors": weights}
    with pytest.raises(Refused, match=r"no whole file of safetensors") as caught:
        examine_adapter(listing_of(files, "owner/lora"), "owner/base", listing_of(base_of(), "owner/base"))
    assert caught.value.code == "bad_weights"


def test_in_folders(tmp_path):
    def put(name: str, files: dict[str, bytes]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        return folder

    lora = {"adapter_config.json": json.dumps(CONFIG).encode()}
    lora["adapter_model.safetensors"] = safetensors_of(shapes_of(Q, 48, 64))
    base, adapter = put("base", base_of()), put("lora", lora)
    with pytest.raises(Refused, match="takes 48 numbers"):
        examine_adapter(list_folder(adapter), str(base), list_folder(base))
