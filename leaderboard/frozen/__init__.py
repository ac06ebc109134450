"""What a snapshot keeps, as plain data: inputs, boards, their digests, and the file that carries them."""

from leaderboard.frozen.boards import FrozenBoard, FrozenStanding, cells_of
from leaderboard.frozen.inputs import PEOPLE, STYLES, Inputs, JudgeName, Model, Prompt, judge_table
from leaderboard.frozen.tables import Columns, Part, cut, digest_of, join, pack, unpack

__all__ = [
    "PEOPLE",
    "STYLES",
    "Columns",
    "FrozenBoard",
    "FrozenStanding",
    "Inputs",
    "JudgeName",
    "Model",
    "Part",
    "Prompt",
    "cells_of",
    "cut",
    "digest_of",
    "join",
    "judge_table",
    "pack",
    "unpack",
]
