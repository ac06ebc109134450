"""Two answers to one request, compared with each other and with a reference answer."""

from judging.protocols import wording
from judging.protocols.comparing import Comparison
from judging.protocols.framing import Question


class PairwiseReference(Comparison):
    """For a single turn with a reference answer."""

    name = "pairwise-reference"
    takes = "one turn, with reference"

    def fits(self, question: Question) -> bool:
        return len(question.turns) == 1 and question.has_reference

    def system(self, question: Question) -> str:
        return wording.paragraphs(
            wording.ROLE, wording.REFERENCE, wording.FAIRNESS, wording.DATA, wording.FORM
        )
