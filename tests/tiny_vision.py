"""A tiny model that takes images, made on the spot as tests/tiny_models.py makes those for text.

An Idefics3: of vLLM's vision models one that runs without torchvision, which its CPU environment leaves out.
"""

import sys

from tiny_models import new_tokenizer  # this file runs as a script beside it

CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<image>"
    "{% endif %}{% endfor %}{% endif %}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
SPECIAL = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
SPECIAL += [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
IMAGE_TOKENS = 4  # (32 / 8)**2 patches, of which the connector makes one out of 2 x 2


def main() -> None:
    import torch
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    folder = sys.argv[1]
    tokenizer = new_tokenizer(CHAT, SPECIAL)
    side = {"longest_edge": 32}
    images = Idefics3ImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False)
    Idefics3Processor(images, tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=CHAT).save_pretrained(
        folder
    )
    torch.manual_seed(1)
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
    sees = {"hidden_size": 32, "intermediate_size": 64, "image_size": 32, "patch_size": 8}
    says = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
    }
    says |= {"max_position_embeddings": 16384, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = Idefics3Config(
        image_token_id=2,
        scale_factor=2,
        pad_token_id=1,
        vision_config={"model_type": "idefics3_vision"} | sees | layers,
        text_config={"model_type": "llama"} | says | layers,
    )
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)


if __name__ == "__main__":
    main()
