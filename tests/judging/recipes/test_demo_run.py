"""Installed judges on the demo arena, by recorded texts: all prompts of one turn are ruled on."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from arena.models import Job, Match
from judging.models import Judge, Judgment
from judging.recipes import RECIPES
from judging.services.judging import judge_pending, plan_judging
from judging.services.recipes import store_texts, take_texts
from leaderboard.services.demo import load_demo
from tests.factories import make_judge
from tests.judging.recipes import test_judgelm, test_pandalm
from tests.judging.recipes.standins import with_files

SAYS = {
    "judgelm": lambda first, second: f"{min(10, 1 + first // 60)} {min(10, 1 + second // 60)}\n",
    "pandalm": lambda first, second: "Tie" if first == second else "1\n" if first > second else "2\n",
}
FILES = {"judgelm": test_judgelm.FILE, "pandalm": test_pandalm.FILE}


@pytest.mark.django_db
def test_judgelm_and_pandalm_on_the_demo(settings, tmp_path, monkeypatch):
    settings.ARENA_HOME = tmp_path
    load_demo(now=datetime.now(UTC), progress=lambda step: None)
    matches = Match.objects.select_related("prompt", "answer_a__competitor", "answer_b__competitor")
    for name, says in SAYS.items():
        monkeypatch.setitem(RECIPES, name, with_files(RECIPES[name], FILES[name]))
        (tmp_path / "upstream.py").write_text(FILES[name])
        installed = store_texts(
            RECIPES[name], take_texts(RECIPES[name], [tmp_path / "upstream.py"]), datetime.now(UTC)
        )
        script = tmp_path / f"{name}.jsonl"
        with script.open("w") as file:
            for match in matches:
                for pair in ((match.answer_a, match.answer_b), (match.answer_b, match.answer_a)):
                    key = "|".join([match.prompt.key, *(answer.competitor.slug for answer in pair)])
                    text = says(*(len(answer.turns[0]) for answer in pair))
                    file.write(json.dumps({"key": key, "text": text}) + "\n")
        judge = make_judge(
            name, engine=Judge.Engine.SCRIPTED, model=str(script), protocol=str(installed), is_active=False
        )
        while plan_judging(judge):
            pass
        for _ in judge_pending(judge, worker="tests"):
            pass
        # 21 pairs of 7 models on each of 24 prompts; those of two turns fail by name, all others are read.
        several = sum(len(match.prompt.turns) > 1 for match in matches)
        rows = Judgment.objects.filter(judge=judge)
        assert rows.count() == 2 * (504 - several) > 0
        assert not rows.filter(winner="").exists()
        failed = Job.objects.filter(owner=judge.pk, state=Job.State.FAILED)
        assert failed.count() == several > 0
        assert set(failed.values_list("error_code", flat=True)) == {"unfit_protocol"}
        out = StringIO()
        call_command("agreement", benchmark="demo", judge=name, format="json", stdout=out)
        [row] = json.loads(out.getvalue())
        # Length agrees with the simulated voters better than a coin does.
        assert 0.4 < row["agreement"] < 0.8
