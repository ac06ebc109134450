"""Store boards: whole ones with their intervals, or new points between two thorough fits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from arena.models import Benchmark
from judging.models import Judge
from leaderboard.models import Board, Standing
from leaderboard.ratings import Limits, Rating, Ratings, nearest_ties, simultaneous_ranks
from leaderboard.ratings.results import PROVISIONAL, doubts

LIMITS = Limits()
LATER = "new: its interval follows within minutes"
MANY = 300  # models; ranks that hold for all at once are then drawn less often
DRAWS, FEW_DRAWS = 4000, 500


class Key(NamedTuple):
    """Which live board."""

    benchmark: Benchmark
    judge: Judge | None
    category: str
    method: str


class Place(NamedTuple):
    """The columns of a standing."""

    competitor_id: int
    rank: int | None
    rank_lower: int | None
    rank_upper: int | None
    joint_lower: int | None
    joint_upper: int | None
    rating: float | None
    rating_lower: float | None
    rating_upper: float | None
    tied: list[int]
    tied_count: int
    matches: int
    score: float
    reason: str
    note: str


_COPY = f"COPY {Standing._meta.db_table} (board_id, {', '.join(Place._fields)}) FROM STDIN"


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
    joined = together(ratings)
    places = [_place(row)._replace(**joined.get(row.player, {})) for row in ratings.rows()]
    _replace({board.pk: places})


def together(ratings: Ratings) -> dict[Any, dict[str, Any]]:
    """By player: the ranks that hold for all at once, and who it is tied with; empty without intervals."""
    if ratings.covariance is None:
        return {}
    draws = FEW_DRAWS if len(ratings.players) > MANY else DRAWS
    joint = simultaneous_ranks(ratings, draws=draws)
    lower, upper = joint.lower.tolist(), joint.upper.tolist()
    return {
        player: {
            "joint_lower": lower[at] or None,
            "joint_upper": upper[at] or None,
            "tied": list(ties.nearest),
            "tied_count": ties.number,
        }
        for at, (player, ties) in enumerate(zip(ratings.players, nearest_ties(ratings), strict=True))
    }


@dataclass(frozen=True)
class Points:
    """New points of a live Bradley-Terry board, and how many games they count."""

    ratings: Ratings
    matches: int


@transaction.atomic
def store_points(
    benchmark: Benchmark, judge: Judge | None, found: dict[str, Points], *, signature: str, now: datetime
) -> None:
    """Move a source's boards, by category, to where the votes are now.

    Intervals keep the width of the last thorough fit. So do ranges of ranks, stretched where a model has left
    its own.
    """
    boards = {}
    for category, points in found.items():
        key = Key(benchmark, judge, category, Board.Method.BRADLEY_TERRY)
        boards[category] = _board(key, signature=signature, matches=points.matches, fitted_at=now)
    before: dict[int, dict[int, Place]] = {board.pk: {} for board in boards.values()}
    for board, *columns in Standing.objects.filter(board__in=before).values_list("board", *Place._fields):
        place = Place._make(columns)
        before[board][place.competitor_id] = place
    places = {
        board.pk: [
            _moved(_place(row), before[board.pk].get(int(str(row.player))))
            for row in found[category].ratings.rows()
        ]
        for category, board in boards.items()
    }
    _replace(places)


def _board(key: Key, **values: Any) -> Board:
    board, _ = Board.objects.update_or_create(**key._asdict(), defaults=values)
    return board


def _replace(places: dict[int, list[Place]]) -> None:
    """New standings of boards (ids), by COPY: in a tenth of the time of INSERT."""
    Standing.objects.filter(board__in=places).delete()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for board, own in places.items():
            for place in own:
                copy.write_row((board, *place))


def _place(row: Rating) -> Place:
    return Place(
        competitor_id=int(str(row.player)),
        rank=row.rank,
        rank_lower=row.rank_lower,
        rank_upper=row.rank_upper,
        joint_lower=None,
        joint_upper=None,
        rating=row.rating,
        rating_lower=row.rating_lower,
        rating_upper=row.rating_upper,
        tied=[],
        tied_count=0,
        matches=int(row.matches),
        score=row.score or 0.0,
        reason=row.reason,
        note=row.note if row.status == PROVISIONAL else "",
    )


def _moved(new: Place, old: Place | None) -> Place:
    """A place at its new rating with the old one's width."""
    if new.rating is None or new.rank is None:
        return new
    if old is None or old.rating is None:
        return new._replace(
            rank_lower=None, rank_upper=None, rating_lower=None, rating_upper=None, note=LATER
        )
    lower, upper, note = None, None, old.note
    if old.rating_lower is not None and old.rating_upper is not None:
        half = (old.rating_upper - old.rating_lower) / 2
        lower, upper, note = new.rating - half, new.rating + half, doubts(half, new.matches, LIMITS)
    return new._replace(
        rating_lower=lower,
        rating_upper=upper,
        rank_lower=old.rank_lower and min(old.rank_lower, new.rank),
        rank_upper=old.rank_upper and max(old.rank_upper, new.rank),
        joint_lower=old.joint_lower and min(old.joint_lower, new.rank),
        joint_upper=old.joint_upper and max(old.joint_upper, new.rank),
        tied=old.tied,
        tied_count=old.tied_count,
        note=note,
    )
