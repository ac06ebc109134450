"""Several judges as one: how what its members said of a match becomes the ruling of a panel."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

from arena.outcomes import Verdict
from judging.preferences import POINTS
from judging.protocols.framing import neutralise
from judging.verdicts import MARKERS, compare_scores

QUORUM = 2  # members who must have given a verdict
TIE_BAND = 0.05  # a mean this near to one half is a tie
WORDS = {Verdict.FIRST: "the first answer", Verdict.SECOND: "the second answer", Verdict.TIE: "a tie"}
_POINTS = re.compile(r"^Points of the first answer: (\d\.\d{4})", re.MULTILINE)


class Voice(NamedTuple):
    """What a member says of a match in the order asked.

    ``verdict`` None: it abstains. ``preference`` are its points of the answer shown first, if it is so fine.
    """

    member: str
    verdict: Verdict | None
    preference: float | None = None

    @property
    def points(self) -> float:
        if self.preference is not None:
            return self.preference
        return POINTS[self.verdict or Verdict.TIE]


def rule(name: str, voices: Sequence[Voice]) -> str:
    """The ruling of a panel by the rule ``name``, as a text that ``verdicts.read_last_verdict`` reads.

    It ends without a verdict (unscored) where fewer than two members gave one.
    """
    lines = [f"{neutralise(each.member)}: {_said(each)}." for each in voices]
    spoken = [each for each in voices if each.verdict]
    if len(spoken) < QUORUM:
        return "\n".join([*lines, f"Only {len(spoken)} of {len(voices)} gave a verdict: none by the panel."])
    points, verdict = RULES[name](spoken)
    lines.append(f"Points of the first answer: {points:.4f}, by {name} of {len(spoken)}.")
    return "\n".join([*lines, f"Verdict: {MARKERS[verdict]}"])


def read_points(text: str) -> float | None:
    """Points of the answer shown first, as a panel's text states them."""
    found = _POINTS.findall(text)
    return float(found[-1]) if found else None


def _said(voice: Voice) -> str:
    if voice.verdict is None:
        return "no verdict"
    sure = "" if voice.preference is None else f" ({voice.preference:.2f} points for the first)"
    return WORDS[voice.verdict] + sure


def _majority(spoken: Sequence[Voice]) -> tuple[float, Verdict]:
    """The verdict that more members gave than any other; where two or three lead, a tie. Each voice counts
    whole: 1, one half for a tie, or 0 points.
    """
    counts = Counter(each.verdict for each in spoken if each.verdict)
    (verdict, most), *others = counts.most_common()
    leads = not others or others[0][1] < most
    points = fmean(POINTS[each.verdict] for each in spoken if each.verdict)
    return points, verdict if leads else Verdict.TIE


def _mean(spoken: Sequence[Voice]) -> tuple[float, Verdict]:
    """The mean of the members' preferences, or of a verdict's points where a member has none so fine."""
    points = fmean(each.points for each in spoken)
    return points, compare_scores(points, 0.5, TIE_BAND)


RULES: dict[str, Callable[[Sequence[Voice]], tuple[float, Verdict]]] = {
    "majority": _majority,
    "mean": _mean,
}
