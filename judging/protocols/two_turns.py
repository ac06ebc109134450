"""Two conversations that answer the same turns, compared as wholes."""

from judging.protocols import wording
from judging.protocols.comparing import Comparison
from judging.protocols.framing import Question


class TwoTurns(Comparison):
    """For two turns or more, with or without reference answers. One verdict on the whole conversation."""

    name = "two-turns"
    takes = "two turns or more"
    task = wording.TASK_TURNS

    def fits(self, question: Question) -> bool:
        return len(question.turns) >= 2

    def system(self, question: Question) -> str:
        guide = [wording.REFERENCE] if question.has_reference else []
        return wording.paragraphs(
            wording.ROLE, wording.CONVERSATION, *guide, wording.FAIRNESS, wording.DATA, wording.FORM
        )
