"""Static files from outside the tree, and their compression."""

import brotli
from django.contrib.staticfiles import finders
from django.core.management import call_command

from arena.static_files import PLOTLY, PlotlyFinder, StaticStorage


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
