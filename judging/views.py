"""/matches/<id>/: a pair of answers and every opinion on it."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from arena.models import Answer, Job, Match, Vote, Voter
from arena.outcomes import INCONSISTENT, Order, Winner
from arena.services.rendering import ShownImage, prompt_images, prompt_turns, rendered
from judging.models import REASONS, Judge, Judgment
from judging.protocols import suspicious
from judging.protocols.asking import PLACES
from judging.services.reasons import ask_for_reasons, may_explain

SHOWN = 300  # opinions of people on one page
CUT = 64 * 1024  # characters of one recorded text

# Where an outcome stands on the axis A - tie - B, as a class of the style sheet.
SIDES = {
    Winner.MODEL_A: "a",
    Winner.MODEL_B: "b",
    Winner.TIE: "tie",
    Winner.BOTH_BAD: "bad",
    INCONSISTENT: "both",
    "": "none",
}
WORDS = {
    "a": "A is better",
    "b": "B is better",
    "tie": "tie",
    "bad": "both bad",
    "both": "inconsistent: it depends on the order",
    "none": "unscored: no verdict could be read",
}
ORDERS = {
    Order.AB: "A shown first",
    Order.BA: "B shown first",
    Order.FOLDED: "both orders, merged where it was recorded",
    Order.UNKNOWN: "order not recorded",
}


class Turn(NamedTuple):
    """One turn as HTML; an answer's text is None where none was recorded.

    ``a_imitates``: the answer holds text that looks like a judge's verdict or the marks of its prompt.
    """

    prompt: str
    a: str | None
    b: str | None
    a_imitates: bool = False
    b_imitates: bool = False
    images: tuple[ShownImage, ...] = ()


class Message(NamedTuple):
    role: str
    content: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opinion:
    """One line: who, in which order, where on the axis. ``judgment`` is given for judges."""

    who: str
    side: str
    order: str
    turn: int | None
    href: str = ""
    vote: Vote | None = None
    judgment: Judgment | None = None
    messages: list[Message] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    may_explain: bool = False  # this judge can be asked why, by staff
    is_asked: bool = False  # and was, and has not answered yet
    disagrees: bool = False  # this judge said something else in the other order

    @property
    def words(self) -> str:
        return WORDS[self.side]

    @property
    def numbers(self) -> str:
        """Which numbers A and B had, where many answers were ranked at once."""
        among = self.judgment.among if self.judgment else None
        if not among or not self.judgment:
            return ""
        a, b = among[1:] if self.judgment.order == Order.AB else among[:0:-1]
        return f"Ranked among {among.answers} answers: A was number {a}, B was number {b}."

    @property
    def said(self) -> list[tuple[str, str]]:
        """The judge's texts with their titles: one, or two if it was asked about each answer by itself."""
        text = (self.judgment.raw_text or "") if self.judgment else ""
        titles = ["Of A", "Of B"] if self.judgment and self.judgment.order == Order.AB else ["Of B", "Of A"]
        if any(message.role.endswith(PLACES) for message in self.messages):
            try:
                return [
                    (title, str(each)[:CUT]) for title, each in zip(titles, json.loads(text), strict=True)
                ]
            except (ValueError, TypeError):
                pass
        return [("", text[:CUT])]


@require_safe
def match(request: HttpRequest, pk: int) -> HttpResponse:
    related = ("prompt__benchmark", "answer_a", "answer_b", "competitor_a", "competitor_b")
    found = get_object_or_404(Match.objects.select_related(*related), pk=pk)
    votes = list(Vote.objects.filter(match=found).select_related("voter").order_by("turn", "id")[: SHOWN + 1])
    judgments = list(Judgment.objects.on_match(found))
    people = [opinion_of_person(vote) for vote in votes[:SHOWN]]
    judges = opinions_of_judges(judgments, [*(found.answer_a.turns or ()), *(found.answer_b.turns or ())])
    if request.user.is_staff:
        judges = with_reasons_to_ask(judges)
    context = {
        "match": found,
        "gone": [model for model in (found.competitor_a, found.competitor_b) if model.withdrawn_at],
        "benchmark": found.prompt.benchmark,
        "turns": turns_of(found),
        "people": people,
        "cut": len(votes) > SHOWN,
        "judges": judges,
        "by_turn": any(opinion.turn for opinion in [*people, *judges]),
        "tally": tally(people),
    }
    return render(request, "judging/match.html", context)


@require_POST
def ask_why(request: HttpRequest, pk: int) -> HttpResponse:
    """Staff asks a judge for the reasons of one ruling."""
    if not request.user.is_staff:
        raise PermissionDenied
    judgment = get_object_or_404(Judgment.objects.select_related("judge"), pk=pk)
    ask_for_reasons([judgment])
    return redirect(f"{reverse('match', args=[judgment.match_id])}#judgment-{pk}")


def with_reasons_to_ask(judges: list[Opinion]) -> list[Opinion]:
    """The same lines, each saying whether its judge can be asked why."""
    rows = [opinion.judgment for opinion in judges if opinion.judgment]
    waiting = Job.objects.unfinished().filter(kind=REASONS, subject__in=[row.pk for row in rows])
    asked = set(waiting.values_list("subject", flat=True))
    return [
        replace(
            opinion,
            may_explain=not opinion.judgment.reasons and may_explain(opinion.judgment),
            is_asked=opinion.judgment.pk in asked,
        )
        if opinion.judgment
        else opinion
        for opinion in judges
    ]


