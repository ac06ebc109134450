"""What a LoRA adapter must be like to be served beside its base."""

import re
from typing import Any

from arena.repositories.contract import AdapterFacts, Listing, Refused
from arena.repositories.reading import refuse_pickles, refuse_scripts, settings_in, whole, word
from arena.repositories.widths import refuse_other_widths

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
FILES = (CONFIG, WEIGHTS)  # all that is loaded of one
LARGEST_RANK = 512  # that vLLM takes
# PEFT's settings that change what an adapter does, and that vLLM does not follow.
UNKNOWN = (
    *("use_dora", "lora_bias", "modules_to_save", "layer_replication"),
    *("alora_invocation_tokens", "use_bdlora", "use_qalora"),
)
ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def examine_adapter(listing: Listing, base: str, base_listing: Listing | None = None) -> AdapterFacts:
    """What the adapter holds, if it can be served on ``base``; the base's files are given if at hand.

    Raises Refused, and OutOfReach.
    """
    source = listing.source
    if CONFIG not in listing.files:
        raise Refused("no_config", f"{source} has no {CONFIG}, so it is no adapter; name one made with PEFT.")
    config = settings_in(listing, CONFIG)
    kind = word(config.get("peft_type"))
    if kind.upper() != "LORA":
        words = f"an adapter of the kind {kind}" if kind else "an adapter of no kind that it names"
        raise Refused("unsupported_adapter", f"{source} is {words}; only LoRA adapters are served.")
    if found := next((name for name in UNKNOWN if config.get(name)), None):
        raise Refused(
            "unsupported_adapter",
            f"{source} uses {found}, which vLLM does not follow; merge it into its base and submit that.",
        )
    refuse_scripts(listing)
    if WEIGHTS not in listing.files:
        refuse_pickles(listing)
    made_on = word(config.get("base_model_name_or_path"), 200)
    if ON_HUB.fullmatch(made_on) and ON_HUB.fullmatch(base) and made_on.lower() != base.lower():
        raise Refused("other_base", f"{source} was made on {made_on}, not on {base}; name that as the model.")
    rank = _rank(source, config)
    if base_listing and not config.get("fan_in_fan_out"):  # whose base has its weights the other way round
        refuse_other_widths(listing, WEIGHTS, base_listing)
    return AdapterFacts(
        commit=listing.commit,
        rank=rank,
        weights=listing.files[WEIGHTS],
        base=made_on,
        licence=listing.licence[:60],
    )


def _rank(source: str, config: dict[str, Any]) -> int:
    """The largest of any of its matrices."""
    pattern = config.get("rank_pattern")
    rank = max(
        whole(each) for each in (config.get("r"), *(pattern.values() if isinstance(pattern, dict) else ()))
    )
    if not whole(config.get("r")):
        raise Refused("bad_config", f"The {CONFIG} of {source} says no rank (r); mend it.")
    if rank > LARGEST_RANK:
        raise Refused(
            "unsupported_adapter", f"{source} has rank {rank}; vLLM takes adapters up to {LARGEST_RANK}."
        )
    return rank
