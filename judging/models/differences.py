"""Where people and a judge differ, to be read."""

from typing import NamedTuple

from django.db import connection

from arena.models import Benchmark, Match
from judging.models.judges import Judge


class Difference(NamedTuple):
    """A match on which most people said something else than a judge; counts of votes in match terms."""

    match: Match
    turn: int | None
    winner: str
    votes: int
    model_a: int
    tie: int
    model_b: int


def differences(judge: Judge, benchmark: Benchmark, *, limit: int) -> list[Difference]:
    """Where people differ most from ``judge``: by how many votes another outcome leads over the judge's own.

    A vote for both bad counts as a tie. Matches that the judge left unscored or ruled on inconsistently
    are left out: there it holds no opinion.
    """
    ids = {"judge": judge.pk, "benchmark": benchmark.pk, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES, ids)
        rows = cursor.fetchall()
    related = ("prompt", "competitor_a", "competitor_b")
    matches = Match.objects.select_related(*related).in_bulk({row[0] for row in rows})
    return [Difference(matches[row[0]], *row[1:]) for row in rows]


_DIFFERENCES = """
WITH ruled AS (
    SELECT judgment.match_id, judgment.turn, min(judgment.winner) AS winner
    FROM judging_judgment judgment
    JOIN arena_match ON arena_match.id = judgment.match_id
    JOIN arena_prompt ON arena_prompt.id = arena_match.prompt_id
    WHERE judgment.judge_id = %(judge)s AND arena_prompt.benchmark_id = %(benchmark)s
    GROUP BY judgment.match_id, judgment.turn
    HAVING min(judgment.winner) = max(judgment.winner) AND min(judgment.winner) NOT IN ('', 'inconsistent')
), counted AS (
    SELECT ruled.match_id, ruled.turn, ruled.winner, count(*) AS votes,
        count(*) FILTER (WHERE vote.winner = 'model_a') AS model_a,
        count(*) FILTER (WHERE vote.winner IN ('tie', 'both_bad')) AS tie,
        count(*) FILTER (WHERE vote.winner = 'model_b') AS model_b
    FROM ruled
    JOIN arena_vote vote ON vote.match_id = ruled.match_id AND vote.turn IS NOT DISTINCT FROM ruled.turn
    JOIN arena_voter voter ON voter.id = vote.voter_id AND voter.quarantined_at IS NULL
    GROUP BY ruled.match_id, ruled.turn, ruled.winner
), weighed AS (
    SELECT *, CASE winner WHEN 'model_a' THEN model_a WHEN 'tie' THEN tie ELSE model_b END AS with_judge,
        CASE winner WHEN 'model_a' THEN greatest(tie, model_b) WHEN 'tie' THEN greatest(model_a, model_b)
            ELSE greatest(model_a, tie) END AS against
    FROM counted
)
SELECT match_id, turn, winner, votes, model_a, tie, model_b FROM weighed
WHERE 2 * (votes - with_judge) > votes
ORDER BY against - with_judge DESC, votes DESC, match_id, turn LIMIT %(limit)s
"""
