"""What vLLM 0.32 and the model hub's client print, read as a cause; and what may get onto a command line."""

import pytest

from arena.engines.vllm import Launch, ServerFailed
from arena.engines.vllm.failures import last_error, read_failure, shorten, tidy
from arena.engines.vllm.launch import arguments

CORE = "(EngineCore pid=8) ERROR 11-25 15:47:58 [core.py:1510] "
NOISE = """\
(APIServer pid=7) INFO 11-25 15:39:35 [api_utils.py:286] non-default args: {'model': '/models/m'}
(EngineCore pid=8) INFO 11-25 15:39:42 [core.py:133] Initializing a V1 LLM engine: trust_remote_code=False
(APIServer pid=7) WARNING 11-25 15:39:35 [x.py:1] may run CUDA out of memory; setting trust_remote_code=True
"""
END = """
(EngineCore pid=8) ERROR 11-25 15:47:12 [core.py:1510] Exception: WorkerProc initialization failed due to an \
exception in a background process. See stack trace for root cause.
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}
"""
# (what is printed, code, whether it is final, a part of the sentence)
SAID = {
    "a module that is not there": (
        "/env/bin/python: No module named vllm.entrypoints.openai.api_server",
        ("no_vllm", True, "install vLLM"),
    ),
    "port": ("OSError: [Errno 98] Address already in use", ("port_taken", False, "port")),
    "gated": (
        "OSError: You are trying to access a gated repo.\nMake sure to have access to it at",
        ("gated_model", True, "HF_TOKEN"),
    ),
    "not there, or private": (
        "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: "
        "https://hub/m.\nIf you are trying to access a private or gated repo, make sure "
        "you are authenticated",
        ("no_such_model", True, "hub has no"),
    ),
    "revision": (
        "OSError: v9 is not a valid git identifier (branch name, tag name or commit id)",
        ("no_such_model", True, "revision"),
    ),
    "no network": (
        "httpx2.ConnectError: [Errno -2] Name or service not known\nOSError: We couldn't connect to",
        ("no_such_model", False, "out of reach"),
    ),
    "offline": (
        "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached",
        ("no_such_model", False, "HF_HUB_OFFLINE"),
    ),
    "architecture": (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, Model "
        "architectures ['FrobnicatorForCausalLM'] are not supported for now. Supported "
        "architectures: dict_keys([",
        ("unsupported_model", True, "'FrobnicatorForCausalLM'"),
    ),
    "model type": (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, The "
        "checkpoint you are trying to "
        "load has model type `frobnicator` but Transformers does not recognize this architecture.",
        ("unsupported_model", True, "architecture frobnicator"),
    ),
    "own code": (
        "ValueError: The repository m contains custom code which must be executed to "
        "correctly load the model.",
        ("unsupported_model", True, "code of its own"),
    ),
    "weights": (
        f"{CORE}RuntimeError: Cannot find any model weights with `/models/m`{END}",
        ("unsupported_model", True, "safetensors"),
    ),
    "cut weights": (
        f"{CORE}safetensors._safetensors_rust.SafetensorError: Error while deserializing header: cut{END}",
        ("unsupported_model", True, "(Error while deserializing header: cut)"),
    ),
    "config": (
        "OSError: It looks like the config file at '/models/m/config.json' is not a valid JSON file.",
        ("unsupported_model", True, "config.json"),
    ),
    "no config": (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, Invalid repository ID or local "
        "directory specified: '/models/m'.\nPlease verify the following requirements:",
        ("unsupported_model", True, "config.json"),
    ),
    "cache": (
        f"{CORE}RuntimeError: Worker failed with error 'Available memory on node 0 "
        "(6.91/9.34 GiB) on kv cache "
        f"allocation is less than requested memory for kv (100000.0 GiB). Decrease "
        f"--kv-cache-memory-bytes{END}",
        ("out_of_memory", True, "cache"),
    ),
    "context": (
        f"{CORE}ValueError: To serve at least one request with the model's max seq len "
        f"(131072), (16.0 GiB{END}",
        ("out_of_memory", True, "max_model_len"),
    ),
    "GPU": (
        f"{CORE}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB. "
        f"GPU 0 has a total{END}",
        ("out_of_memory", True, "quantization"),
    ),
    "GPU in use": (
        f"{CORE}ValueError: Free memory on device cuda:0 (3.1/79.2 GiB) on startup is "
        "less than desired GPU memory "
        f"utilization (0.9, 71.3 GiB). Decrease GPU memory utilization{END}",
        ("out_of_memory", False, "Other programs"),
    ),
    "host's memory": (
        f"{CORE}RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. "
        "DefaultCPUAllocator: can't allocate "
        f"memory: you tried to allocate 51539607552 bytes. Error code 12 (Cannot allocate memory){END}",
        ("out_of_memory", True, "too small"),
    ),
    "option": (
        "api_server.py: error: unrecognized arguments: --frobnicate",
        ("bad_option", True, "--frobnicate"),
    ),
    "value": (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, "
        "User-specified max_model_len (999999) "
        "is greater than the derived max_model_len (2048). [type=value_error, input_value=Args",
        ("bad_option", True, "User-specified max_model_len (999999)"),
    ),
    "something else": (
        f"{CORE}RuntimeError: start (0) + length (256) exceeds dimension size (128).{END}",
        ("died", False, "Its last error: RuntimeError: start (0) + length (256) exceeds"),
    ),
    "nothing": ("", ("died", False, "no error in its log")),
}


