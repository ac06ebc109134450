"""Small files to upload, for the tests."""

import json
from io import BytesIO

from arena.uploads import CheckedAnswers, CheckedPrompts, PromptInfo, check_answers, check_prompts

LIMIT = 16 * 1024 * 1024
PROMPTS = (
    PromptInfo("p1", ("What is 1 + 1?",)),
    PromptInfo("p2", ("Say hello.",)),
    PromptInfo("81", ("Write a poem.", "Now shorter.")),
)


def answers(
    content: bytes | str, filename: str = "answers.jsonl", prompts=PROMPTS, **options
) -> CheckedAnswers:
    data = content.encode() if isinstance(content, str) else content
    return check_answers(BytesIO(data), filename, prompts, **{"limit_bytes": LIMIT, **options})


def prompts(content: bytes | str, filename: str = "prompts.jsonl", **options) -> CheckedPrompts:
    data = content.encode() if isinstance(content, str) else content
    return check_prompts(BytesIO(data), filename, **{"limit_bytes": LIMIT, **options})


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def texts(checked: CheckedAnswers) -> dict[str, tuple[str, ...]]:
    """The turns by prompt id, and no problem."""
    assert checked.problems == []
    return {answer.prompt_key: answer.turns for answer in checked.answers}
