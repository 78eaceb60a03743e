"""Import direction: models stand alone, metrics see data and metric, nothing imports the command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = set(sys.stdlib_module_names)
MODEL_MAY = {"torch", "numpy", "scipy", "sklearn", "baselines", "gan_models"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def files(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).glob("*.py"))


@pytest.mark.parametrize("path", files("baselines", "gan_models"), ids=lambda p: p.stem)
def test_a_model_imports_only_what_a_notebook_has(path):
    outside = {name.split(".")[0] for name in imported(path)} - STANDARD - MODEL_MAY
    assert outside == set()


@pytest.mark.parametrize("path", files("bench/datasets", "bench/metrics", "bench/features"), ids=lambda p: p.stem)
def test_plugins_of_the_harness_do_not_reach_up(path):
    own = {name for name in imported(path) if name.startswith("bench")}
    allowed = ("bench.datasets", "bench.features", "bench.metrics", "bench.errors", "bench.registry", "bench.files")
    assert {name for name in own if not name.startswith(allowed)} == set()


HARNESS = ("bench", "bench/render", "bench/render/html", "bench/reproductions", "bench/reproductions/measures")


@pytest.mark.parametrize("path", files(*HARNESS), ids=lambda p: p.stem)
def test_nothing_imports_the_command_line_and_the_harness_names_no_model(path):
    names = imported(path)
    assert "bench.cli" not in names
    assert not {name for name in names if name.startswith(("baselines", "gan_models"))}


@pytest.mark.parametrize("command", [["--help"], ["list", "models"], ["list", "metrics"]])
def test_help_and_lists_import_no_torch_and_no_plugin(command):
    code = (
        f"import sys; sys.argv = ['bench', *{command!r}]\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = [m for m in sys.modules if m in ('torch', 'pandas', 'sklearn') or m.startswith('baselines.')]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
