"""What is told under a board: what its intervals rest on, how firm first place is, whose votes look odd."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from leaderboard import charts
from leaderboard.models import Board, Standing, quarantined_votes
from leaderboard.ratings import Limits
from leaderboard.ratings.robustness import LIMIT
from leaderboard.views.formats import counted, decimal, percent, span
from leaderboard.views.scope import ELO, POWERED, Source

MOST = 20  # models listed that change places without the flagged voters
LEAST = 0.005  # gain below which a judge gave next to nothing
FEWEST = Limits().fewest_clusters


class Moved(NamedTuple):
    """A model whose rank changes when votes are left out; ratings and ranks as they are written."""

    name: str
    before: str
    after: str
    rating_before: str
    rating_after: str


@dataclass(frozen=True)
class Flagged:
    """Voters whose votes do not go with the answers, why, and what the board would be without them."""

    summary: str
    reasons: list[str]
    moved: list[Moved]
    more: int


@dataclass(frozen=True)
class StyleRow:
    """What a typical difference in one feature of style is worth, in points."""

    name: str
    points: str
    ends: str
    mark: charts.Interval


@dataclass(frozen=True)
class Told:
    """Sentences, each ``""`` where there is nothing to say; ``flagged`` and ``styles`` are more than that."""

    intervals: str
    judge: str
    robustness: str
    checked: str
    quarantine: str
    flagged: Flagged | None
    styles: list[StyleRow]
    style_ticks: list[charts.Tick]


def tell(board: Board, source: Source, standings: Sequence[Standing]) -> Told:
    """All that is told under one board. One query for its details, one for quarantined votes."""
    details = board.details
    voters = details.get("voters") or {}
    coefficients = details.get("coefficients", [])
    scale = _style_scale(coefficients)
    return Told(
        intervals=_intervals(board),
        judge=_judge(board, source) if board.method == POWERED else "",
        robustness=_robustness(details.get("robustness"), source, standings),
        checked=_checked(voters),
        quarantine=_quarantine(board) if source.counts_votes else "",
        flagged=_flagged(voters) if voters.get("flagged") else None,
        styles=[_style(row, scale) for row in coefficients],
        style_ticks=charts.ticks(scale, about=4) if coefficients else [],
    )


def _intervals(board: Board) -> str:
    if board.method == ELO or board.intervals_at is None:
        return ""
    if board.method == POWERED:
        return "Intervals take each match as one, however many voted on it"
    if not board.cluster:
        return "Intervals take each vote as one of its own"
    if board.cluster == "voter":
        return f"Intervals gather votes by voter ({counted(board.clusters, 'person', 'people')})"
    prompts = counted(board.clusters, "prompt")
    if board.judge_id:
        return f"Intervals gather rulings by prompt ({prompts})"
    people = "this person" if board.voters == 1 else f"these {board.voters:,} people"
    return (
        f"Fewer than {FEWEST} people voted, so intervals gather votes by prompt ({prompts}) and hold for "
        f"{people} only"
    )


def _judge(board: Board, source: Source) -> str:
    """What the judge's part in a board of people and a judge is, in one line."""
    about = board.details
    used, left_out = about["judge_only"], about["left_out"]
    matches = counted(about["labelled"], "match", "matches")
    ruled = f"People voted on {matches}; {source.judge} alone ruled on {used + left_out:,} more"
    if not about["weight"]:
        return (
            f"Lambda is 0: {source.judge} added nothing, so this is the board of people alone, with each "
            f"match as one. {ruled}."
        )
    gain = about["gain"] - 1
    worth = f"as much as {counted(round(gain * board.matches), 'vote')} more ({percent(gain)})"
    return (
        f"Lambda is {decimal(about['weight'])}, where 0 leaves the judge out and 1 takes all of it. It "
        f"gained {worth if gain >= LEAST else 'next to nothing'}. "
        f"{ruled}: {used:,} used, {left_out:,} left out."
    )


def _robustness(found: dict[str, Any] | None, source: Source, standings: Sequence[Standing]) -> str:
    if not found or found["leader"] is None:
        return ""
    names = {row.competitor_id: row.competitor.name for row in standings}
    challenger, votes = found["challenger"], found["votes"]
    words = ("vote",) if source.counts_votes else ("match", "matches")
    if challenger is None:
        plural = "votes" if source.counts_votes else "matches"
        return (
            f"No set of up to {percent(LIMIT)} of the {plural} was found whose dropping changes first place."
        )
    if not votes:
        return "First place is shared."
    total = int(found["total"])
    return (
        f"Dropping {votes:,.0f} of {counted(total, *words)} ({percent(votes / total, 1)}) could put "
        f"{names.get(challenger, 'another model')} first."
    )


def _checked(voters: dict[str, Any]) -> str:
    tested = voters.get("tested")
    if not tested or voters.get("flagged"):
        return ""
    return f"Of {counted(tested, 'voter')}, none was found whose votes do not go with the answers."


def _flagged(voters: dict[str, Any]) -> Flagged:
    number, tested, votes = voters["flagged"], voters["tested"], voters["votes"]
    moves = voters["moves"]
    reasons = Counter(voters["reasons"]).most_common()
    return Flagged(
        summary=f"The votes of {number:,} of {counted(tested, 'voter')} do not go with the "
        f"answers ({counted(votes, 'vote')}; kept and counted)",
        reasons=[f"{reason} ({counted(many, 'voter')})" for reason, many in reasons],
        moved=[_moved(move) for move in moves[:MOST]],
        more=max(len(moves) - MOST, 0),
    )


def _moved(move: dict[str, Any]) -> Moved:
    return Moved(
        name=move["player"],
        before=span(None, None, move["rank_before"]),
        after=span(None, None, move["rank_after"]),
        rating_before=decimal(move["rating_before"], 0),
        rating_after=decimal(move["rating_after"], 0),
    )


def _quarantine(board: Board) -> str:
    voters, votes = quarantined_votes(board.benchmark_id)
    if not voters:
        return ""
    count = "counts" if votes == 1 else "count"
    return f"{counted(votes, 'vote')} of {counted(voters, 'voter')} in quarantine {count} nowhere."


def _style_scale(coefficients: Sequence[dict[str, Any]]) -> charts.Scale:
    """A scale that holds every interval and zero."""
    ends = [row[name] for row in coefficients for name in ("value", "lower", "upper")]
    return charts.scale_of([0.0, *ends])


def _style(row: dict[str, Any], scale: charts.Scale) -> StyleRow:
    value, low, high = row["value"], row["lower"], row["upper"]
    return StyleRow(
        name=row["name"],
        points=_signed(value),
        ends=f"{_signed(low)} to {_signed(high)}" if low is not None and high is not None else "unknown",
        mark=charts.interval(scale, value, low, high),
    )


def _signed(value: float) -> str:
    words = decimal(value, 0)
    return words if words.startswith("−") or words == "0" else f"+{words}"
