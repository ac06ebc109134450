"""PandaLM's test set: 999 pairs, three annotators, two recorded judges (WeOpenML/PandaLM, Apache-2.0)."""

import json
from pathlib import Path
from typing import Any

from arena.outcomes import Verdict
from judging.importers.dataset import (
    AnswerRow,
    CompetitorRow,
    Dataset,
    DatasetError,
    PromptRow,
    RulingRow,
    VoteRow,
    read_json,
)

# The annotators' files say 0 for a tie; the judges' say "tie" or 0. Anything else could not be read.
VERDICTS = {"1": Verdict.FIRST, "2": Verdict.SECOND, "0": Verdict.TIE, "tie": Verdict.TIE}
JUDGES = {
    "gpt-3.5-turbo": ("gpt-3.5-turbo-testset-v1.json", "gpt_result"),
    "pandalm-7b": ("pandalm-7b-testset-v1.json", "pandalm_result"),
}


def read(folder: Path) -> Dataset:
    """A prompt is one (instruction, input); a model with several answers to it has several samples."""
    data = Dataset(
        slug="pandalm",
        name="PandaLM test set",
        description="Pairs of instruction-tuned 7B models, each judged by three annotators, 2023.",
        credit="WeOpenML/PandaLM; Apache-2.0.",
        judges={
            "gpt-3.5-turbo": "GPT-3.5-turbo, rulings recorded by PandaLM; one order a match.",
            "pandalm-7b": "PandaLM-7B on its own test set; one order a match.",
        },
    )
    items = read_json(folder / "testset-v1.json")
    pairs = {item["idx"]: pair for item, pair in zip(items, _collect(items, data), strict=True)}
    for item in items:
        for number in (1, 2, 3):
            voter = f"annotator {number}"
            data.voters[voter] = "annotator"
            verdict = VERDICTS[str(item[f"annotator{number}"])]
            data.votes.append(VoteRow(voter, *pairs[item["idx"]], verdict, True, None))
    for judge, (filename, field) in JUDGES.items():
        for row in read_json(folder / filename):
            if row["idx"] not in pairs:
                raise DatasetError(f"{folder / filename}: item {row['idx']} is not in testset-v1.json")
            verdict_read = VERDICTS.get(str(row[field]).strip().lower())
            raw = json.dumps(row, ensure_ascii=False, indent=1)
            data.rulings.append(RulingRow(judge, *pairs[row["idx"]], verdict_read, False, False, None, raw))
    return data


def _collect(items: list[dict[str, Any]], data: Dataset) -> list[tuple[Any, Any]]:
    """Add prompts, competitors and answers to ``data``; return each item's pair of answer keys."""
    prompts: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    texts: dict[tuple[str, str], list[str]] = {}  # (competitor, prompt) -> its different answers
    pairs = []
    for item in items:
        question = (item["instruction"], item["input"])
        if question not in prompts:
            prompts[question] = str(len(prompts) + 1)
            text = "\n\n".join(part for part in question if part)
            data.prompts.append(PromptRow(prompts[question], [text], None, []))
        pair = []
        for name, text in zip(
            item["cmp_key"].split("_"), (item["response1"], item["response2"]), strict=True
        ):
            if name not in names:
                names.add(name)
                data.competitors.append(CompetitorRow(name, name, ""))
            text = text if isinstance(text, str) else json.dumps(text)  # a few responses are the value true
            samples = texts.setdefault((name, prompts[question]), [])
            if text not in samples:
                samples.append(text)
                sample = len(samples) - 1
                key = (name, prompts[question], sample)
                data.answers.append(AnswerRow(key, name, prompts[question], sample, [text]))
            pair.append((name, prompts[question], samples.index(text)))
        pairs.append((pair[0], pair[1]))
    return pairs
