"""What a vLLM server is to serve, as its command line. Only options known to be harmless get there."""

import fnmatch
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arena.engines.vllm.failures import WITHOUT_SAFETENSORS, ServerFailed
from arena.engines.vllm.folders import ABSENT, files_to_read, why_unreadable

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
REVISION = re.compile(r"\w[\w./-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Launch:
    """What is to be served.

    `model` is a folder, by an absolute path, or a repository of the model hub; `revision` is a branch, tag or
    commit of it. `options` are vLLM's by their names, such as {"max_model_len": 2048}; `OPTIONS` lists those
    allowed. Weights are read from safetensors alone. Code that comes with a model is run with `trusts_code`
    alone, which needs a whole commit. With an `adapter_rank` above 0, LoRA adapters up to it can be added to
    the running server. `chat_template` stands in for the model's own.
    """

    model: str
    revision: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    adapter_rank: int = 0
    chat_template: str = field(default="", repr=False)
    trusts_code: bool = False

    @property
    def is_local(self) -> bool:
        return os.path.isabs(self.model)

    @property
    def name(self) -> str:
        """The name to ask for: without the folders around it, with the revision."""
        name = Path(self.model).name if self.is_local else self.model
        return f"{name}@{self.revision}" if self.revision else name


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _seed(value: object) -> bool:
    return value == 0 or _whole(value)


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def _size(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6


def _switch(value: object) -> bool:
    return isinstance(value, bool)


def _word(value: object) -> bool:
    return isinstance(value, str) and WORD.fullmatch(value) is not None


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: value in words


RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # at which vLLM keeps adapters
ADAPTERS, ADAPTERS_KEPT = 4, 64  # in one batch, and at hand in the host's memory

# Not here, ever: trust_remote_code, and whatever takes a path, an import or JSON from the outside.
OPTIONS: dict[str, Callable[[object], bool]] = {
    "async_scheduling": _switch,
    "block_size": _whole,
    "cpu_offload_gb": _size,
    "data_parallel_size": _whole,
    "dtype": _one_of("auto", "bfloat16", "float16", "float32", "half", "float"),
    "enable_chunked_prefill": _switch,
    "enable_expert_parallel": _switch,
    "enable_prefix_caching": _switch,
    "enable_prompt_tokens_details": _switch,
    "enforce_eager": _switch,
    "generation_config": _one_of("auto", "vllm"),
    "gpu_memory_utilization": _share,
    "kv_cache_dtype": _word,
    "kv_cache_memory_bytes": _whole,
    "language_model_only": _switch,
    "load_format": _one_of("safetensors", "fastsafetensors", "dummy"),
    "logprobs_mode": _one_of("raw_logits", "raw_logprobs", "processed_logits", "processed_logprobs"),
    "max_cudagraph_capture_size": _whole,
    "max_logprobs": _whole,
    "max_model_len": _whole,
    "max_num_batched_tokens": _whole,
    "max_num_seqs": _whole,
    "num_gpu_blocks_override": _whole,
    "performance_mode": _one_of("balanced", "interactivity", "throughput"),
    "pipeline_parallel_size": _whole,
    "quantization": _word,
    "reasoning_parser": _word,
    "seed": _seed,
    "tensor_parallel_size": _whole,
    "tokenizer_mode": _one_of("auto", "hf", "mistral"),
}


def arguments(launch: Launch) -> list[str]:
    """The part of the command line that says what is served.

    Raises ServerFailed: `no_such_model`, `not_readable`, `unsupported_model`, `bad_option`.
    """
    _check_model(launch)
    # Each value is glued to its name, so that none can be read as another option.
    found = [f"--model={launch.model}", f"--served-model-name={launch.name}"]
    if launch.revision:
        found += [f"--revision={launch.revision}", f"--tokenizer-revision={launch.revision}"]
    for name, value in ({"load_format": "safetensors"} | dict(launch.options)).items():
        found.append(_argument(name, value))
    if launch.adapter_rank:
        rank = next((each for each in RANKS if each >= launch.adapter_rank), RANKS[-1])
        found += ["--enable-lora", f"--max-lora-rank={rank}"]
        found += [f"--max-loras={ADAPTERS}", f"--max-cpu-loras={ADAPTERS_KEPT}"]
    if launch.trusts_code:
        found += _trusted(launch)
    return found


def _trusted(launch: Launch) -> list[str]:
    if launch.is_local or not COMMIT.fullmatch(launch.revision):
        message = f"The code of {launch.model} may run at one commit alone; name it as the revision."
        raise ServerFailed("bad_option", message, final=True)
    return ["--trust-remote-code", f"--code-revision={launch.revision}"]


def _check_model(launch: Launch) -> None:
    if launch.is_local:
        _check_folder(launch)
    elif not HUB_NAME.fullmatch(launch.model):
        message = (
            f"{launch.model!r} is neither an absolute path nor a repository such as owner/name; correct it."
        )
        raise ServerFailed("no_such_model", message, final=True)
    if launch.revision and not REVISION.fullmatch(launch.revision):
        message = f"{launch.revision!r} cannot be a revision; give a branch, a tag or a commit."
        raise ServerFailed("no_such_model", message, final=True)


def _check_folder(launch: Launch) -> None:
    """What would otherwise take vLLM half a minute to find out."""
    folder = Path(launch.model)
    try:
        names = files_to_read(folder)
    except OSError as error:
        if isinstance(error, ABSENT) and error.filename == str(folder):
            message = f"There is no folder {folder} on this host; check the path."
            raise ServerFailed("no_such_model", message, final=True) from error
        raise ServerFailed("not_readable", why_unreadable(error), final=True) from error
    if launch.options.get("load_format") != "dummy" and not fnmatch.filter(names, "*.safetensors"):
        message = WITHOUT_SAFETENSORS.format(model=folder)
        raise ServerFailed("unsupported_model", message, final=True)


def _argument(name: str, value: object) -> str:
    if name not in OPTIONS:
        message = f"The option {name!r} may not be set; these may: {', '.join(OPTIONS)}."
        raise ServerFailed("bad_option", message, final=True)
    if not OPTIONS[name](value):
        raise ServerFailed("bad_option", f"The option {name} cannot be {value!r}; correct it.", final=True)
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={value}"
