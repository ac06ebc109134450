"""What a repository must be like to be served: safetensors and settings alone, nothing that would be run."""

from typing import Any

from arena.repositories.contract import Facts, Listing, Refused
from arena.repositories.reading import (
    INDEX,
    architecture_in,
    matching,
    refuse_pickles,
    refuse_scripts,
    settings_in,
    some,
    whole,
    word,
)

# Settings by which transformers would import code: what a repository brings, and what it names.
CODE = ("auto_map", "_attn_implementation_internal", "custom_pipelines")


def examine(listing: Listing, *, trusts_code: bool = False) -> Facts:
    """What the repository holds, if it can be served; ``trusts_code`` where its code at this commit may run.

    Raises Refused, and OutOfReach by ``listing.read``.
    """
    source = listing.source
    if "config.json" not in listing.files:
        _refuse_adapter(listing)
        raise Refused(
            "no_config",
            f"{source} has no config.json, so nothing says what model it is; name a repository that has one.",
        )
    config = settings_in(listing, "config.json")
    if not trusts_code:
        _refuse_code(listing, config)
    weights = _weights(listing)
    architecture = architecture_in(config)
    if not architecture:
        raise Refused(
            "unsupported_model",
            f"The config.json of {source} names no architecture; add one, such as LlamaForCausalLM.",
        )
    text = config.get("text_config")
    inner = text if isinstance(text, dict) else {}
    quantization = config.get("quantization_config")
    return Facts(
        commit=listing.commit,
        architecture=architecture[:100],
        weights=sum(listing.files[name] for name in weights),
        dtype=word(config.get("dtype") or config.get("torch_dtype") or inner.get("dtype")),
        context=whole(config.get("max_position_embeddings") or inner.get("max_position_embeddings")),
        quantization=word(quantization.get("quant_method")) if isinstance(quantization, dict) else "",
        licence=listing.licence[:60],
    )


def _refuse_adapter(listing: Listing) -> None:
    if "adapter_config.json" not in listing.files:
        return
    base = word(settings_in(listing, "adapter_config.json").get("base_model_name_or_path"), 200)
    on = f" on {base}" if base else ""
    raise Refused(
        "adapter",
        f"{listing.source} is an adapter{on}, not a model; name its base as the model, and this one as the "
        "adapter.",
    )


def _refuse_code(listing: Listing, config: dict[str, Any]) -> None:
    source = listing.source
    places = {"config.json": config}
    for name in ("tokenizer_config.json", "generation_config.json", "preprocessor_config.json"):
        if name in listing.files:
            places[name] = settings_in(listing, name)
    for name, settings in places.items():
        if found := next((key for key in CODE if settings.get(key)), None):
            raise Refused(
                "remote_code",
                f"The {name} of {source} has {found}, which would run its author's code; that is never done. "
                "Submit a model that transformers and vLLM know by themselves.",
            )
    refuse_scripts(listing)


def _weights(listing: Listing) -> list[str]:
    """The files of weights, every one that the index names among them."""
    source = listing.source
    found = matching(listing.files, "*.safetensors")
    if not found:
        refuse_pickles(listing)
    if INDEX not in listing.files:
        return found
    named = settings_in(listing, INDEX).get("weight_map")
    parts = {str(part) for part in named.values()} if isinstance(named, dict) else set()
    if missing := sorted(parts - set(found)):
        raise Refused(
            "missing_weights", f"{source} lacks files that {INDEX} names ({some(missing)}); upload them."
        )
    return found
