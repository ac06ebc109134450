"""Derived tables: delete every row and ``manage.py refresh_boards --all`` makes them again. Snapshots are
kept beside them and cannot be made again.

Split by noun; import from here.
"""

from leaderboard.models.boards import Board, Standing, boards_stamp
from leaderboard.models.counts import CountedScope, PairCount
from leaderboard.models.reads import (
    JudgingProgress,
    Quarantined,
    Trouble,
    competitors_with_entries,
    judge_outcomes,
    judging_progress,
    matches_by_competitor,
    matches_of,
    quarantined_votes,
    rated_standings,
    trouble_of,
    vote_counts,
    withdrawn_from,
)
from leaderboard.models.reports import JudgeReport
from leaderboard.models.snapshots import (
    KeptBenchmark,
    KeptBoard,
    KeptPart,
    Snapshot,
    SnapshotRequest,
    snapshots_stamp,
)
from leaderboard.models.styles import AnswerStyle, unmeasured_answers

__all__ = [
    "AnswerStyle",
    "Board",
    "CountedScope",
    "JudgeReport",
    "JudgingProgress",
    "KeptBenchmark",
    "KeptBoard",
    "KeptPart",
    "PairCount",
    "Quarantined",
    "Snapshot",
    "SnapshotRequest",
    "Standing",
    "Trouble",
    "boards_stamp",
    "competitors_with_entries",
    "judge_outcomes",
    "judging_progress",
    "matches_by_competitor",
    "matches_of",
    "quarantined_votes",
    "rated_standings",
    "snapshots_stamp",
    "trouble_of",
    "unmeasured_answers",
    "vote_counts",
    "withdrawn_from",
]
