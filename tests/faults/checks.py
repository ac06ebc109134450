"""What must hold after every fault, read from the database: all is there once, or failed with a cause."""

from typing import NamedTuple

from arena.models import Job, Submission
from arena.outcomes import Order
from leaderboard.services.counting import audit_counts
from tests.faults.processes import wait_for
from tests.faults.stage import PATIENCE, Stage

ANSWERS = """
    SELECT CASE submission.state WHEN 'failed' THEN 'failed' ELSE job.state END,
        job.error_code <> '' AND job.error <> '' OR submission.cause <> '' AND submission.message <> '',
        count(answer.id)
    FROM arena_job job JOIN arena_submission submission ON submission.id = job.owner
    LEFT JOIN arena_answer answer
        ON answer.prompt_id = job.subject AND answer.competitor_id = submission.competitor_id
    WHERE job.kind = 'answer' AND job.id > {since} GROUP BY job.id, submission.id
"""
JUDGMENTS = """
    SELECT job.state, job.error_code <> '' AND job.error <> '',
        count(judgment.id) FILTER (WHERE judgment.order = '{order}')
    FROM arena_job job LEFT JOIN judging_judgment judgment
        ON judgment.match_id = job.subject AND judgment.judge_id = job.owner
    WHERE job.kind = 'judge' AND job.id > {since} GROUP BY job.id
"""
CHANGES = "SELECT (SELECT count(*) FROM arena_votechange) + (SELECT count(*) FROM judging_judgmentchange)"


class Findings(NamedTuple):
    """In answers and judgments; ``failed`` have a final cause, ``miscounted`` are cells of kept counts."""

    planned: int = 0
    lost: int = 0
    doubled: int = 0
    failed: int = 0
    miscounted: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.miscounted)


def look(stage: Stage, since: int) -> Findings:
    """What became of the jobs with an id above ``since``, once all has ended."""
    rows = stage.sql(ANSWERS.format(since=since))
    for order in (Order.AB, Order.BA):
        rows += stage.sql(JUDGMENTS.format(since=since, order=order))
    wait_for(lambda: stage.sql(CHANGES) == [(0,)], PATIENCE, "for the counts")
    unplanned = stage.ask(_unplanned)
    lost = [row for row in rows if not _is_there(*row)]
    return Findings(
        planned=len(rows) + unplanned,
        lost=len(lost) + unplanned,
        doubled=sum(max(count - 1, 0) for _, _, count in rows),
        failed=sum(state == "failed" and not count for state, _, count in rows),
        miscounted=stage.ask(audit_counts),
    )


def _is_there(state: str, explained: bool, count: int) -> bool:
    return (state == "done" and count > 0) or (state == "failed" and (explained or count > 0))


def _unplanned() -> int:
    """Prompts for which a submission has no job."""
    asked = Submission.objects.exclude(kind=Submission.Kind.RECORDED)

    wanted = sum(each.benchmark.prompts.count() for each in asked.select_related("benchmark"))
    return wanted - Job.objects.filter(kind="answer", owner__in=asked.values("pk")).count()
