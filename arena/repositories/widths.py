"""Whether a LoRA adapter's tensors are as wide as the parts of the base that they change, which it has.

vLLM does not always look: it may take what is too narrow, and answer nonsense.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from arena.repositories.contract import Listing, Refused
from arena.repositories.reading import (
    INDEX,
    Tensor,
    architecture_in,
    matching,
    settings_in,
    tensors_in,
    whole,
)

PARTS = 4  # of the base's weights, whose headers are read: the layers of a model are alike
# lora_A takes what comes in, lora_B gives what goes out.
LORA = re.compile(r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")
PLACE = re.compile(r"model\.layers\.(?P<layer>\d{1,6})\.(?:self_attn|mlp)\.(?P<part>\w+)|(?P<head>lm_head)")
UNPACKED = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}  # numbers of which each is a weight
# Models whose widths follow from their settings by the same few rules.
PLAIN = re.compile(r"(Llama|Mistral|Qwen2|Qwen3|Gemma|Gemma2|Gemma3)ForCausalLM")
# Of these, those whose heads share the width where the settings say no more.
DIVIDED = re.compile(r"(Llama|Mistral|Qwen2)ForCausalLM")


class Widths(NamedTuple):
    """Of one linear part of a model."""

    comes_in: int
    goes_out: int


def refuse_other_widths(adapter: Listing, weights: str, base: Listing) -> None:
    """Raises Refused where a tensor in the file of ``weights`` does not fit. Unknown parts pass."""
    tensors = {
        name: (found["module"], found["side"], tensor.shape)
        for name, tensor in tensors_in(adapter, weights).items()
        if (found := LORA.fullmatch(name)) and len(tensor.shape) == 2
    }
    config = settings_in(base, "config.json")
    _refuse_more_layers(adapter, [module for module, _, _ in tensors.values()], base, config)
    by_weights = _by_weights(base, {module for module, _, _ in tensors.values()})
    by_settings = _by_settings(config)
    for name, (module, side, (rows, columns)) in tensors.items():
        known = by_weights.get(module) or by_settings.get(_last_word(module))
        if known is None:
            continue
        if side == "A":
            verb, width, wanted = "takes", columns, known.comes_in
        else:
            verb, width, wanted = "gives", rows, known.goes_out
        if wanted and width != wanted:
            raise Refused(
                "other_base",
                f"{adapter.source} does not fit {base.source}: its tensor {name} {verb} {width:,} numbers, "
                f"where the base has {wanted:,}. Name the model that it was made on.",
            )


def _refuse_more_layers(
    adapter: Listing, modules: Iterable[str], base: Listing, config: Mapping[str, Any]
) -> None:
    """vLLM leaves out what belongs to layers that the base has not."""
    layers = whole(config.get("num_hidden_layers"))
    found = [
        int(place["layer"]) for module in modules if (place := PLACE.fullmatch(module)) and place["layer"]
    ]
    if layers and _kind(config) and max(found, default=0) >= layers:
        raise Refused(
            "other_base",
            f"{adapter.source} does not fit {base.source}: it changes layer {max(found) + 1}, where the base "
            f"has {layers}. Name the model that it was made on.",
        )


def _last_word(module: str) -> str:
    """What a part of a language model is called, without its layer; empty for any other part."""
    place = PLACE.fullmatch(module)
    return place["part"] or place["head"] if place else ""


def _by_weights(base: Listing, modules: Iterable[str]) -> dict[str, Widths]:
    """Those of the parts that stand unpacked in the first files of the base's weights, by their names."""
    wanted = {f"{module}.weight": module for module in modules}
    found = {}
    for part in _parts(base, wanted):
        with contextlib.suppress(Refused):  # the base is judged elsewhere
            for name, tensor in tensors_in(base, part).items():
                if name in wanted and _is_plain(tensor):
                    goes_out, comes_in = tensor.shape
                    found[wanted[name]] = Widths(comes_in, goes_out)
    return found


def _parts(base: Listing, wanted: Iterable[str]) -> list[str]:
    """Files of weights that hold most of what is wanted."""
    files = matching(base.files, "*.safetensors")
    if INDEX not in base.files:
        return files[:PARTS]
    places = settings_in(base, INDEX).get("weight_map")
    places = places if isinstance(places, dict) else {}
    holding = Counter(place for name in wanted if isinstance(place := places.get(name), str))
    return [part for part, _ in holding.most_common(PARTS) if part in base.files]


def _is_plain(tensor: Tensor) -> bool:
    return len(tensor.shape) == 2 and tensor.dtype in UNPACKED


def _kind(config: Mapping[str, Any]) -> str:
    """The architecture, if it is a plain one."""
    kind = architecture_in(config)
    return kind if PLAIN.fullmatch(kind) else ""


def _by_settings(config: Mapping[str, Any]) -> dict[str, Widths]:
    """Those of a model's parts by the last words of their names; 0 where a width is not known."""
    kind = _kind(config)
    if not kind:
        return {}
    hidden, inner, heads = (
        whole(config.get(name)) for name in ("hidden_size", "intermediate_size", "num_attention_heads")
    )
    head = whole(config.get("head_dim"))
    if not head and heads and DIVIDED.fullmatch(kind):
        head = hidden // heads
    shared = whole(config.get("num_key_value_heads"))
    if not shared and kind == "LlamaForCausalLM":
        shared = heads
    return {
        "q_proj": Widths(hidden, heads * head),
        "k_proj": Widths(hidden, shared * head),
        "v_proj": Widths(hidden, shared * head),
        "o_proj": Widths(heads * head, hidden),
        "gate_proj": Widths(hidden, inner),
        "up_proj": Widths(hidden, inner),
        "down_proj": Widths(inner, hidden),
        "lm_head": Widths(hidden, whole(config.get("vocab_size"))),
    }
