"""LoRA adapters made on the spot, as PEFT writes them, for the models of tests/tiny_models.py.

`make_adapter(python, folder, seed)` runs this file as a script in the interpreter `python`, which has torch
and safetensors. Both matrices are random and large, so that the adapter's answers are not its base's.
"""

import json
import subprocess
import sys
from pathlib import Path

HIDDEN, LAYERS = 64, 2  # of the tiny model


def make_adapter(
    python: str, folder: Path, *, seed: int = 1, rank: int = 4, module: str = "q_proj", base: str = ""
) -> Path:
    """An adapter on ``module`` and the values of each layer, made on ``base``, in ``folder``."""
    command = [python, __file__, str(folder), str(seed), str(rank), module, base]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def main() -> None:
    import torch
    from safetensors.torch import save_file

    folder, seed, rank = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    modules, base = [sys.argv[4], "v_proj"], sys.argv[5]
    torch.manual_seed(seed)
    weights = {}
    for layer in range(LAYERS):
        for name in modules:
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{place}.lora_A.weight"] = torch.randn(rank, HIDDEN)
            weights[f"{place}.lora_B.weight"] = torch.randn(HIDDEN, rank)
    folder.mkdir(parents=True)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": modules,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main()
