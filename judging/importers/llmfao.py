"""LLMFAO: a whole arena of 70 models, people's votes and two LLM judges (dustalov/llmfao, CC-BY-4.0)."""

from pathlib import Path

from arena.outcomes import Verdict
from judging.importers.dataset import (
    AnswerRow,
    CompetitorRow,
    Dataset,
    PromptRow,
    RulingRow,
    VoteRow,
    read_csv,
    read_jsonl,
)

VERDICTS = {"left": Verdict.FIRST, "right": Verdict.SECOND, "tie": Verdict.TIE}
JUDGES = {"gpt-4": "gpt4-comparisons.csv", "gpt-3": "gpt3-comparisons.csv"}


def read(folder: Path) -> Dataset:
    """Votes exist for 13 prompts; the judges also ruled on the coding prompts. Every order is as shown."""
    data = Dataset(
        slug="llmfao",
        name="LLMFAO",
        description="Crowd votes and two LLM judges on answers of 70 models to 19 prompts, 2023.",
        credit="dustalov/llmfao, answers by llmonitor.com; CC-BY-4.0.",
        judges={
            "gpt-4": "GPT-4, rulings recorded by LLMFAO; one order a match.",
            "gpt-3": "GPT-3.5, rulings recorded by LLMFAO; one order a match.",
        },
    )
    for row in read_jsonl(folder / "prompts.jsonl"):
        data.prompts.append(PromptRow(str(row["id"]), [row["text"]], None, [row["type"]]))
    for row in read_jsonl(folder / "models.jsonl"):
        data.competitors.append(CompetitorRow(str(row["id"]), row["name"], row["org"] or ""))
    for row in read_jsonl(folder / "results.jsonl"):
        key = (str(row["model"]), str(row["prompt"]))
        data.answers.append(AnswerRow(key, *key, 0, [row["result"] or ""]))
    for row in read_csv(folder / "crowd-comparisons.csv"):
        voter = f"worker {row['worker']}"
        data.voters[voter] = "worker"
        data.votes.append(VoteRow(voter, *_pair(row), VERDICTS[row["winner"]], True, None))
    for judge, filename in JUDGES.items():
        for row in read_csv(folder / filename):
            verdict = VERDICTS[row["winner"]]
            data.rulings.append(RulingRow(judge, *_pair(row), verdict, False, False, None, None))
    return data


def _pair(row: dict[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    return (row["model_x"], row["prompt"]), (row["model_y"], row["prompt"])
