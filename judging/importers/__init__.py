"""Readers of published data sets. Each turns a folder into one ``Dataset``; nothing here writes.

A new data set is one file beside these and one line in ``IMPORTERS``.
"""

from collections.abc import Callable
from pathlib import Path

from judging.importers import llmfao, mtbench, pandalm
from judging.importers.dataset import Dataset, DatasetError

IMPORTERS: dict[str, Callable[[Path], Dataset]] = {
    "llmfao": llmfao.read,
    "pandalm": pandalm.read,
    "mtbench": mtbench.read,
}

__all__ = ["IMPORTERS", "Dataset", "DatasetError"]
