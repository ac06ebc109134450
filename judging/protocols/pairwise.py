"""Two answers to one request, compared with each other."""

from collections.abc import Sequence

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.protocols import wording
from judging.protocols.framing import Question, compose, frame_answer, frame_question, suspicious
from judging.protocols.weighing import Weight, weigh_marker
from judging.verdicts import read_last_verdict


class Pairwise:
    """For a single turn. A reference answer, where there is one, is not shown."""

    name = "pairwise"
    takes = "one turn"
    system = wording.paragraphs(wording.ROLE, wording.FAIRNESS, wording.DATA, wording.FORM)

    def fits(self, question: Question) -> bool:
        return len(question.turns) == 1

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...]:
        blocks = [
            *frame_question(Question(question.turns)),
            *frame_answer("first", question, first),
            *frame_answer("second", question, second),
        ]
        return compose(self.system, blocks, wording.TASK)

    def read(self, text: str) -> Verdict | None:
        return read_last_verdict(text)

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        return weigh_marker(text, logprobs)

    def imitated_by(self, text: str) -> bool:
        return suspicious(text)
