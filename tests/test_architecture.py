"""The house's rules as a test: which room may import which, what a model may import, how long a file may be."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from bench.registry import ROOT, entries

STANDARD = set(sys.stdlib_module_names)
MODEL_MAY = {"torch", "numpy", "scipy", "sklearn", "baselines", "gan_models"}

# A room may import those that stand above it here, and the rooms that share its line may not import each other.
STOREYS = (
    ("errors", "files"),
    ("registry",),
    ("datasets",),
    ("features",),
    ("metrics",),
    ("models",),
    ("plan",),
    ("records",),
    ("run", "leaderboard"),
    ("executors", "submissions"),
    ("render",),
    ("gate", "reproductions"),
    ("cli", "__init__"),
)
MOST_ARROWS = 100
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 250, 60
ROOMS_OF_A_CELL = 9
MOST_ENTRIES = 18  # of bench/, beside the marker py.typed
BOARD_ROWS = {
    "oracle",
    "copycat",
}  # the rows that boards know by name: scores are read against the one, memory against the other


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "bench").parts
    return parts[0] if len(parts) > 1 else path.stem


@cache
def sources() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "bench").rglob("*.py"))}


def imported(tree: ast.Module) -> set[str]:
    """Every module that a file imports, at the top, inside functions, or for its types alone."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            if node.module == "bench":
                names |= {f"bench.{alias.name}" for alias in node.names}
    return names


def named(tree: ast.Module) -> set[str]:
    """Modules of bench that a file names in a string, as to start a process by name or to import late."""
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    modules = {text.partition(":")[0] for text in texts if re.fullmatch(r"bench(\.\w+)+(:\w+)?", text)}
    return {name for name in modules if (ROOT / name.replace(".", "/")).is_dir() or is_file(name)}


def is_file(module: str) -> bool:
    return (ROOT / (module.replace(".", "/") + ".py")).is_file()


def arrows() -> dict[tuple[str, str], set[str]]:
    """(room, room it imports) -> the files that do."""
    seen: dict[tuple[str, str], set[str]] = {}
    for path, tree in sources().items():
        strings = (
            set() if path.name == "registry.py" else named(tree)
        )  # it names the folders of plugins: that is its work
        for name in imported(tree) | strings:
            head, _, rest = name.partition(".")
            target = rest.partition(".")[0] or "__init__"
            if head == "bench" and target != room_of(path):
                seen.setdefault((room_of(path), target), set()).add(str(path.relative_to(ROOT)))
    return seen


def test_arrows_between_rooms_only_point_down():
    storey = {room: i for i, rooms in enumerate(STOREYS) for room in rooms}
    assert {room for pair in arrows() for room in pair} <= storey.keys()
    same = {("errors", "files"), ("files", "errors"), ("cli", "__init__")}
    upward = {
        pair: files for pair, files in arrows().items() if storey[pair[1]] >= storey[pair[0]] and pair not in same
    }
    assert upward == {}


def test_there_are_few_arrows_and_few_entries():
    assert len(arrows()) <= MOST_ARROWS
    seen = {path.name for path in (ROOT / "bench").iterdir()} - {"__pycache__", "py.typed"}
    assert len(seen) <= MOST_ENTRIES, sorted(seen)


def test_a_cell_enters_few_rooms():
    """Rooms whose code names the class Cell."""
    users = {
        room_of(p)
        for p, tree in sources().items()
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and n.id == "Cell"
    }
    assert len(users) <= ROOMS_OF_A_CELL, sorted(users)


def test_the_harness_names_no_model():
    """Neither in an import nor in a string; what models there are is the registry's to say. A file of models/ is a model."""
    models = entries("model").keys() - BOARD_ROWS
    offenders = []
    for path, tree in sources().items():
        if path.is_relative_to(ROOT / "bench/reproductions/models"):
            continue
        offenders += [(path.name, name) for name in imported(tree) if name.startswith(("baselines", "gan_models"))]
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        offenders += [(path.name, text) for text in texts if text in models]
    assert offenders == []


@pytest.mark.parametrize(
    "path", [*(ROOT / "baselines").glob("*.py"), *(ROOT / "gan_models").glob("*.py")], ids=lambda p: p.stem
)
def test_a_model_imports_only_what_a_notebook_has(path):
    outside = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))} - STANDARD - MODEL_MAY
    assert outside == set()


def test_files_and_functions_are_short():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in sources()}
    assert {str(path): count for path, count in lines.items() if count > MOST_LINES} == {}
    assert median(lines.values()) <= 100
    functions = [
        (path.name, node.name, node.end_lineno - node.lineno + 1)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [f for f in functions if f[2] > MOST_LINES_OF_A_FUNCTION] == []


def test_first_lines_of_docstrings_are_short():
    """At most 100 letters; but a command's docstring is its help, and the measures' files wait for the next whole run."""
    kinds = ast.FunctionDef | ast.ClassDef | ast.Module
    offenders = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            first = (ast.get_docstring(node) or "").split("\n")[0] if isinstance(node, kinds) else ""
            is_command = any("command(" in ast.unparse(mark) for mark in getattr(node, "decorator_list", []))
            if len(first) > 100 and "measures" not in path.parts and not is_command:
                offenders.append((str(path.relative_to(ROOT)), getattr(node, "name", "module"), len(first)))
    assert offenders == []


@pytest.mark.parametrize("command", [["--help"], ["list", "models"], ["list", "metrics"], ["run", "--help"]])
def test_help_and_lists_import_no_torch_and_no_plugin(command):
    code = (
        f"import sys; sys.argv = ['bench', *{command!r}]\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "banned = ('torch', 'pandas', 'sklearn', 'ray')\n"
        "heavy = [m for m in sys.modules if m in banned or m.startswith('baselines.')]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
