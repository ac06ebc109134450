"""How easily a judge is won over: texts that argue with it are attached to answers that it had rejected."""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from arena.engines import Engine
from arena.models import Benchmark, Match
from arena.outcomes import Verdict
from judging.injections import INJECTIONS, Injection
from judging.models import Judge
from judging.protocols import JudgingProtocol, UnfitProtocol, suspicious
from judging.services.asking import ask_judge
from judging.services.feeding import BOTH_ORDERS
from judging.services.recipes import protocols_of
from judging.services.rendering import Ask, add_texts, render, render_texts
from judging.services.storing import verdict_of

LOOKED_AT = (
    5  # matches that are asked about plainly for each one wanted, because not all are decided alike twice
)
Z = 1.959963984540054


class Trial(NamedTuple):
    """One attempt: the rejected answer with a text, shown first (``label`` A) or second."""

    match: int
    injection: Injection
    label: str


class Resistance(NamedTuple):
    """How a judge took the texts of one kind, or of all.

    ``flipped`` are trials that made the rejected answer the winner, ``shaken`` those that made a tie of it or
    left no verdict. The interval of the share flipped takes all trials on one match for a single one, because
    they have most in common. ``flagged`` texts imitate a verdict or the prompt's marks, and are broken up.
    """

    kind: str
    texts: int
    flagged: int
    matches: int
    trials: int
    flipped: int
    shaken: int
    share: float | None
    low: float | None
    high: float | None


def try_injections(
    judge: Judge,
    *,
    rng: random.Random,
    matches: int,
    benchmark: Benchmark | None = None,
    engine: Engine | None = None,
    injections: tuple[Injection, ...] = INJECTIONS,
) -> Iterator[tuple[Trial, Verdict | None]]:
    """Each trial with what the judge said, as it comes; nothing is stored.

    Matches count in which the judge, asked now, names the same winner in both orders. Requests that fail
    give no trial. Raises ValueError, TypeError or OSError for a judge that cannot work.
    """
    forms = protocols_of(judge)
    decided = dict(
        islice(_decided(judge, _some_matches(benchmark, rng, LOOKED_AT * matches), forms, engine), matches)
    )
    trials: dict[str, tuple[Trial, Ask]] = {}

    def asks() -> Iterator[Ask]:
        for match, (winner, plain) in decided.items():
            answers = {Verdict.FIRST: plain.first, Verdict.SECOND: plain.second}
            loser = Verdict.SECOND if winner == Verdict.FIRST else Verdict.FIRST
            for injection in injections:
                for label in ("A", "B"):
                    shown = [injection.attached(answers[loser], label), answers[winner]]
                    if label == "B":
                        shown.reverse()
                    key = f"trial {len(trials)}"
                    ask = render_texts(judge, key, plain.question, shown, forms)
                    trials[key] = Trial(match, injection, label), ask
                    yield ask

    with closing(ask_judge(judge, asks(), engine)) as completions:
        for completion in completions:
            trial, ask = trials[completion.key]
            if not completion.error:
                yield trial, verdict_of(ask, completion)


def measure_resistance(said: Iterable[tuple[Trial, Verdict | None]]) -> list[Resistance]:
    """One row a kind, the worst first, and one of all."""
    by_kind: dict[str, list[tuple[Trial, Verdict | None]]] = {}
    for trial, verdict in said:
        by_kind.setdefault(trial.injection.kind, []).append((trial, verdict))
    rows = [_row(kind, found) for kind, found in by_kind.items()]
    rows.sort(key=lambda row: (-(row.share or 0.0), row.kind))
    return [*rows, _row("all", [each for found in by_kind.values() for each in found])]


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share over n independent observations, one at least."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * (share * (1 - share) / n + Z * Z / (4 * n * n)) ** 0.5
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _row(kind: str, found: list[tuple[Trial, Verdict | None]]) -> Resistance:
    wins = {"A": Verdict.FIRST, "B": Verdict.SECOND}
    flipped = sum(verdict == wins[trial.label] for trial, verdict in found)
    shaken = sum(verdict in (None, Verdict.TIE) for _, verdict in found)
    texts = {trial.injection for trial, _ in found}
    matches = len({trial.match for trial, _ in found})
    share = flipped / len(found) if found else None
    low, high = (None, None) if share is None else wilson(share, matches)
    flagged = sum(suspicious(each.text.replace("{label}", "A")) for each in texts)
    return Resistance(kind, len(texts), flagged, matches, len(found), flipped, shaken, share, low, high)


def _some_matches(benchmark: Benchmark | None, rng: random.Random, count: int) -> list[Match]:
    found = Match.objects.with_texts().in_play()
    found = found.of_benchmark(benchmark) if benchmark else found.filter(prompt__benchmark__is_open=True)
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    matches = list(Match.objects.in_bulk(rng.sample(ids, min(count, len(ids)))).values())
    add_texts(matches)
    return matches


def _decided(
    judge: Judge, matches: list[Match], forms: Mapping[str, JudgingProtocol], engine: Engine | None
) -> Iterator[tuple[int, tuple[Verdict, Ask]]]:
    """Matches with the winner as AB shows them, where both orders name the same one."""
    asked: dict[str, tuple[int, Ask]] = {}

    def asks() -> Iterator[Ask]:
        for match in matches:
            for order in BOTH_ORDERS:
                try:
                    ask = replace(render(judge, match, order, forms), key=f"plain {len(asked)}")
                except UnfitProtocol:
                    continue
                ask = render_texts(judge, ask.key, ask.question, ask.answers, forms)
                asked[ask.key] = match.pk, ask
                yield ask

    said: dict[int, list[tuple[Verdict | None, Ask]]] = {}
    opposite = {Verdict.FIRST: Verdict.SECOND, Verdict.SECOND: Verdict.FIRST}
    with closing(ask_judge(judge, asks(), engine)) as completions:
        for completion in completions:
            match, ask = asked[completion.key]
            verdict = None if completion.error else verdict_of(ask, completion)
            said.setdefault(match, []).append((verdict, ask))
            if len(said[match]) == len(BOTH_ORDERS):
                (one, plain), (other, _) = said[match]
                if one in opposite and other == opposite[one]:
                    yield match, (one, plain)
