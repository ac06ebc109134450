"""The design's rules, enforced; and planted faults, to show that each rule can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from arena.celery import app as celery_app
from tests import architecture

ROOT = Path(settings.BASE_DIR)


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of a tree in a process of its own."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources in which a fault can be planted."""
    ignored = shutil.ignore_patterns("__pycache__", "*.jsonl")
    for name in (*architecture.APPS, "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    return tmp_path


def plant(tree: Path, place: str, text: str) -> None:
    path = tree / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


class TestRules:
    def test_import_contracts_hold(self):
        result = lint_imports(ROOT)
        assert result.returncode == 0, result.stdout

    def test_files_stay_under_their_caps(self):
        assert architecture.too_long(ROOT) == []

    def test_names_say_what_is_inside(self):
        assert architecture.badly_named(ROOT) == []

    def test_heavy_libraries_stay_in_their_rooms(self):
        assert architecture.out_of_room(ROOT) == []

    def test_nobody_reaches_downstream_by_name(self):
        assert architecture.upward_by_code(ROOT) == []

    def test_every_scheduled_task_exists(self):
        celery_app.loader.import_default_modules()
        celery_app.finalize()
        scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
        assert scheduled <= set(celery_app.tasks)

    def test_every_variable_is_in_the_readme(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        missing = {name for name in architecture.environment_variables(ROOT) if f"`{name}`" not in readme}
        assert missing == set()


class TestPlantedFaults:
    @pytest.mark.parametrize(
        ("place", "text", "contract"),
        [
            ("arena/outcomes.py", "\nimport judging.verdicts\n", "Imports point upstream"),
            ("judging/verdicts.py", "\nimport django\n", "nothing knows Django"),
            ("leaderboard/ratings/elo.py", "\nimport leaderboard.models\n", "Rooms of leaderboard"),
            ("arena/models/jobs.py", "\nimport arena.services.voting\n", "Rooms of arena"),
            ("judging/newroom.py", "VALUE = 1\n", "Rooms of judging"),
        ],
    )
    def test_a_wrong_import_breaks_its_contract(self, tree, place, text, contract):
        plant(tree, place, text)
        result = lint_imports(tree)
        assert result.returncode == 1
        assert any(contract in line and "BROKEN" in line for line in result.stdout.splitlines()), (
            result.stdout
        )

    def test_a_long_file_is_found(self, tree):
        plant(tree, "arena/shell.py", "# one more\n" * architecture.CODE_CAP)
        plant(tree, "templates/base.html", "<p>one more</p>\n" * architecture.TEMPLATE_CAP)
        assert [line.partition(":")[0] for line in architecture.too_long(tree)] == [
            "arena/shell.py",
            "templates/base.html",
        ]

    def test_a_meaningless_name_is_found(self, tree):
        plant(tree, "judging/utils.py", "")
        assert architecture.badly_named(tree) == ["judging/utils.py"]

    def test_a_heavy_library_elsewhere_is_found(self, tree):
        plant(tree, "arena/services/pairing.py", "\n\ndef late():\n    import scipy.stats\n")
        assert architecture.out_of_room(tree) == ["arena/services/pairing.py imports scipy"]

    def test_reaching_downstream_by_name_is_found(self, tree):
        plant(tree, "arena/jobs.py", '\nboards = import_module("leaderboard.models")\n')
        assert architecture.upward_by_code(tree) == ["arena/jobs.py reaches leaderboard by name"]
