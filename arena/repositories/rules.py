"""What a repository must be like to be served: safetensors and settings alone, nothing that would be run."""

import json
from collections.abc import Iterable
from fnmatch import fnmatch
from typing import Any

from arena.repositories.contract import Facts, Listing, Refused

SETTINGS_BYTES = 4 * 2**20  # of one settings file
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5")
INDEX = "model.safetensors.index.json"
# Settings by which transformers would import code: what a repository brings, and what it names.
CODE = ("auto_map", "_attn_implementation_internal", "custom_pipelines")


def examine(listing: Listing) -> Facts:
    """What the repository holds, if it can be served. Raises Refused, and OutOfReach by ``listing.read``."""
    source = listing.source
    if "config.json" not in listing.files:
        _refuse_adapter(listing)
        raise Refused(
            "no_config",
            f"{source} has no config.json, so nothing says what model it is; name a repository that has one.",
        )
    config = _settings(listing, "config.json")
    _refuse_code(listing, config)
    weights = _weights(listing)
    architectures = config.get("architectures")
    if not (isinstance(architectures, list) and architectures and isinstance(architectures[0], str)):
        raise Refused(
            "unsupported_model",
            f"The config.json of {source} names no architecture; add one, such as LlamaForCausalLM.",
        )
    text = config.get("text_config")
    inner = text if isinstance(text, dict) else {}
    quantization = config.get("quantization_config")
    return Facts(
        commit=listing.commit,
        architecture=architectures[0][:100],
        weights=sum(listing.files[name] for name in weights),
        dtype=_word(config.get("dtype") or config.get("torch_dtype") or inner.get("dtype")),
        context=_whole(config.get("max_position_embeddings") or inner.get("max_position_embeddings")),
        quantization=_word(quantization.get("quant_method")) if isinstance(quantization, dict) else "",
        licence=listing.licence[:60],
    )


def _refuse_adapter(listing: Listing) -> None:
    if "adapter_config.json" not in listing.files:
        return
    base = _word(_settings(listing, "adapter_config.json").get("base_model_name_or_path"), 200)
    on = f" on {base}" if base else ""
    raise Refused(
        "adapter", f"{listing.source} is an adapter{on}, not a model; merge it into its base and submit that."
    )


def _refuse_code(listing: Listing, config: dict[str, Any]) -> None:
    source = listing.source
    places = {"config.json": config}
    for name in ("tokenizer_config.json", "generation_config.json", "preprocessor_config.json"):
        if name in listing.files:
            places[name] = _settings(listing, name)
    for name, settings in places.items():
        if found := next((key for key in CODE if settings.get(key)), None):
            raise Refused(
                "remote_code",
                f"The {name} of {source} has {found}, which would run its author's code; that is never done. "
                "Submit a model that transformers and vLLM know by themselves.",
            )
    if scripts := _matching(listing.files, "*.py"):
        raise Refused(
            "remote_code",
            f"{source} holds code ({_some(scripts)}); none is taken. Submit a repository with "
            "weights and settings alone.",
        )


def _weights(listing: Listing) -> list[str]:
    """The files of weights, every one that the index names among them."""
    source = listing.source
    found = _matching(listing.files, "*.safetensors")
    if not found:
        pickles = [name for pattern in PICKLES for name in _matching(listing.files, pattern)]
        if pickles:
            raise Refused(
                "pickle_weights",
                f"The weights of {source} are pickles ({_some(pickles)}), which can run code when read; "
                "convert them to safetensors.",
            )
        raise Refused("no_weights", f"{source} holds no weights as safetensors; add them.")
    if INDEX not in listing.files:
        return found
    named = _settings(listing, INDEX).get("weight_map")
    parts = {str(part) for part in named.values()} if isinstance(named, dict) else set()
    if missing := sorted(parts - set(found)):
        raise Refused(
            "missing_weights", f"{source} lacks files that {INDEX} names ({_some(missing)}); upload them."
        )
    return found


def _settings(listing: Listing, name: str) -> dict[str, Any]:
    source = listing.source
    if listing.files[name] > SETTINGS_BYTES:
        raise Refused("bad_config", f"The {name} of {source} is larger than 4 MiB; it cannot be settings.")
    try:
        found = json.loads(listing.read(name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("bad_config", f"The {name} of {source} is not a JSON object; mend it.")
    return found


def _matching(files: Iterable[str], pattern: str) -> list[str]:
    """Names at the top that match; folders below belong to other formats."""
    return sorted(name for name in files if "/" not in name and fnmatch(name.lower(), pattern))


def _some(names: list[str]) -> str:
    return ", ".join(names[:2]) + (" and more" if len(names) > 2 else "")


def _word(value: object, length: int = 40) -> str:
    return value[:length] if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
