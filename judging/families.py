"""Which family a model is of, told from its name: the first family's word that begins a word of it."""

import re

# Other words that mean a family: its makers' earlier names, and models that were trained from it.
_WORDS = {
    "claude": "claude",
    "command": "command",
    "deepseek": "deepseek",
    "falcon": "falcon",
    "gemini": "gemini",
    "gemma": "gemma",
    "glm": "glm",
    "chatglm": "glm",
    "gpt": "gpt",
    "chatgpt": "gpt",
    "granite": "granite",
    "grok": "grok",
    "internlm": "internlm",
    "kimi": "kimi",
    "llama": "llama",
    "codellama": "llama",
    "alpaca": "llama",
    "vicuna": "llama",
    "minimax": "minimax",
    "mistral": "mistral",
    "mixtral": "mistral",
    "ministral": "mistral",
    "codestral": "mistral",
    "nemotron": "nemotron",
    "olmo": "olmo",
    "palm": "palm",
    "phi": "phi",
    "qwen": "qwen",
    "qwq": "qwen",
    "smollm": "smollm",
    "yi": "yi",
}
_WORD = re.compile(r"[a-z]+")


def family_of(name: str) -> str:
    """The family's word, or "" for a name that holds none.

    A word of the name ends where letters do, so that "gpt4" and "Qwen2.5-7B" are of a family, "gpt4all" is of
    gpt too, and "pandalm" is of none.
    """
    for word in _WORD.findall(name.lower()):
        if word in _WORDS:
            return _WORDS[word]
    return ""
