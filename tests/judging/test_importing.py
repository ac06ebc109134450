"""Imports, on tiny folders of the real shape and, where they are at hand, on the real data sets."""

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from arena.models import Answer, Benchmark, Competitor, Match, Vote
from arena.services.rendering import render_pending
from judging.models import Judge, Judgment

DATA = Path(os.environ.get("ARENA_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def run(*args) -> str:
    out = StringIO()
    call_command(*args, stdout=out, stderr=StringIO())
    return out.getvalue()


def agreement(*args) -> list[dict]:
    return json.loads(run("agreement", *args, "--format", "json"))


@pytest.fixture
def pandalm_folder(tmp_path):
    """Two items on one prompt; the first model has two different answers to it."""
    item = {"motivation_app": "Mail", "instruction": "Say hello.", "input": "", "cmp_key": "ant_bee"}
    votes = {"annotator1": 1, "annotator2": 1, "annotator3": 0}
    items = [
        {"idx": 0, **item, "response1": "Hello!", "response2": "Hi.", **votes},
        {"idx": 1, **item, "response1": "Good day.", "response2": "Hi.", **votes},
    ]
    (tmp_path / "testset-v1.json").write_text(json.dumps(items))
    rows = [{"idx": 0, "gpt_result": "1"}, {"idx": 1, "gpt_result": "garbage"}]
    (tmp_path / "gpt-3.5-turbo-testset-v1.json").write_text(json.dumps(rows))
    rows = [{"idx": 0, "pandalm_result": 2}, {"idx": 1, "pandalm_result": 0}]
    (tmp_path / "pandalm-7b-testset-v1.json").write_text(json.dumps(rows))
    return tmp_path


@pytest.mark.django_db
class TestSmall:
    def test_what_a_folder_becomes(self, pandalm_folder):
        run("import_data", "pandalm", str(pandalm_folder))
        benchmark = Benchmark.objects.get(slug="pandalm")
        assert not benchmark.is_open
        assert sorted(Competitor.objects.values_list("name", flat=True)) == ["ant", "bee"]
        # ant answered the one prompt twice, bee once.
        assert sorted(Answer.objects.values_list("competitor__name", "sample")) == [
            ("ant", 0),
            ("ant", 1),
            ("bee", 0),
        ]
        assert (Match.objects.count(), Vote.objects.count()) == (2, 6)

    def test_unreadable_text_is_unscored_and_kept(self, pandalm_folder):
        run("import_data", "pandalm", str(pandalm_folder))
        [unread] = Judgment.objects.filter(judge__name="gpt-3.5-turbo", winner="")
        assert unread.verdict == ""
        assert "garbage" in unread.raw_text

    def test_a_response_that_is_no_text_becomes_one(self, pandalm_folder):
        path = pandalm_folder / "testset-v1.json"
        path.write_text(path.read_text().replace('"Good day."', "true"))
        run("import_data", "pandalm", str(pandalm_folder))
        assert Answer.objects.get(competitor__name="ant", sample=1).turns == ["true"]

    def test_again_adds_nothing_and_says_so(self, pandalm_folder):
        run("import_data", "pandalm", str(pandalm_folder))
        assert "already" in run("import_data", "pandalm", str(pandalm_folder))
        assert (Vote.objects.count(), Judge.objects.count()) == (6, 2)

    def test_a_missing_file_is_named_and_nothing_stored(self, pandalm_folder):
        (pandalm_folder / "pandalm-7b-testset-v1.json").unlink()
        with pytest.raises(CommandError, match=r"pandalm-7b-testset-v1\.json"):
            run("import_data", "pandalm", str(pandalm_folder))
        assert not Benchmark.objects.exists()

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(CommandError, match="not a folder"):
            run("import_data", "pandalm", str(tmp_path / "nowhere"))

    def test_agreement_names_what_exists(self, pandalm_folder):
        run("import_data", "pandalm", str(pandalm_folder))
        with pytest.raises(CommandError, match="There are: pandalm"):
            run("agreement", "--benchmark", "nope")
        with pytest.raises(CommandError, match=r"gpt-3\.5-turbo"):
            run("agreement", "--benchmark", "pandalm", "--judge", "nope")

    def test_each_vote_leaves_unscored_out(self, pandalm_folder):
        run("import_data", "pandalm", str(pandalm_folder))
        [row] = agreement("--benchmark", "pandalm", "--judge", "gpt-3.5-turbo")
        # Only item 0 was read: "1" meets votes 1, 1, tie.
        assert (row["n"], row["agreed"]) == (3, 2)
        # On each item the votes 1, 1, tie make three pairs, one of which agrees.
        assert (row["human_n"], row["human_agreed"]) == (6, 2)


needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the real data sets are not at {DATA} (ARENA_DATA)"
)


@pytest.mark.data
@needs_data
@pytest.mark.django_db
class TestRealFigures:
    """Figures of the data sets, as published with them, through the commands that people use."""

    def test_llmfao(self):
        run("import_data", "llmfao", str(DATA / "llmfao"))
        rows = {row["judge"]: row for row in agreement("--benchmark", "llmfao")}
        found = {name: (row["agreed"], row["n"], round(row["kappa"], 4)) for name, row in rows.items()}
        assert found == {"gpt-4": (3705, 8931, 0.1564), "gpt-3": (3355, 8931, 0.0816)}
        assert (rows["gpt-4"]["human_agreed"], rows["gpt-4"]["human_n"]) == (8043, 15112)
        assert sum(answer.is_empty for answer in Answer.objects.filter(turns__isnull=False)) == 69
        board = json.loads(run("board", "--source", "people", "--benchmark", "llmfao", "--format", "json"))
        assert len(board) == 59
        assert board[0]["model"] == "GPT 4"

    def test_pandalm(self):
        run("import_data", "pandalm", str(DATA / "pandalm"))
        rows = agreement("--benchmark", "pandalm", "--rule", "pandalm")
        keys = ("agreement", "precision", "recall", "f1")
        assert {row["judge"]: [round(100 * row[key], 2) for key in keys] for row in rows} == {
            "gpt-3.5-turbo": [71.07, 58.79, 57.36, 57.55],
            "pandalm-7b": [66.77, 57.38, 57.50, 57.43],
        }
        assert render_pending(5000) == Answer.objects.count()  # every answer can be shown
        pairs = agreement("--benchmark", "pandalm", "--between-voters")
        assert [round(pair["kappa"], 2) for pair in pairs] == [0.85, 0.88, 0.86]

    def test_mtbench(self):
        run("import_data", "mtbench", str(DATA / "mtbench"))
        assert Vote.objects.count() == 3354
        expected = {
            (1, "mtbench-s1"): (886, 1343, 454, 721),
            (1, "mtbench-s2"): (727, 859, 388, 479),
            (2, "mtbench-s1"): (871, 1325, 471, 707),
            (2, "mtbench-s2"): (731, 864, 388, 474),
        }
        for (turn, rule), figures in expected.items():
            [row] = agreement("--benchmark", "mtbench", "--turn", str(turn), "--rule", rule)
            assert (row["agreed"], row["n"], row["human_agreed"], row["human_n"]) == figures
        [row] = agreement("--benchmark", "mtbench")
        assert (row["inconsistent"], Judgment.objects.count()) == (380, 2400)
