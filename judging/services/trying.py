"""A custom judge tried on a match, before anything of it is stored; nothing is stored by trying."""

import json
import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from arena.engines import Completion
from arena.models import Benchmark, Match
from arena.outcomes import Order, Verdict, Winner, winner_of
from judging.custom import Caught, CustomProtocol
from judging.models import Judge
from judging.protocols.asking import both_texts, complete
from judging.services.asking import engine_of
from judging.services.feeding import BOTH_ORDERS
from judging.services.lengths import room_of, size_of
from judging.services.reasons import OF_VERDICTS
from judging.services.rendering import Ask, add_texts, render

SECONDS = 25.0  # that a judge's server may take: somebody waits for the page, and a process of the site too
SHOWN = 100_000  # characters of a prompt or a text
POSITIONS = {Verdict.FIRST: "the first answer is better", Verdict.SECOND: "the second answer is better"}


class Reading(NamedTuple):
    """A text around what the rule caught in it, and what that means, in words."""

    before: str
    caught: str
    after: str
    means: str
    is_read: bool


@dataclass
class Attempt:
    """One order of the match: the exact prompt, the texts that came, and who won by them."""

    title: str
    messages: list[tuple[str, str]] = field(default_factory=list)
    suspect: bool = False
    facts: str = ""
    readings: list[Reading] = field(default_factory=list)
    winner: str = ""  # in match terms; empty where there is no verdict
    outcome: str = ""
    error: str = ""


def match_to_try(number: int | None, benchmark: Benchmark | None, rng: random.Random) -> Match | None:
    """The match of that number, or one by chance of a benchmark; None where there is none with texts."""
    matches = Match.objects.with_texts().select_related("competitor_a", "competitor_b")
    if number is not None:
        match = matches.filter(pk=number).first()
    else:
        found = matches.filter(prompt__benchmark=benchmark).order_by("pk")
        count = found.count()
        match = found[rng.randrange(count)] if count else None
    if match:
        add_texts([match])
    return match


def try_text(protocol: CustomProtocol, text: str) -> Attempt:
    """What the rule makes of a text, without asking anybody."""
    return Attempt("The text that you gave", readings=[_read(protocol, text)])


def try_match(protocol: CustomProtocol, match: Match, judge: Judge | None) -> list[Attempt]:
    """The prompt in each order, and what the judge's model says to it where a judge is given."""
    asks: dict[str, tuple[Attempt, Ask, Order]] = {}
    attempts = []
    kept = {key: value for key, value in (judge.sampling if judge else {}).items() if key not in OF_VERDICTS}
    asked = Judge(engine=Judge.Engine.OPENAI, protocol=protocol.name, sampling=kept)
    for order in BOTH_ORDERS[:1] if protocol.apart else BOTH_ORDERS:
        attempt = Attempt(_title(match, order, protocol.apart))
        attempts.append(attempt)
        try:
            ask = render(asked, match, order, {protocol.name: protocol})
        except ValueError as error:
            attempt.error = str(error)
            continue
        attempt.messages = [(row["role"], row["content"][:SHOWN]) for row in json.loads(ask.prompt_text)]
        attempt.suspect = ask.suspect
        asks[ask.key] = attempt, ask, order
    if judge and asks:
        _ask(protocol, match, judge, asks)
    return attempts


def _ask(
    protocol: CustomProtocol, match: Match, judge: Judge, asks: dict[str, tuple[Attempt, Ask, Order]]
) -> None:
    """Give each attempt its judge's text, or the error in its place."""
    room = room_of(judge)
    requests = []
    for attempt, ask, _ in asks.values():
        attempt.error = room.excess(max(map(size_of, ask.requests)), judge.sampling)
        if not attempt.error:
            requests.append((ask.key, ask.requests))
    try:
        engine = engine_of(judge, deadline=min(SECONDS, settings.JUDGE_DEADLINE))
        with closing(complete(engine, requests)) as completions:
            for completion in completions:
                attempt, _, order = asks[completion.key]
                _take(protocol, match, attempt, order, completion)
    except (ValueError, TypeError, OSError) as error:
        for attempt, _, _ in asks.values():
            attempt.error = attempt.error or str(error)


def _take(
    protocol: CustomProtocol, match: Match, attempt: Attempt, order: Order, completion: Completion
) -> None:
    if completion.error:
        attempt.error = completion.error.message
        return
    text = completion.text or ""
    attempt.facts = f"{completion.model or 'A model without a name'}, {completion.seconds:.1f} s"
    if completion.finish_reason == "length":
        attempt.facts += "; cut at the most tokens that the judge may write"
    texts: Sequence[str] = (both_texts(text) or ()) if protocol.apart else (text,)
    attempt.readings = [_read(protocol, each) for each in texts]
    verdict = protocol.read(text)
    attempt.winner = winner_of(verdict, order) or ""
    if verdict is None:
        attempt.outcome = "Unscored: there is no verdict on this match."
    elif verdict == Verdict.TIE:
        attempt.outcome = "A tie."
    else:
        attempt.outcome = (
            f"{match.competitor_a if attempt.winner == Winner.MODEL_A else match.competitor_b} wins."
        )


def _read(protocol: CustomProtocol, text: str) -> Reading:
    caught = protocol.rule.catch(text)
    is_read, means = _meaning(protocol, caught)
    start, end = (caught.start, caught.end) if caught else (len(text), len(text))
    return Reading(
        text[max(start - SHOWN, 0) : start], text[start:end], text[end : end + SHOWN], means, is_read
    )


def _meaning(protocol: CustomProtocol, caught: Caught | None) -> tuple[bool, str]:
    """Whether it is scored, and a sentence."""
    if caught is None:
        return False, "Unscored: the rule finds nothing here."
    said = caught.value[:80]
    if protocol.apart:
        score = protocol.score_of(caught)
        scale = f"{protocol.spec.lowest:g} to {protocol.spec.highest:g}"
        if score is None:
            return False, f"Unscored: the rule catches “{said}”, which is no number from {scale}."
        return True, f"The score is {score:g}."
    verdict = protocol.verdict_of(caught)
    if verdict is None:
        return False, f"Unscored: the rule catches “{said}”, which is none of the words."
    return True, f"The rule catches “{said}”: {POSITIONS.get(verdict, 'a tie')}."


def _title(match: Match, order: Order, apart: bool) -> str:
    first, second = match.competitor_a, match.competitor_b
    if order == Order.BA:
        first, second = second, first
    return f"{first} and {second}, each by itself" if apart else f"{first} first, {second} second"
