"""What is taken of a repository and what is refused, in a folder and on a hub on loopback."""

import json

import pytest

from arena.repositories import Facts, OutOfReach, Refused, examine, list_folder, list_hub
from tests.arena.repositories.hub import COMMIT, running_hub

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "max_position_embeddings": 2048,
    "torch_dtype": "bfloat16",
}
MODEL = {
    "config.json": json.dumps(CONFIG).encode(),
    "model.safetensors": b"x" * 1000,
    "README.md": b"A model.",
}
INDEX = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}


def changed(**config) -> dict[str, bytes]:
    return MODEL | {"config.json": json.dumps(CONFIG | config).encode()}


def without(*names: str, **files: bytes) -> dict[str, bytes]:
    return {name: data for name, data in MODEL.items() if name not in names} | files


@pytest.fixture
def put(tmp_path):
    def write(files):
        for name, data in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path

    return write


def test_a_folder_that_can_be_served(put):
    facts = examine(list_folder(put(MODEL)))
    assert facts == Facts("", "LlamaForCausalLM", 1000, "bfloat16", 2048)


def test_weights_in_parts_quantized_with_pictures(put):
    config = {
        "architectures": ["VisionForConditionalGeneration"],
        "text_config": {"max_position_embeddings": 512, "dtype": "float16"},
        "quantization_config": {"quant_method": "fp8"},
        "pictures": True,
    }
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors.index.json": json.dumps(INDEX).encode(),
        "model-1.safetensors": b"12",
        "model-2.safetensors": b"345",
        "original/consolidated.pth": b"a format of others, which is not read",
    }
    facts = examine(list_folder(put(files)))
    assert facts == Facts("", "VisionForConditionalGeneration", 5, "float16", 512, "fp8")


def test_pickles_beside_safetensors_are_not_read(put):
    assert examine(list_folder(put(MODEL | {"pytorch_model.bin": b"x"}))).weights == 1000


@pytest.mark.parametrize(
    ("files", "code", "sentence"),
    [
        (without("config.json"), "no_config", "has no config.json"),
        (
            {"adapter_config.json": b'{"base_model_name_or_path": "a/b"}', "adapter_model.safetensors": b"x"},
            "adapter",
            "is an adapter on a/b",
        ),
        (MODEL | {"config.json": b"[1]"}, "bad_config", "is not a JSON object"),
        (MODEL | {"config.json": b'{"a": '}, "bad_config", "is not a JSON object"),
        (MODEL | {"config.json": b"[" * 100_000}, "bad_config", "is not a JSON object"),
        (MODEL | {"config.json": b" " * (4 * 2**20 + 1)}, "bad_config", "larger than 4 MiB"),
        (changed(architectures=None), "unsupported_model", "names no architecture"),
        (changed(architectures="Llama"), "unsupported_model", "names no architecture"),
        (changed(auto_map={"AutoModel": "model.Model"}), "remote_code", "has auto_map"),
        (changed(_attn_implementation_internal="x/y"), "remote_code", "_attn_implementation_internal"),
        (
            MODEL | {"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["t.T", null]}}'},
            "remote_code",
            "tokenizer_config.json",
        ),
        (MODEL | {"modeling_x.py": b"import os"}, "remote_code", "holds code (modeling_x.py)"),
        (without("model.safetensors"), "no_weights", "holds no weights"),
        (
            without("model.safetensors") | {"pytorch_model.bin": b"x"},
            "pickle_weights",
            "are pickles (pytorch_model.bin)",
        ),
        (
            MODEL | {"model.safetensors.index.json": json.dumps(INDEX).encode()},
            "missing_weights",
            "(model-1.safetensors, model-2.safetensors)",
        ),
        (MODEL | {"model.safetensors.index.json": b"x"}, "bad_config", "index.json"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_reason(put, files, code, sentence):
    with pytest.raises(Refused) as refusal:
        examine(list_folder(put(files)))
    assert (refusal.value.code, sentence in refusal.value.message) == (code, True), refusal.value.message


class TestHub:
    @pytest.fixture
    def hub(self, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        with running_hub({"owner/model": MODEL, "owner/code": MODEL | {"x.py": b""}}) as hub:
            yield hub

    @pytest.mark.parametrize("revision", ["", "main", COMMIT])
    def test_a_revision_becomes_a_commit(self, hub, revision):
        facts = examine(list_hub("owner/model", revision, endpoint=hub.endpoint))
        assert (facts.commit, facts.licence, facts.weights) == (COMMIT, "apache-2.0", 1000)

    def test_code_is_refused(self, hub):
        with pytest.raises(Refused, match="holds code"):
            examine(list_hub("owner/code", endpoint=hub.endpoint))

    @pytest.mark.parametrize(
        ("repository", "revision", "code"),
        [
            ("owner/other", "", "no_such_model"),
            ("owner/a--b", "", "no_such_model"),  # no name that the hub allows
            ("owner/model", "v9", "no_such_revision"),
        ],
    )
    def test_what_is_not_there_is_refused(self, hub, repository, revision, code):
        with pytest.raises(Refused) as refusal:
            list_hub(repository, revision, endpoint=hub.endpoint)
        assert refusal.value.code == code

    def test_a_gated_one_is_refused(self, hub):
        hub.gated.add("owner/model")
        with pytest.raises(Refused, match="accept its terms"):
            examine(list_hub("owner/model", endpoint=hub.endpoint))

    @pytest.mark.parametrize("knows_no_ranges", [False, True])
    def test_a_piece_of_a_file(self, hub, knows_no_ranges):
        hub.knows_no_ranges = knows_no_ranges
        hub.repositories["owner/model"]["long"] = bytes(range(256)) * 1000
        read = list_hub("owner/model", endpoint=hub.endpoint).piece
        assert read("long", 0, 4) == b"\0\1\2\3"
        assert read("long", 2570, 3) == b"\n\x0b\x0c"
        assert read("long", 255_998, 9) == b"\xfe\xff"

    def test_a_hub_that_is_down_is_asked_again(self, hub):
        hub.down = True
        with pytest.raises(OutOfReach):
            list_hub("owner/model", endpoint=hub.endpoint)

    def test_a_hub_that_is_not_there_is_asked_again(self):
        with pytest.raises(OutOfReach, match="out of reach"):
            list_hub("owner/model", endpoint="http://127.0.0.1:9")
