"""A judge's shape without its weights, prompts as long as real ones, and vLLM's own loop over them.

`judging_gpu` runs this file as a script in the interpreter that has vLLM; the site has neither torch nor
tokenizers. ``make FOLDER JSON`` writes a model for ``--load-format dummy``, the prompts, and what the machine
is; ``generate FOLDER JSON`` asks LLM.generate for all of them. JSON holds the options; results are files in
FOLDER.
"""

import itertools
import json
import random
import sys
import time
from pathlib import Path

MODELS = 8  # 28 pairs on each question
TEMPLATE = 233  # tokens of JudgeLM's words around a question and two answers
HEAD = 20  # of them before the question
QUESTION, ANSWER = (30, 0.8, 250), (150, 0.7, 700)  # median, spread of the logarithm, longest; in tokens
WARM_UP = 64  # prompts


def make(folder: Path, options: dict) -> None:
    """``options``: ``shape`` in LlamaConfig's words, ``pairs``, ``mean`` tokens of a prompt.

    What a folder was made with before is not made again.
    """
    from vllm.platforms import current_platform

    made = folder / "made.json"
    if not made.exists() or json.loads(made.read_text()) != options:
        model = folder / "model"
        words, count = _tokenizer(model, options["shape"]["vocab_size"])
        config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "bfloat16"}
        (model / "config.json").write_text(json.dumps(config | options["shape"]))
        rows = _prompts(words, count, options["pairs"], options["mean"])
        (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        made.write_text(json.dumps(options))
    machine = {"device": current_platform.get_device_name(), "type": current_platform.device_type}
    if machine["type"] == "cpu":
        machine["tflops"] = _measured_tflops()
    (folder / "machine.json").write_text(json.dumps(machine))


def _tokenizer(folder: Path, size: int):
    """A byte-level BPE of so many tokens, learnt from made-up words; words of one token, and a counter."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    rng = random.Random(1)
    syllables = [a + b + c for a in "bcdfghjklmnprstvwz" for b in "aeiou" for c in ("", "l", "n", "r", "s")]
    lexicon = ["".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3)))) for _ in range(60_000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator((" " + word for word in lexicon), trainer)
    assert tokenizer.get_vocab_size() == size
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    known = tokenizer.get_vocab()
    words = sorted({word for word in lexicon if "Ġ" + word in known})
    return words, lambda text: len(tokenizer.encode(text).ids)


def _prompts(words: list[str], count, pairs: int, mean: float) -> list[dict]:
    """Every request for so many pairs in both orders: by question, then by the answer shown first.

    So the site asks; servers keep what they computed for a shared beginning. Lengths are lognormal, and
    models are more or less talkative. The words after the answers, as in JudgeLM's form, are never shared.
    """
    rng = random.Random(2)

    def text(length: int) -> str:
        return "".join(" " + word for word in rng.choices(words, k=length))

    def lengths(kind: tuple[float, float, int], number: int) -> list[float]:
        median, spread, _ = kind
        return [median * rng.lognormvariate(0, spread) for _ in range(number)]

    head, tail = text(HEAD), ""
    form = "{head}\n[Question]\n{q}\n\n[Answer 1]\n{a}\n\n[Answer 2]\n{b}\n\n[Task]\n{tail}\n\n### Response:"
    tail = text(TEMPLATE - count(form.format(head=head, q="", a="", b="", tail="")))
    questions = -(-pairs // (MODELS * (MODELS - 1) // 2))
    asked = [min(length, QUESTION[2]) for length in lengths(QUESTION, questions)]
    talk = [rng.uniform(0.6, 1.4) for _ in range(MODELS)]
    said = [length * talk[n % MODELS] for n, length in enumerate(lengths(ANSWER, questions * MODELS))]
    room = (mean - TEMPLATE - sum(asked) / len(asked)) / 2
    for _ in range(20):  # so that prompts have the mean although some answers are cut
        said = [min(length * room * len(said) / sum(said), ANSWER[2]) for length in said]
    chosen = itertools.islice(
        ((q, pair) for q in range(questions) for pair in itertools.combinations(range(MODELS), 2)), pairs
    )
    question_texts = [text(round(length)) for length in asked]
    answer_texts = [text(max(1, round(length))) for length in said]
    rows = []
    for q, (one, other) in chosen:
        for a, b in ((one, other), (other, one)):
            shown = {"a": answer_texts[q * MODELS + a], "b": answer_texts[q * MODELS + b]}
            prompt = form.format(head=head, q=question_texts[q], tail=tail, **shown)
            rows.append({"place": [q, a, b], "prompt": prompt})
    return sorted(rows, key=lambda row: row["place"])


def read_prompts(folder: Path) -> dict[str, list[str]]:
    """Those of ``one`` order and those of ``both``, as they are to be asked."""
    rows = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    one = [row["prompt"] for row in rows if row["place"][1] < row["place"][2]]
    return {"one": one, "both": [row["prompt"] for row in rows]}


def _measured_tflops(size: int = 1024) -> float:
    """The rate at which this processor multiplies matrices, at its best of 10, in single precision."""
    import torch

    one = torch.randn(size, size)
    best = float("inf")
    for _ in range(10):
        begun = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best / 1e12


def generate(folder: Path, options: dict) -> None:
    """``options``: vLLM's own as ``vllm``, ``sampling``, ``orders`` (names of those to ask), ``result``."""
    from vllm import LLM, SamplingParams

    llm = LLM(model=str(folder / "model"), **options["vllm"])
    params = SamplingParams(**options["sampling"])
    prompts = read_prompts(folder)

    def ask(chosen: list[str], salt: str):
        """The salt keeps the prefix cache from what an earlier run left there."""
        salted = [{"prompt": text, "cache_salt": salt} for text in chosen]
        return llm.generate(salted, params, use_tqdm=False)

    ask(prompts["both"][:WARM_UP], "warm")
    found = {}
    for name in options["orders"]:
        begun = time.perf_counter()
        outputs = ask(prompts[name], name)
        seconds = time.perf_counter() - begun
        cached = sum(output.num_cached_tokens or 0 for output in outputs)
        tokens = sum(len(output.prompt_token_ids) for output in outputs)
        found[name] = {"seconds": seconds, "tokens": tokens, "cached": cached}
    (folder / options["result"]).write_text(json.dumps(found))


if __name__ == "__main__":
    {"make": make, "generate": generate}[sys.argv[1]](Path(sys.argv[2]), json.loads(sys.argv[3]))
