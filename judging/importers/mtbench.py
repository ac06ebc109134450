"""MT-bench: 80 two-turn questions, people's votes and GPT-4's folded verdicts, labels only.

Labels: lmsys/mt_bench_human_judgments (CC-BY-4.0); questions and references: lm-sys/FastChat
(Apache-2.0). Zheng et al. 2023, arXiv:2306.05685.
"""

from pathlib import Path

from arena.outcomes import Verdict
from judging.importers.dataset import (
    AnswerRow,
    CompetitorRow,
    Dataset,
    PromptRow,
    RulingRow,
    VoteRow,
    read_jsonl,
)

VERDICTS = {"model_a": Verdict.FIRST, "model_b": Verdict.SECOND, "tie": Verdict.TIE}
JUDGE = "gpt-4-pair"
# Reference answers known to be wrong (FastChat, pull request 3158): better none than a wrong one.
WRONG_REFERENCES = {104, 105, 109, 111, 113, 114, 120, 122, 124, 125, 126, 128, 130}


def read(folder: Path) -> Dataset:
    """Votes and verdicts are per turn; the orders that people saw are not recorded."""
    data = Dataset(
        slug="mtbench",
        name="MT-bench",
        description="Experts' and authors' votes on six models' answers to 80 two-turn questions, 2023.",
        credit="lmsys/mt_bench_human_judgments, CC-BY-4.0; lm-sys/FastChat, Apache-2.0.",
        judges={JUDGE: "GPT-4, both orders folded into one verdict by MT-bench."},
    )
    references = {
        row["question_id"]: row["choices"][0]["turns"]
        for row in read_jsonl(folder / "reference_answer_gpt-4.jsonl")
        if row["question_id"] not in WRONG_REFERENCES
    }
    for row in read_jsonl(folder / "question.jsonl"):
        number = row["question_id"]
        data.prompts.append(PromptRow(str(number), row["turns"], references.get(number), [row["category"]]))
    votes = read_jsonl(folder / "human.jsonl")
    verdicts = read_jsonl(folder / "gpt4_pair.jsonl")
    for name in sorted({row[side] for row in votes + verdicts for side in ("model_a", "model_b")}):
        data.competitors.append(CompetitorRow(name, name, ""))
    keys = {
        (row[side], str(row["question_id"])) for row in votes + verdicts for side in ("model_a", "model_b")
    }
    data.answers.extend(AnswerRow(key, *key, 0, None) for key in sorted(keys))
    seen = set()
    for row in votes:
        data.voters[row["judge"].replace("_", " ")] = row["judge"].partition("_")[0]
        vote = VoteRow(
            row["judge"].replace("_", " "), *_pair(row), VERDICTS[row["winner"]], False, row["turn"]
        )
        question = (vote.voter, frozenset((vote.first, vote.second)), vote.turn)
        if question not in seen:  # one author's vote stands twice in the file, once each way round
            seen.add(question)
            data.votes.append(vote)
    for row in verdicts:
        verdict = VERDICTS.get(row["winner"])
        inconsistent = row["winner"] == "tie (inconsistent)"
        data.rulings.append(RulingRow(JUDGE, *_pair(row), verdict, inconsistent, True, row["turn"], None))
    return data


def _pair(row: dict) -> tuple[tuple[str, str], tuple[str, str]]:
    number = str(row["question_id"])
    return (row["model_a"], number), (row["model_b"], number)
