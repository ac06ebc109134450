"""Two answers to one request, compared with each other."""

from arena.engines import Message
from judging.protocols import wording
from judging.protocols.comparing import Comparison
from judging.protocols.framing import Question


class Pairwise(Comparison):
    """For a single turn. A reference answer, where there is one, is not shown."""

    name = "pairwise"
    takes = "one turn"

    def fits(self, question: Question) -> bool:
        return len(question.turns) == 1

    def system(self, question: Question) -> str:
        return wording.paragraphs(wording.ROLE, wording.FAIRNESS, wording.DATA, wording.FORM)

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...]:
        return super().render(Question(question.turns, images=question.images), first, second)
