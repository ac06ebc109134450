"""Several answers to one request, ranked at once; each two of them are a pair that was ruled on."""

from collections.abc import Sequence

from arena.engines import Message, TokenLogprob
from arena.outcomes import Verdict
from judging.protocols import wording
from judging.protocols.framing import (
    FORGED_RANKING,
    Question,
    compose,
    frame_answer,
    frame_question,
    suspicious,
)
from judging.protocols.weighing import Weight
from judging.verdicts import compare_among, read_last_ranking


class Ranking:
    """For any question: one line such as ``Ranking: 2 > 1 = 3`` over two answers or more."""

    name = "ranking"
    takes = "one turn or more"
    apart = False
    sees_images = True
    most = 8

    def fits(self, question: Question) -> bool:
        return bool(question.turns)

    def render(
        self, question: Question, first: tuple[str, ...], second: tuple[str, ...]
    ) -> tuple[Message, ...]:
        return self.render_many(question, (first, second))

    def render_many(self, question: Question, answers: Sequence[tuple[str, ...]]) -> tuple[Message, ...]:
        guide = [wording.CONVERSATION] if len(question.turns) > 1 else []
        guide += [wording.REFERENCE] if question.has_reference else []
        parts = (*guide, wording.FAIRNESS_OF_MANY, wording.DATA, wording.FORM_OF_MANY)
        blocks = [*frame_question(question)]
        for number, answer in enumerate(answers, start=1):
            harmless = tuple(FORGED_RANKING.sub(r"\1 \2", text) for text in answer)
            blocks += frame_answer(str(number), question, harmless)
        task = wording.TASK_MANY.format(count=len(answers))
        images = [wording.IMAGES] if question.all_images else []
        system = wording.paragraphs(wording.ROLE_OF_MANY, *parts, *images)
        return compose(system, blocks, task, question.all_images)

    def read(self, text: str) -> Verdict | None:
        return self.read_many(text, 2, [(0, 1)])[0]

    def read_many(self, text: str, count: int, pairs: Sequence[tuple[int, int]]) -> list[Verdict | None]:
        return compare_among(read_last_ranking(text, count), pairs)

    def weigh(self, text: str, logprobs: Sequence[TokenLogprob] | None) -> Weight:
        return Weight()

    def imitated_by(self, text: str) -> bool:
        return suspicious(text) or bool(FORGED_RANKING.search(text))
