"""Which family a model is of, told from its name: the first of its words that means one."""

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
# Named after a family that they are not of.
_NAMESAKES = re.compile(r"gpt[\W_]*(?:neo|jt?\b|2\b|4[\W_]*all)")


def family_of(name: str) -> str:
    """The family's word, or "" for a name that holds none.

    A word of the name ends where letters do: "gpt4" and "Qwen2.5-7B" are of a family, "pandalm" is of none.
    """
    if _NAMESAKES.search(name.lower()):
        return ""
    for word in _WORD.findall(name.lower()):
        if word in _WORDS:
            return _WORDS[word]
    return ""
