"""Two conversations that answer the same turns, compared as wholes."""

from collections.abc import Sequence

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.protocols import wording
from judging.protocols.framing import Question, compose, frame_answer, frame_question, suspicious
from judging.protocols.weighing import Weight, weigh_marker
from judging.verdicts import read_last_verdict


class TwoTurns:
    """For two turns or more, with or without reference answers. One verdict on the whole conversation."""

    name = "two-turns"
    takes = "two turns or more"
    conversation = (
        "The request has several turns: the person wrote the next one after the reply to the one before. "
        "Judge each assistant's replies together, the later ones as much as the first, and in the light of "
        "what that same assistant had said before."
    )

    def fits(self, question: Question) -> bool:
        return len(question.turns) >= 2

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...]:
        guide = [wording.REFERENCE] if question.has_reference else []
        system = wording.paragraphs(
            wording.ROLE, self.conversation, *guide, wording.FAIRNESS, wording.DATA, wording.FORM
        )
        blocks = [
            *frame_question(question),
            *frame_answer("first", question, first),
            *frame_answer("second", question, second),
        ]
        return compose(system, blocks, wording.TASK_TURNS)

    def read(self, text: str) -> Verdict | None:
        return read_last_verdict(text)

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        return weigh_marker(text, logprobs)

    def imitated_by(self, text: str) -> bool:
        return suspicious(text)
