"""What a recipe states: where a judge's own prompt is found, how it is filled, sampled and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from arena.outcomes import Verdict
from judging.protocols import Question

GITHUB = "https://raw.githubusercontent.com"
PAIR, SINGLE, MANY = "pair", "single", "many"
ONE, TWO, SEVERAL = "one turn", "two turns", "several turns"


class Reading(NamedTuple):
    """What a judge's text says; nothing that can be read leaves both empty (unscored).

    `scores` are as the judge gave them, one an answer, and `verdict` follows from them where there are two.
    `strength` is 3 where the judge called one answer much better, and 1 for less (Arena-Hard); None where a
    text says no such thing.
    """

    verdict: Verdict | None = None
    scores: tuple[float, ...] = ()
    strength: int | None = None


UNREAD = Reading()


class Mode(NamedTuple):
    """What is judged at once: PAIR, SINGLE or MANY answers, over ONE, TWO or SEVERAL turns."""

    answers: str
    turns: str = ONE
    reference: bool = False

    def __str__(self) -> str:
        return f"{self.answers}, {self.turns}{', with reference' if self.reference else ''}"


@dataclass(frozen=True)
class Source:
    """One file of another project at one commit, and the address of each text in it, by the text's name here.

    `format` is a key of `extracting.FORMATS`, which says what an address looks like.
    """

    repository: str
    commit: str
    path: str
    sha256: str
    format: str
    texts: Mapping[str, str]
    host: str = GITHUB

    @property
    def url(self) -> str:
        return f"{self.host}/{self.repository}/{self.commit}/{self.path}"


@dataclass(frozen=True)
class Weights:
    """A model that was trained for the recipe; `billions` of parameters.

    `revision` is where the repository holds safetensors, if its main branch has pickles alone, which
    are not loaded here.
    """

    name: str
    repository: str
    billions: float
    licence: str
    revision: str = ""

    @property
    def gpu_gib(self) -> int:
        """Memory to serve it: two bytes a parameter, and a quarter more for the cache of one batch."""
        return round(self.billions * 1e9 * 2 * 1.25 / 2**30)


@dataclass(frozen=True)
class Form:
    """What is sent in one mode: `chat` messages as (role, layout), or one `raw` layout to go on with.

    In a layout {name} is an installed text. Where those texts have places of their own, `inside` names the
    text that belongs there, and `fields` says what else does: a layout again, of installed texts and of
    question, first, second, answer, reference; "first 2" is the second turn's; "first talk" the whole
    conversation. `speakers` are the names in a talk: of the person, of the first and of the second
    assistant. `each` is the text that shows the third and every further of many answers, of which there are
    at most `most`; `adapt` changes texts for so many answers.
    """

    fields: Mapping[str, str]
    chat: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    inside: Mapping[str, str] = field(default_factory=dict)
    speakers: tuple[str, str, str] = ("", "", "")
    each: str = ""
    most: int = 2
    adapt: Callable[[Mapping[str, str], int], Mapping[str, str]] | None = None

    @property
    def layouts(self) -> tuple[str, ...]:
        return tuple(layout for _, layout in self.chat) or (self.raw,)


@dataclass(frozen=True)
class Recipe:
    """A judge as its authors run it; the words themselves are not ours and are fetched when it is installed.

    `readers` read the text by what was asked for (PAIR, SINGLE, MANY). `weights` is empty for a prompt that
    any chat model can be given. `context` is the longest prompt and text together, in tokens: what the model
    was trained for, or what fits into the memory that `Weights` reckon with; None leaves it to the model.
    `marks` finds the delimiters in the installed texts; `verdicts` are what rulings look like, by what was
    asked for; both are broken up where an answer imitates them. Scores that differ by `tie_margin` or less
    are a tie. `labels` are the rulings that begin a text, if their probabilities say how sure the judge is.
    `deviations` says what is done otherwise than by the authors, and why.
    """

    name: str
    title: str
    licence: str
    sources: tuple[Source, ...]
    forms: Mapping[Mode, Form]
    readers: Mapping[str, Callable[[str], Reading]]
    sampling: Mapping[str, object]
    weights: tuple[Weights, ...] = ()
    context: int | None = None
    marks: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    tie_margin: float = 0.0
    labels: Mapping[str, Verdict] = field(default_factory=dict)
    clean: Callable[[str], str] = field(default=str)
    deviations: str = ""

    @property
    def asks(self) -> str:
        """What is asked about unless something else is wanted: PAIR, or SINGLE without a form for pairs."""
        return PAIR if self.judges(PAIR) else SINGLE

    def judges(self, asks: str) -> bool:
        """Whether it has a form for so many answers: PAIR, SINGLE or MANY."""
        return any(mode.answers == asks for mode in self.forms)

    @property
    def modes(self) -> str:
        return "; ".join(map(str, self.forms))

    def mode_for(self, answers: str, question: Question) -> Mode | None:
        """The mode for so many answers to this question, with its reference where that can be shown."""
        turns = {0: (), 1: (ONE,), 2: (TWO, SEVERAL)}.get(len(question.turns), (SEVERAL,))
        for reference in (True, False) if question.has_reference else (False,):
            for mode in (Mode(answers, named, reference) for named in turns):
                if mode in self.forms:
                    return mode
        return None
