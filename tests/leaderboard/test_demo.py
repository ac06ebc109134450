"""The demo arena: what it brings, and that one command takes it away again."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from arena.models import Answer, Benchmark, Competitor, Job, Match, Vote, Voter
from judging.models import Judge, Judgment
from leaderboard.models import Board, JudgeReport, Standing
from leaderboard.services.demo import NO_DEMO
from tests.factories import make_answers, make_benchmark, make_matches, make_vote

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.ARENA_HOME = tmp_path
    return tmp_path


def run(name: str) -> str:
    out = StringIO()
    call_command(name, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_whole_demo_and_its_end(client, home, django_user_model):
    mine = make_benchmark(slug="mine")
    make_answers(mine, "one", "two")
    make_vote(make_matches(mine)[0])

    said = run("load_demo")
    password = (home / "demo-password").read_text().strip()
    assert password in said
    assert client.login(username="demo", password=password)
    # 7 models make 21 pairs on each of 24 prompts.
    assert Match.objects.filter(prompt__benchmark__slug="demo").count() == 504
    # Three judges in two orders; the recorded one has 12 unreadable texts.
    assert Judgment.objects.filter(match__prompt__benchmark__slug="demo").count() == 3 * 2 * 504
    assert Judgment.objects.filter(judge__name="demo-judge", winner="").count() == 12
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.DONE}
    assert not Answer.objects.filter(prompt__benchmark__slug="demo", html__isnull=True).exists()
    assert Judge.objects.filter(is_demo=True, is_active=True).count() == 0

    # Worth looking at: every model is rated by people, the judge beats both baselines and stays below people.
    board = Board.objects.get(benchmark__slug="demo", judge=None, category="", method="bt")
    assert board.standings.filter(rating__isnull=False).count() == 7
    agreement = {
        report.judge.name: report.figures["rules"]["each-vote"]
        for report in JudgeReport.objects.filter(benchmark__slug="demo").select_related("judge")
    }
    judges = ("random", "longest", "demo-judge")
    shares = [agreement[name]["judge"]["agreement"]["value"] for name in judges]
    assert shares == sorted(shares)
    assert shares[-1] < agreement["demo-judge"]["people"]["agreement"]["value"]
    page = client.get(reverse("leaderboard"), {"benchmark": "demo"}).content.decode()
    assert "made up" in page

    assert "already" in run("load_demo")

    run("clear_demo")
    assert not Benchmark.objects.filter(slug="demo").exists()
    assert not Competitor.objects.filter(is_demo=True).exists()
    assert not Voter.objects.filter(role="simulated").exists()
    assert not django_user_model.objects.filter(username="demo").exists()
    assert (home / NO_DEMO).exists()
    assert not (home / "demo-password").exists()
    # What was mine is still there, and so are the baselines.
    assert Vote.objects.count() == 1
    assert set(Judge.objects.values_list("name", flat=True)) == {"longest", "random"}
    assert set(Standing.objects.values_list("board__benchmark__slug", flat=True)) == {"mine"}
