"""Judges of every mode, side by side on one host: from the admin's form to the judge's page.

They share one model, which is loaded once; each further judge in ``JUDGES`` costs seconds. A random model
that may say nothing but verdicts gives real ones.
"""

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.utils import timezone

from arena.models import Answer, HostModel, HostWorker, Job, Prompt
from arena.services.hosting import Host
from judging.models import InstalledRecipe, Judge
from judging.protocols import PROTOCOLS
from judging.recipes import RECIPES
from judging.services.judging import plan_judging
from judging.services.serving import take_turn
from judging.verdicts import MARKERS
from leaderboard.services.boards import refresh_boards
from leaderboard.views.cached import CACHE
from tests.factories import make_benchmark, make_competitor, make_matches, make_vote
from tests.judging.recipes import test_judgelm, test_mt_bench
from tests.judging.recipes.standins import with_files

pytestmark = [pytest.mark.vllm, pytest.mark.django_db]

CONTEXT = 8192  # a token of the tiny model is about a character
FILES = {"judgelm": ("common.py", test_judgelm.FILE), "mt-bench": ("judge_prompts.jsonl", test_mt_bench.FILE)}

# Each of three models answers each prompt, so each prompt has three matches.
PROMPTS = {
    "plain": {"turns": ["Name a colour."]},
    "known": {"turns": ["Name the colour of grass."], "reference": ["Green."]},
    "talk": {"turns": ["Name a colour.", "And another one."]},
    "known talk": {"turns": ["What is two and two?", "And one more?"], "reference": ["Four.", "Five."]},
}
SCORE = "(?:10|[1-9])"
RANKINGS = "Ranking: (?:1 > 2 = 3|2 > 3 > 1|3 = 1 > 2|1 = 2 = 3)"  # of the three answers


def by_scores(first: int, second: int) -> str:
    return "tie" if first == second else "first" if first > second else "second"


def of_line(text: str) -> str:
    return by_scores(*map(int, text.split()))


def of_letter(text: str) -> str:
    return {"[[A]]": "first", "[[B]]": "second"}.get(text, "tie")


def of_two_ratings(text: str) -> str:
    return by_scores(*(int(re.fullmatch(r"\[\[(\d+)\]\]", each)[1]) for each in json.loads(text)))


def of_two_scores(text: str) -> str:
    return by_scores(*map(int, json.loads(text)))


def of_rubric(text: str) -> str:
    return by_scores(*(sum(map(int, re.findall(r"\d", each))) for each in json.loads(text)))


def of_ranking(text: str, places: list[int]) -> str:
    """Equal signs bind the answers of one rank."""
    ranks = [re.findall(r"\d", part) for part in text.removeprefix("Ranking:").split(">")]
    rank = {int(number): at for at, numbers in enumerate(ranks) for number in numbers}
    return by_scores(*(-rank[place] for place in places))


def of_line_of_many(text: str, places: list[int]) -> str:
    scores = [int(score) for score in text.split()]
    return by_scores(*(scores[place - 1] for place in places))


class Case(NamedTuple):
    """A judge, what it may say and what that means, and the prompts that it does not take.

    ``recipe`` is the protocol where the words are our own; ``roles`` are of what it is shown.
    """

    name: str
    recipe: str
    asks: str
    may_say: dict
    verdict: Callable[..., str]
    roles: list[str]
    unfit: tuple[str, ...] = ()


TALKS = ("talk", "known talk")
CHAT, APART = ["system", "user"], ["first answer", "second answer"]
RAW_APART = [f"prompt, {place}" for place in APART]
CHAT_APART = [f"{role}, {place}" for place in APART for role in CHAT]
JUDGES = [
    Case("Raw pairs", "judgelm", "", {"regex": f"{SCORE} {SCORE}"}, of_line, ["prompt"], TALKS),
    Case("Chat", "", "", {"choice": [*MARKERS.values()]}, of_letter, CHAT),
    Case("Chat as in MT-bench", "mt-bench", "", {"choice": ["[[A]]", "[[B]]", "[[C]]"]}, of_letter, CHAT),
    Case("Grades", "mt-bench", "single", {"regex": rf"\[\[{SCORE}\]\]"}, of_two_ratings, CHAT_APART),
    Case("Ranking", "ranking", "many", {"regex": RANKINGS}, of_ranking, CHAT),
    Case(
        "Raw grades of many",
        "judgelm",
        "many",
        {"regex": f"{SCORE} {SCORE} {SCORE}"},
        of_line_of_many,
        ["prompt"],
        TALKS,
    ),
    Case("Rubric", "rubric", "single", {}, of_rubric, CHAT_APART),
    Case("Raw grades", "judgelm", "single", {"regex": SCORE}, of_two_scores, RAW_APART, ("plain", *TALKS)),
]


