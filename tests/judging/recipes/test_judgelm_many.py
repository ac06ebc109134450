"""JudgeLM on many answers at once: from ``install_judge --asks many`` to judgments, with a stand-in file."""

import io
import re

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from arena.outcomes import Order, Winner
from judging.models import Among, InstalledRecipe, Judge, Judgment
from judging.recipes import RECIPES
from judging.services.judging import judge_pending, plan_judging
from judging.services.reasons import reasons_request
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.judging.recipes import test_judgelm, test_pandalm
from tests.judging.recipes.standins import with_files
from tests.servers import running_server

pytestmark = pytest.mark.django_db
SHOWN = re.compile(r"\[Text \d+ begins\]\n(.*?)\n\n")


def by_length(prompt):
    """A score for each text: the length of what is shown, from 1 to 10."""
    return " ".join(str(min(len(text), 10)) for text in SHOWN.findall(prompt))


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    """The recipes pinned to stand-in files, which are given by path."""
    paths = {}
    for name, text in (("judgelm", test_judgelm.FILE), ("pandalm", test_pandalm.FILE)):
        monkeypatch.setitem(RECIPES, name, with_files(RECIPES[name], text))
        paths[name] = tmp_path / f"{name}.py"
        paths[name].write_text(text)
    return paths


def install(name, path, **options):
    out = io.StringIO()
    call_command("install_judge", name, source=[str(path)], asks="many", stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize("reference", [None, ["Known."]])
def test_from_the_file_to_judgments(files, reference):
    benchmark = make_benchmark(prompts=1, reference=reference)
    make_answers(benchmark, "aa", "bbbb", "cccccc", "dddd")
    matches = make_matches(benchmark)
    with running_server(by_length) as server:
        said = install("judgelm", files["judgelm"], url=server.base_url, model="judge")
        judge = Judge.objects.get()
        assert judge.protocol == f"judgelm/many@{InstalledRecipe.objects.get().sha256[:12]}"
        assert judge.protocol in said
        assert judge.both_orders
        plan_judging(judge)
        assert sum(tally.done for tally in judge_pending(judge, worker="tests")) == 6
        prompts = [body["prompt"] for body in server.bodies]
    assert len(prompts) == 2
    assert all("for Assistant 1, 2, 3 and 4, the four in one line" in prompt for prompt in prompts)
    assert all(("[Known]\nKnown.\n" in prompt) is bool(reference) for prompt in prompts)
    for match in matches:
        a, b = len(match.answer_a.turns[0]), len(match.answer_b.turns[0])
        winner = Winner.TIE if a == b else Winner.MODEL_A if a > b else Winner.MODEL_B
        rows = Judgment.objects.filter(match=match).order_by("order")
        assert [(row.order, row.winner) for row in rows] == [(Order.AB, winner), (Order.BA, winner)]
        assert {row.among.answers for row in rows} == {4}
    # A raw text just goes on, so that the reasons follow the scores.
    row = Judgment.objects.first()
    assert reasons_request(row).prompt.endswith(f"### Grades:{row.raw_text}\n")


@pytest.mark.parametrize("text", ["8 7", "8 7 6 5 4", "8, 7; 6", "eight", "10 10 1 11"])
def test_other_than_a_score_an_answer_is_unscored(files, text):
    make_answers(benchmark := make_benchmark(prompts=1), "a", "bb", "ccc")
    make_matches(benchmark)
    with running_server(lambda prompt: text) as server:
        install("judgelm", files["judgelm"], url=server.base_url, model="judge")
        plan_judging(judge := Judge.objects.get())
        list(judge_pending(judge, worker="tests"))
    assert set(Judgment.objects.values_list("winner", "raw_text")) == {("", text)}


def test_a_recipe_without_the_mode_is_refused_by_name(files):
    with pytest.raises(CommandError, match="pandalm does not judge many; its modes are: pair, one turn"):
        install("pandalm", files["pandalm"], url="http://127.0.0.1:9/v1", model="m")
    assert not InstalledRecipe.objects.exists()


def test_the_admin_takes_no_mode_that_a_recipe_lacks(files):
    call_command("install_judge", "pandalm", source=[str(files["pandalm"])], url="http://x/v1", model="m")
    judge = make_judge(engine="openai", base_url="http://x/v1", model="m")
    judge.protocol = Judge.objects.get(name="pandalm").protocol.replace("@", "/many@")
    with pytest.raises(ValidationError, match="The protocols are"):
        judge.full_clean()


def test_among_says_where_the_two_stood():
    assert Judgment(settings=Among(5, 2, 4).as_settings()).among == (5, 2, 4)
    assert Judgment(settings={"engine": "openai"}).among is None
