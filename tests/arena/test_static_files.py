"""Static files from outside the tree, and their compression."""

import re
from collections import Counter
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from arena.static_files import PLOTLY, PlotlyFinder, StaticStorage

ROOT = Path(settings.BASE_DIR)
NAMES = re.compile(r"^(?:async )?(?:function|const|let|var) (\w+)", re.MULTILINE)


def test_of_plotly_one_file_is_found():
    finder = PlotlyFinder()
    assert [(name, storage.prefix) for name, storage in finder.list([])] == [("plotly.min.js", "plotly")]
    found = finders.find(PLOTLY)
    assert found.endswith("plotly/package_data/plotly.min.js")
    assert finders.find(PLOTLY, find_all=True) == [found]
    assert finders.find("plotly/widgetbundle.js") is None


def test_collected_files_are_hashed_and_compressed(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "arena.static_files.StaticStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin"])
    name = StaticStorage().stored_name(PLOTLY)
    assert name.startswith("plotly/plotly.min.")
    assert name != PLOTLY
    plain = (tmp_path / name).read_bytes()
    assert brotli.decompress((tmp_path / f"{name}.br").read_bytes()) == plain
    assert (tmp_path / f"{name}.gz").stat().st_size < len(plain) / 3


def scripts(template: Path) -> set[str]:
    return set(re.findall(r"js/(\w+\.js)", template.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "template",
    [path for path in sorted((ROOT / "templates").rglob("*.html")) if scripts(path)],
    ids=lambda path: path.stem,
)
def test_scripts_of_one_page_do_not_take_each_others_names(template):
    """They share one scope, in which a later function silently takes the place of an earlier one."""
    names = Counter(
        name
        for script in scripts(template) | {"site.js"}
        for name in set(NAMES.findall((ROOT / "static/js" / script).read_text(encoding="utf-8")))
    )
    assert names
    assert [name for name, times in names.items() if times > 1] == []
