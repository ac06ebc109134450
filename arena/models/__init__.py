"""Tables of facts: what people gave. Split by noun; import from here."""

from arena.models.answers import Answer, Competitor, Match, Submission
from arena.models.benchmarks import Benchmark, Prompt
from arena.models.jobs import Job
from arena.models.votes import Ballot, Vote, Voter

__all__ = [
    "Answer",
    "Ballot",
    "Benchmark",
    "Competitor",
    "Job",
    "Match",
    "Prompt",
    "Submission",
    "Vote",
    "Voter",
]
