"""Tables of facts: what people gave. Split by noun; import from here."""

from arena.models.answers import Answer, Competitor, Match
from arena.models.benchmarks import Benchmark, Prompt
from arena.models.changes import VoteChange
from arena.models.hosts import AllowedCode, HostModel, HostWorker
from arena.models.images import Image, hashes_of
from arena.models.jobs import Job
from arena.models.queue import Queue, Run
from arena.models.quotas import Spent
from arena.models.submissions import Endpoint, Submission
from arena.models.votes import Ballot, Vote, Voter

__all__ = [
    "AllowedCode",
    "Answer",
    "Ballot",
    "Benchmark",
    "Competitor",
    "Endpoint",
    "HostModel",
    "HostWorker",
    "Image",
    "Job",
    "Match",
    "Prompt",
    "Queue",
    "Run",
    "Spent",
    "Submission",
    "Vote",
    "VoteChange",
    "Voter",
    "hashes_of",
]
