"""Tables of opinions: judges and what they said. Split by noun; import from here."""

from judging.models.custom import CustomJudge
from judging.models.differences import Difference, differences
from judging.models.judges import PEOPLE, Judge
from judging.models.judgments import Among, Judgment, JudgmentChange, compressed
from judging.models.panels import Panel, Seat
from judging.models.recipes import InstalledRecipe
from judging.models.rubrics import Rubric
from judging.models.stored import form_named

KIND = "judge"  # of Job: the owner is the judge, the subject the match
REASONS = "reasons"  # of Job: the owner is the judge, the subject the judgment

__all__ = [
    "KIND",
    "PEOPLE",
    "REASONS",
    "Among",
    "CustomJudge",
    "Difference",
    "InstalledRecipe",
    "Judge",
    "Judgment",
    "JudgmentChange",
    "Panel",
    "Rubric",
    "Seat",
    "compressed",
    "differences",
    "form_named",
]
