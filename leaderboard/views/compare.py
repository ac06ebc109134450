"""Two boards over the models that both rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.models import Standing
from leaderboard.ratings import rank_correlation


@dataclass(frozen=True)
class Comparison:
    """Places (1 is the top) among the models that stand on both boards, by competitor id."""

    left: dict[int, int]
    right: dict[int, int]
    spearman: float | None

    @property
    def common(self) -> list[int]:
        """Ids in the left board's order."""
        return list(self.left)

    def shift(self, competitor_id: int) -> int | None:
        """How many places higher (+) or lower (-) the right board puts a model; None if it lacks it."""
        if competitor_id not in self.left:
            return None
        return self.left[competitor_id] - self.right[competitor_id]


def compare(left: Sequence[Standing], right: Sequence[Standing]) -> Comparison:
    """Compare boards given in rank order; unrated models take no part."""
    mine = {row.competitor_id: row.rating for row in left if row.rating is not None}
    theirs = {row.competitor_id: row.rating for row in right if row.rating is not None}
    in_left = [key for key in mine if key in theirs]
    in_right = [key for key in theirs if key in mine]
    found = rank_correlation({key: mine[key] for key in in_left}, {key: theirs[key] for key in in_left})
    return Comparison(
        left={key: place for place, key in enumerate(in_left, 1)},
        right={key: place for place, key in enumerate(in_right, 1)},
        spearman=found.spearman,
    )
