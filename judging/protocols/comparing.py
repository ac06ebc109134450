"""What the forms have in common that show two answers and ask which is better."""

from collections.abc import Mapping, Sequence

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.protocols import wording
from judging.protocols.framing import Question, compose, frame_answer, frame_question, suspicious
from judging.protocols.weighing import Weight, weigh_marker
from judging.verdicts import MARKERS, read_last_verdict


class Comparison:
    """Rules, blocks, task; one verdict in our own markers."""

    task = wording.TASK
    apart = False
    sees_images = True
    most = 2
    constraint: Mapping[str, object] = {"choice": list(MARKERS.values())}

    def system(self, question: Question) -> str:
        raise NotImplementedError

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...]:
        blocks = [
            *frame_question(question),
            *frame_answer("first", question, first),
            *frame_answer("second", question, second),
        ]
        system = self.system(question)
        if question.all_images:
            system = wording.paragraphs(system, wording.IMAGES)
        return compose(system, blocks, self.task, question.all_images)

    def read(self, text: str) -> Verdict | None:
        return read_last_verdict(text)

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        return weigh_marker(text, logprobs)

    def imitated_by(self, text: str) -> bool:
        return suspicious(text)
