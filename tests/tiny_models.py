"""Tiny language models made on the spot, for tests with a real engine: two layers, random, half a megabyte.

`make_model(python, folder, seed)` runs this file as a script in the interpreter `python`, which has torch and
transformers; the site has neither. Two seeds make two models that answer differently.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
TEXT = [
    "Which of the two answers is better, the first or the second? Verdict: [[A]] or [[B]] or [[tie]].",
    "user: What is the capital of France? assistant: The capital of France is Paris.",
]


def make_model(python: str, folder: Path, seed: int = 1, positions: int = 2048) -> Path:
    """A Llama with a chat template for `positions` tokens, as safetensors, in `folder`."""
    command = [python, __file__, str(folder), str(seed), str(positions)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def make_vision_model(python: str, folder: Path) -> Path:
    """A model that takes images; tests/tiny_vision.py makes it."""
    script = Path(__file__).with_name("tiny_vision.py")
    done = subprocess.run([python, str(script), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def with_unknown_architecture(model: Path, folder: Path) -> Path:
    return _changed(model, folder, architectures=["FrobnicatorForCausalLM"])


def without_weights(model: Path, folder: Path) -> Path:
    shutil.copytree(model, folder)
    (folder / "model.safetensors").unlink()
    return folder


def with_cut_weights(model: Path, folder: Path) -> Path:
    """A file that was not loaded to its end."""
    shutil.copytree(model, folder)
    os.truncate(folder / "model.safetensors", 100_000)  # of half a million bytes
    return folder


def with_pickled_weights(python: str, model: Path, folder: Path) -> Path:
    """The weights as a pickle alone, which runs code when it is read."""
    shutil.copytree(model, folder)
    code = (
        "import sys, torch; from safetensors.torch import load_file; "
        "torch.save(load_file(sys.argv[1] + '/model.safetensors'), sys.argv[1] + '/pytorch_model.bin')"
    )
    subprocess.run([python, "-c", code, folder], check=True, capture_output=True)
    (folder / "model.safetensors").unlink()
    return folder


def _changed(model: Path, folder: Path, **settings: object) -> Path:
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | settings))
    return folder


def new_tokenizer(chat_template: str, special: list[str]):
    """Every byte, some pairs of TEXT, and these tokens behind <s> and </s>."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    every_byte = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=384 + len(special),
        special_tokens=["<s>", "</s>", *special],
        initial_alphabet=every_byte,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template=chat_template,
    )


def main() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder, seed, positions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    tokenizer = new_tokenizer(CHAT, [])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.2,  # so that the likeliest token stands out, and two seeds differ
    )
    LlamaForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    main()
