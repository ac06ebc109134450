"""Files that people give, read as a stream and checked as a whole. Pure: no Django, no database.

Nothing is raised for bad content: each result lists every problem with its line.
"""

from arena.uploads.answers import CheckedAnswers, PromptInfo, RecordedAnswer, check_answers
from arena.uploads.benchmarks import CheckedPrompts, NewPrompt, check_prompts
from arena.uploads.images import CheckedImage, ImageLimits
from arena.uploads.rows import Problem

__all__ = [
    "CheckedAnswers",
    "CheckedImage",
    "CheckedPrompts",
    "ImageLimits",
    "NewPrompt",
    "Problem",
    "PromptInfo",
    "RecordedAnswer",
    "check_answers",
    "check_prompts",
]