def turns_of(found: Match) -> list[Turn]:
    """Prompt and answers turn by turn; answers without a recorded text are None throughout."""
    prompts = prompt_turns(found.prompt)
    sides = [_texts(answer, len(prompts)) for answer in (found.answer_a, found.answer_b)]
    rows = zip_longest(prompts, *sides, fillvalue="")
    shown = [Turn(prompt or "", a, b) for prompt, a, b in rows]
    for number, images in enumerate(prompt_images(found.prompt)):
        shown[number] = shown[number]._replace(images=images)
    flags = zip_longest(_imitations(found.answer_a), _imitations(found.answer_b), fillvalue=False)
    for number, (in_a, in_b) in enumerate(flags):
        shown[number] = shown[number]._replace(a_imitates=in_a, b_imitates=in_b)
    return shown


def _imitations(answer: Answer) -> list[bool]:
    return [suspicious(text) for text in answer.turns or ()]


def _texts(answer: Answer, turns: int) -> Sequence[str | None]:
    return [None] * turns if answer.turns is None else rendered(answer)


def voter_label(voter: Voter) -> str:
    """What the public may know of a voter: its name in an imported data set, never an account's name."""
    if voter.origin and voter.name:
        return voter.name
    if voter.role == "simulated":
        return f"simulated voter {voter.pk}"
    return "signed-in visitor" if voter.user_id else "visitor"


def opinion_of_person(vote: Vote) -> Opinion:
    origin = vote.voter.origin
    facts = [(f"Recorded with {origin}" if origin else "Voted", f"{vote.created_at:%-d %B %Y}")]
    if vote.seconds is not None:
        facts.append(("Took", f"{vote.seconds:.0f} s"))
    return Opinion(
        who=voter_label(vote.voter),
        side=SIDES[vote.winner],
        order=ORDERS[Order(vote.order)],
        turn=vote.turn,
        vote=vote,
        facts=facts,
    )


def opinions_of_judges(judgments: Iterable[Judgment], answers: Sequence[str]) -> list[Opinion]:
    """One line a judgment; both lines of a judge whose orders name different winners say so.

    ``answers`` are all texts of both answers, to tell which of them were not shown as they are.
    """
    judgments = list(judgments)
    said: dict[tuple[int, int | None], set[str]] = defaultdict(set)
    for judgment in judgments:
        if judgment.winner:
            said[judgment.judge_id, judgment.turn].add(judgment.winner)
    return [
        Opinion(
            who=str(judgment.judge),
            href=judgment.judge.get_absolute_url(),
            side=SIDES[judgment.winner],
            order=ORDERS[Order(judgment.order)] + (f", among {among.answers}" if among else ""),
            turn=judgment.turn,
            judgment=judgment,
            messages=(messages := read_messages(judgment.prompt_text)),
            facts=[*facts_of(judgment), *_broken_up(messages, answers)],
            disagrees=len(said[judgment.judge_id, judgment.turn]) > 1,
        )
        for judgment in judgments
        for among in [judgment.among]
    ]


def read_messages(prompt_text: str) -> list[Message]:
    """The stored prompt as messages; a text that is no JSON list of messages is one message."""
    if not prompt_text:
        return []
    try:
        return [_message(row) for row in json.loads(prompt_text)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [Message("prompt", prompt_text)]


def _message(row: dict[str, Any]) -> Message:
    images = tuple(each for each in row.get("images", ()) if re.fullmatch("[0-9a-f]{64}", each))
    return Message(str(row["role"]), str(row["content"]), images)


def _broken_up(messages: Sequence[Message], answers: Sequence[str]) -> Iterable[tuple[str, str]]:
    """A fact where an answer does not stand in the prompt as it was given."""
    shown = "\n".join(message.content for message in messages)
    if messages and not all(text.strip() in shown for text in answers):
        yield "Answers", "shown with imitations of a ruling or of the prompt’s marks broken up"


def facts_of(judgment: Judgment) -> Iterable[tuple[str, str]]:
    """How the ruling was made, in the order of interest; what was not recorded is left out."""
    judge: Judge = judgment.judge
    yield "Engine", judge.get_engine_display()
    known = {
        "Protocol": judgment.protocol,
        "Model asked for": str(judgment.settings.get("model", "")),
        "Model returned": judgment.model_returned,
        "Fingerprint": judgment.fingerprint,
        "Members": ", ".join(
            f"{slug} (version {version})" for slug, version in judgment.settings.get("members", {}).items()
        ),
        "Settings": ", ".join(
            f"{key} {value}"
            for key, value in sorted(judgment.settings.items())
            if key not in ("model", "engine", "members", "answers", "places", "rulings")
        ),
        "Ended by": judgment.finish_reason,
        "Prompt’s SHA-256": judgment.prompt_sha256,
    }
    yield from ((name, value) for name, value in known.items() if value)
    if judgment.preference is not None:
        shown, spread = f"{judgment.preference:.2f} points for the answer shown first", ""
        if judgment.label_mass is not None:
            spread = f" ({judgment.label_mass:.0%} of the probability was on verdicts)"
        yield "Preference", shown + spread
    if judgment.strength is not None:
        yield "Strength", str(judgment.strength)
    if judgment.tokens_in is not None or judgment.tokens_out is not None:
        yield (
            "Share of tokens" if judgment.among else "Tokens",
            f"{_or_unknown(judgment.tokens_in)} in, {_or_unknown(judgment.tokens_out)} out",
        )
    if judgment.cost is not None:
        yield "Cost", f"{judgment.cost:.6f}"
    if judgment.seconds:
        yield "Took", f"{judgment.seconds:.1f} s"
    yield "Stored", f"{judgment.created_at:%-d %B %Y, %H:%M} UTC"


def _or_unknown(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def tally(people: Sequence[Opinion]) -> list[tuple[str, int]]:
    """(side, votes) in the order of the axis, for the sides that have any."""
    counts = Counter(opinion.side for opinion in people)
    return [(side, counts[side]) for side in ("a", "tie", "bad", "b") if counts[side]]
