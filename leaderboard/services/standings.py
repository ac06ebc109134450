"""Store boards: whole ones with their intervals, or new points between two thorough fits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from arena.models import Benchmark
from judging.models import Judge
from leaderboard.models import Board, Standing
from leaderboard.ratings import Limits, Rating, Ratings, nearest_ties, simultaneous_ranks
from leaderboard.ratings.results import PROVISIONAL, doubts

LIMITS = Limits()
LATER = "new: its interval follows within minutes"
TOO_FEW = "too few "  # how a note begins that clusters gave
MANY = 300  # models; ranks that hold for all at once are then drawn less often
DRAWS, FEW_DRAWS = 4000, 500


class Key(NamedTuple):
    """Which live board."""

    benchmark: Benchmark
    judge: Judge | None
    category: str
    method: str


@dataclass(frozen=True)
class Fitted:
    """A board to be stored: its ratings, what they count, and what the method says besides."""

    ratings: Ratings
    matches: int
    voters: int = 0
    clusters: int = 0
    details: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def store_board(key: Key, fitted: Fitted, *, signature: str, now: datetime) -> None:
    """Replace a board by a thorough fit."""
    ratings = fitted.ratings
    cluster = ratings.cluster[0] if ratings.cluster else ""
    board = _board(
        key,
        signature=signature,
        matches=fitted.matches,
        voters=fitted.voters,
        cluster=cluster,
        clusters=fitted.clusters,
        intervals_at=now if ratings.covariance is not None else None,
        details=fitted.details,
        fitted_at=now,
    )
    together: dict[Any, dict[str, Any]] = {}
    if ratings.covariance is not None:
        draws = FEW_DRAWS if len(ratings.players) > MANY else DRAWS
        joint, ties = simultaneous_ranks(ratings, draws=draws), nearest_ties(ratings)
        for at, player in enumerate(ratings.players):
            together[player] = {
                "joint_lower": int(joint.lower[at]) or None,
                "joint_upper": int(joint.upper[at]) or None,
                "tied": list(ties[at].nearest),
                "tied_count": ties[at].number,
            }
    _replace(board, [_standing(board, row, **together.get(row.player, {})) for row in ratings.rows()])


@transaction.atomic
def store_points(key: Key, ratings: Ratings, *, matches: int, signature: str, now: datetime) -> None:
    """Move a board's points to where the votes are now; intervals keep the width of the last thorough fit.

    So do ranges of ranks, stretched where a model has left its own.
    """
    board = _board(key, signature=signature, matches=matches, fitted_at=now)
    before = {row.competitor_id: row for row in board.standings.all()}
    _replace(board, [_moved(board, row, before.get(int(str(row.player)))) for row in ratings.rows()])


def _board(key: Key, **values: Any) -> Board:
    board, _ = Board.objects.update_or_create(**key._asdict(), defaults=values)
    return board


def _replace(board: Board, standings: list[Standing]) -> None:
    board.standings.all().delete()
    Standing.objects.bulk_create(standings)


def _standing(board: Board, row: Rating, **values: Any) -> Standing:
    own = {
        "rank_lower": row.rank_lower,
        "rank_upper": row.rank_upper,
        "rating_lower": row.rating_lower,
        "rating_upper": row.rating_upper,
        "note": row.note if row.status == PROVISIONAL else "",
    }
    return Standing(
        board=board,
        competitor_id=int(str(row.player)),
        rank=row.rank,
        rating=row.rating,
        matches=row.matches,
        score=row.score or 0.0,
        reason=row.reason,
        **own | values,
    )


def _moved(board: Board, row: Rating, old: Standing | None) -> Standing:
    """A row at its new rating with the old one's width."""
    nothing = dict.fromkeys(("rank_lower", "rank_upper", "rating_lower", "rating_upper"))
    if row.rating is None or row.rank is None:
        return _standing(board, row)
    if old is None or old.rating is None:
        return _standing(board, row, **nothing, note=LATER)
    known = old.rating_lower is not None and old.rating_upper is not None
    half = (old.rating_upper - old.rating_lower) / 2 if known else None  # type: ignore[operator]
    note = old.note if half is None else doubts(half, row.matches, LIMITS)
    return _standing(
        board,
        row,
        rating_lower=None if half is None else row.rating - half,
        rating_upper=None if half is None else row.rating + half,
        rank_lower=old.rank_lower and min(old.rank_lower, row.rank),
        rank_upper=old.rank_upper and max(old.rank_upper, row.rank),
        joint_lower=old.joint_lower and min(old.joint_lower, row.rank),
        joint_upper=old.joint_upper and max(old.joint_upper, row.rank),
        tied=old.tied,
        tied_count=old.tied_count,
        note=note,
    )
