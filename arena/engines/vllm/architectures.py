"""Which architectures of models an interpreter's vLLM may know, found without running it.

vLLM serves what is in its own registry, and most of what Transformers has. Both list the names in one file,
whose import takes half a minute; reading them takes none.
"""

import json

from arena.engines.vllm.version import said_by

NAMES = """
import ast, json, pathlib, re
from importlib.util import find_spec

names = set()
for package, file in (
    ("vllm", "model_executor/models/registry.py"),
    ("transformers", "models/auto/modeling_auto.py"),
):
    [folder] = find_spec(package).submodule_search_locations
    for node in ast.walk(ast.parse((pathlib.Path(folder) / file).read_text())):
        if isinstance(node, ast.Constant) and re.fullmatch("[A-Z][A-Za-z0-9_]{1,99}", str(node.value)):
            names.add(str(node.value))
print(json.dumps(sorted(names)))
"""


def known_architectures(python: str) -> list[str]:
    """All names that may be one, such as LlamaForCausalLM; empty when it cannot be found out."""
    try:
        return list(json.loads(said_by(python, NAMES)))
    except (ValueError, TypeError):
        return []