@pytest.fixture
def benchmark():
    benchmark = make_benchmark(0, slug="colours")
    for key, fields in PROMPTS.items():
        Prompt.objects.create(benchmark=benchmark, key=key, **fields)
    for name in ("red", "green", "a rather dark blue"):
        model = make_competitor(name)
        for prompt in benchmark.prompts.all():
            turns = [f"{name}, {number}" for number, _ in enumerate(prompt.turns)]
            Answer.objects.create(competitor=model, prompt=prompt, turns=turns)
    for match in make_matches(benchmark):
        make_vote(match)
    return benchmark


@pytest.fixture
def installed(models, tmp_path, monkeypatch):
    """The recipes' texts, and the one model that workers serve, by ``install_judge`` from stand-in files."""
    for name, (file, text) in FILES.items():
        recipe = replace(with_files(RECIPES[name], text), context=CONTEXT)
        monkeypatch.setitem(RECIPES, name, recipe)
        (tmp_path / file).write_text(text)
        options = {"source": [str(tmp_path / file)], "model": str(models[0]), "paused": True}
        call_command("install_judge", name, stdout=io.StringIO(), **options)
    return {row.name: row for row in InstalledRecipe.objects.all()}


def add_by_form(client, case: Case, installed: dict[str, InstalledRecipe]) -> Judge:
    """What an administrator fills in; all else stays as the form has it."""
    address = "/admin/judging/judge/add/"
    form = client.get(address).context["adminform"].form
    given = {name: field.initial for name, field in form.fields.items() if field.initial not in (None, "")}
    may_say = case.may_say or PROTOCOLS[case.recipe].constraint
    sampling = {"temperature": 0.2, "seed": 0, "max_tokens": 100, "structured_outputs": may_say}
    filled = given | {
        "name": case.name,
        "slug": case.name.lower().replace(" ", "-"),
        "engine": "vllm",
        "host_model": HostModel.objects.latest("pk").pk,
        "model": "tiny-1",
        "protocol": installed[case.recipe].protocol(case.asks) if case.recipe in installed else case.recipe,
        "sampling": json.dumps(sampling),
        "both_orders": "" if case.asks == "single" else "on",
    }
    response = client.post(address, filled)
    assert response.status_code == 302, response.context["adminform"].form.errors
    return Judge.objects.get(name=case.name)


def work(host: Host, limit: float) -> None:
    end = time.monotonic() + limit
    while Job.objects.unfinished().exists():
        assert time.monotonic() < end, [
            *Job.objects.values_list("state", "error"),
            HostWorker.objects.get().log,
        ]
        take_turn(host)


def check_rulings(judge: Judge, case: Case) -> int:
    """Every match in every order, shown and read as the form says; how many there are."""
    rows = list(judge.judgments.select_related("match__prompt"))
    orders = 1 if case.asks == "single" else 2
    fit = set(PROMPTS) - set(case.unfit)
    assert len(rows) == 3 * orders * len(fit), case.name
    for row in rows:
        messages = json.loads(row.prompt_text)
        assert [message["role"] for message in messages] == case.roles, case.name
        shown = "\n".join(message["content"] for message in messages)
        for text in (*row.match.prompt.turns, *(row.match.prompt.reference or ())):
            assert text in shown, case.name
        places = [row.settings["places"]] if case.asks == "many" else []
        assert row.verdict == case.verdict(row.raw_text, *places), (case.name, row.raw_text)
        assert row.model_returned == "tiny-1"
        assert row.tokens_in > 0
    failed = Job.objects.filter(owner=judge.pk, state=Job.State.FAILED)
    assert set(failed.values_list("error_code", flat=True)) == ({"unfit_protocol"} if case.unfit else set())
    assert failed.count() == 3 * len(case.unfit)
    return len(rows)


def test_each_mode_from_the_form_to_the_judges_page(client, olga, host, benchmark, installed):
    client.force_login(olga)
    judges = [add_by_form(client, case, installed) for case in JUDGES]
    for judge in judges:
        assert plan_judging(judge) == 3 * len(PROMPTS)
    work(host, 300)
    assert len(list(host.folder.glob("*.log"))) == 1  # one server for all of them
    refresh_boards(now=timezone.now())
    CACHE.clear()
    for case, judge in zip(JUDGES, judges, strict=True):
        number = check_rulings(judge, case)
        page = client.get(judge.get_absolute_url()).content.decode()
        assert "Served by vLLM on a worker" in page
        assert f"All {number} rulings have a verdict." in page, case.name
        assert "Agrees with people on <b>" in page
        assert ("One order only" in page) == (case.asks == "single")
        assert ("failed for other reasons" in page) == bool(case.unfit)
        row = judge.judgments.latest("pk")
        match_page = client.get(row.match.get_absolute_url()).content.decode()
        assert f'href="{judge.get_absolute_url()}"' in match_page
    listed = client.get("/judges/").content.decode()
    assert all(case.name in listed for case in JUDGES)