@pytest.mark.parametrize("name", SAID)
def test_a_log_gives_its_cause_away(name):
    said, (code, final, part) = SAID[name]
    failure = read_failure(tidy(NOISE + said), "owner/m", 1)
    assert (failure.code, failure.final) == (code, final), failure.message
    assert part in failure.message
    assert "owner/m" in failure.message or code in ("port_taken", "no_vllm", "bad_option")
    assert len(failure.message) < 800


def test_a_kill_is_told_from_an_error():
    assert "was killed" in read_failure("", "m", 137).message
    assert "was killed" not in read_failure("", "m", 1).message


def test_the_last_telling_error_is_quoted():
    log = f"ValueError: early\n{CORE}KeyError: 'late'\nwords\n{CORE}EngineDeadError: EngineCore failed{END}"
    assert last_error(log) == "KeyError: 'late'"
    # Where nothing else is said, that.
    assert last_error(END).startswith("RuntimeError: Engine core initialization failed")
    assert last_error("no error at all") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a hf_AbCdEfGhIj b", "a [removed] b"),
        ("key=sk-abcdef-123", "key=[removed]"),
        ("https://user:pw@proxy:3128/x", "https://[removed]@proxy:3128/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [removed]"),
        ("of this host: s3cret!", "of this host: [removed]"),
        ("\x1b[1;31mred\x1b[0m\x07\x00", "red"),
        ("10%\r20%", "10%\n20%"),
        ("hf_home stays, sk-1 too", "hf_home stays, sk-1 too"),
    ],
)
def test_secrets_and_terminal_codes_are_taken_out(text, shown):
    assert tidy(text, ["s3cret!", ""]) == shown


def test_long_lines_are_cut():
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 299 + "…"


class TestCommandLine:
    def test_options_become_flags(self):
        options = {
            "max_model_len": 2048,
            "dtype": "bfloat16",
            "enforce_eager": True,
            "enable_prefix_caching": False,
        }
        assert arguments(Launch("owner/m", "v1.0", options)) == [
            "--model=owner/m",
            "--served-model-name=owner/m@v1.0",
            "--revision=v1.0",
            "--tokenizer-revision=v1.0",
            "--load-format=safetensors",
            "--max-model-len=2048",
            "--dtype=bfloat16",
            "--enforce-eager",
            "--no-enable-prefix-caching",
        ]

    def test_a_folder_is_served_by_its_last_name(self, tmp_path):
        (tmp_path / "model.safetensors").touch()
        assert arguments(Launch(str(tmp_path)))[:2] == [
            f"--model={tmp_path}",
            f"--served-model-name={tmp_path.name}",
        ]

    def test_a_folder_without_safetensors_is_refused(self, tmp_path):
        (tmp_path / "pytorch_model.bin").touch()
        with pytest.raises(ServerFailed, match="convert them") as caught:
            arguments(Launch(str(tmp_path)))
        assert (caught.value.code, caught.value.final) == ("unsupported_model", True)
        assert arguments(Launch(str(tmp_path), options={"load_format": "dummy"}))

    @pytest.mark.parametrize(
        "options",
        [
            {"trust_remote_code": True},
            {"trust-remote-code": True},
            {"chat_template": "x"},
            {"middleware": "os.system"},
            {"hf_overrides": "{}"},
            {"load_format": "pt"},
            {"load_format": "auto"},
            {"max_model_len": "2048"},
            {"max_model_len": True},
            {"max_model_len": 0},
            {"dtype": ["bfloat16"]},
            {"gpu_memory_utilization": 1.5},
            {"gpu_memory_utilization": float("nan")},
            {"enforce_eager": "yes"},
            {"quantization": "fp8 --trust-remote-code"},
            {"seed": -1},
            {"": 1},
        ],
    )
    def test_other_options_are_refused(self, options):
        with pytest.raises(ServerFailed) as caught:
            arguments(Launch("owner/m", options=options))
        assert (caught.value.code, caught.value.final) == ("bad_option", True)

    @pytest.mark.parametrize(
        ("model", "revision"),
        [
            ("", ""),
            ("/nowhere/model", ""),
            ("../m", ""),
            ("a/b/c", ""),
            ("--help", ""),
            ("https://host/m", ""),
            ("owner/m x", ""),
            ("owner/m", "--help"),
            ("owner/m", "a b"),
        ],
    )
    def test_other_models_are_refused(self, model, revision):
        with pytest.raises(ServerFailed) as caught:
            arguments(Launch(model, revision))
        assert (caught.value.code, caught.value.final) == ("no_such_model", True)
