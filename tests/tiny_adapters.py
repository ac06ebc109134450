"""LoRA adapters made on the spot, as PEFT writes them, for the models of tests/tiny_models.py.

`make_adapter(python, folder, seed)` runs this file as a script in the interpreter `python`, which has torch
and safetensors. Both matrices are random and large, so that the adapter's answers are not its base's.
"""

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

OPTIONS = {"seed": 1, "rank": 4, "module": "q_proj", "hidden": 64, "layers": 2, "values": 64, "base": ""}


def make_adapter(python: str, folder: Path, **options: object) -> Path:
    """An adapter on ``module`` and the values of each layer, in ``folder``; by default of the tiny model."""
    command = [python, __file__, str(folder), json.dumps(OPTIONS | options)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def safetensors_of(shapes: Mapping[str, tuple[int, ...]], dtype: str = "F32") -> bytes:
    """A file of zeros in these shapes, without torch."""
    size, header = {"F32": 4, "BF16": 2, "U8": 1}[dtype], {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + size * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)


def shapes_of(module: str, comes_in: int, goes_out: int, rank: int = 4) -> dict[str, tuple[int, int]]:
    """Of both matrices on one part of a model."""
    place = f"base_model.model.{module}"
    return {f"{place}.lora_A.weight": (rank, comes_in), f"{place}.lora_B.weight": (goes_out, rank)}


def main() -> None:
    import torch
    from safetensors.torch import save_file

    folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.manual_seed(given["seed"])
    rank, hidden = given["rank"], given["hidden"]
    sizes = {given["module"]: hidden, "v_proj": given["values"]}  # of what comes out
    weights = {}
    for layer in range(given["layers"]):
        for name, size in sizes.items():
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{place}.lora_A.weight"] = torch.randn(rank, hidden)
            weights[f"{place}.lora_B.weight"] = torch.randn(size, rank)
    folder.mkdir(parents=True)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": given["base"],
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": list(sizes),
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main()
