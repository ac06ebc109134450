"""Two answers to a problem with one right result, which the judge works out before it looks at them."""

from judging.protocols import wording
from judging.protocols.comparing import Comparison
from judging.protocols.framing import Question


class MathReference(Comparison):
    """For problems with a reference solution, over one turn or several."""

    name = "math-reference"
    takes = "one turn or more, with reference"
    role = (
        "Two assistants were given the same problem, which has a right result. You decide whose reply "
        "solves it. Before you compare, work the problem out by yourself, step by step, and hold your result "
        "against the reference solution; if they differ, find out which is wrong. Then go through each reply "
        "and look for its first false step. A right result by sound steps beats a right result by luck, and "
        "either beats a wrong one, however well it is written. Two wrong results are a tie unless "
        "one reply is clearly nearer to a solution. The same result in another form is right."
    )

    def fits(self, question: Question) -> bool:
        return bool(question.turns) and question.has_reference

    def system(self, question: Question) -> str:
        turns = [wording.CONVERSATION] if len(question.turns) > 1 else []
        return wording.paragraphs(self.role, *turns, wording.FAIRNESS, wording.DATA, wording.FORM)
